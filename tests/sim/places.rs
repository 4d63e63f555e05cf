//! Where events go: every destination that a page may be configured with, each with a dialect, limits, a
//! network and a collector of its own.

use sendoff::{
    delivery::destination::Destination,
    wire::{ContentType, Format, native::Native},
};

use crate::formats::{Picky, TwoRoutes};

/// How a destination speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Native,
    TwoRoutes,
    Picky,
}

/// One destination.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    pub(crate) url: &'static str,
}

/// All there are. The last one is what the one before it is renamed to now and then.
pub(crate) const PLACES: [Place; 4] = [
    Place {
        name: "own",
        dialect: Dialect::Native,
        url: "/collect",
    },
    Place {
        name: "crm",
        dialect: Dialect::TwoRoutes,
        url: "https://crm.test",
    },
    Place {
        name: "stats",
        dialect: Dialect::Picky,
        url: "https://stats.test",
    },
    Place {
        name: "stats-eu",
        dialect: Dialect::Picky,
        url: "https://eu.stats.test",
    },
];

/// One entry of a page's configuration: a destination, and the version of its encoder in that page's build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) place: usize,
    pub(crate) version: usize,
}

/// A page's configuration: its destinations, in order.
pub(crate) type Site = Vec<Lane>;

/// One of each of these, encoded as they are today.
pub(crate) fn site(places: &[usize]) -> Site {
    let lane = |place: &usize| Lane {
        place: *place,
        version: 0,
    };
    places.iter().map(lane).collect()
}

impl Lane {
    /// As the engine knows it.
    pub(crate) fn destination(self, project: &str) -> Destination {
        let Place { name, dialect, url } = &PLACES[self.place];
        let version = self.version;
        let format: Box<dyn Format> = match dialect {
            Dialect::Native => Box::new(Native::new(url, project)),
            Dialect::TwoRoutes => Box::new(TwoRoutes { url, version }),
            Dialect::Picky => Box::new(Picky { url, version }),
        };
        Destination {
            name: (*name).to_owned(),
            format,
            only: Vec::new(),
            except: Vec::new(),
            marketing: false,
        }
    }
}

impl Place {
    /// Whether an event of that name is to arrive here.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.dialect != Dialect::TwoRoutes || name != "$alias"
    }

    /// Whether the dialect has a place for what was given up.
    pub(crate) fn tells_gaps(&self) -> bool {
        self.dialect != Dialect::TwoRoutes
    }

    /// The most events, and the most bytes, that one body may have.
    pub(crate) const fn limits(&self) -> (usize, usize) {
        match self.dialect {
            Dialect::Native => (1_000, usize::MAX),
            Dialect::TwoRoutes => (TwoRoutes::EVENTS_MAX, TwoRoutes::BYTES_MAX),
            Dialect::Picky => (Picky::EVENTS_MAX, Picky::BYTES_MAX),
        }
    }
}

/// The destination of that name.
pub(crate) fn place_named(name: &str) -> Option<usize> {
    PLACES.iter().position(|place| place.name == name)
}

/// The destination behind an address, and whether it is that for profiles; `None` if it is none for bodies of that type.
/// The time of the attempt is in the native one's, unless it is left to the browser.
pub(crate) fn place_of(
    url: &str,
    content_type: ContentType,
    deferred: bool,
) -> Option<(usize, bool)> {
    let base = |place: &Place| url.starts_with(place.url);
    let place = PLACES.iter().position(base)?;
    let rest = &url[PLACES[place].url.len()..];
    let (people, fits) = match PLACES[place].dialect {
        Dialect::Native => (
            false,
            (deferred && rest.is_empty() || rest.starts_with("?sentAt="))
                && content_type == ContentType::Text,
        ),
        Dialect::TwoRoutes if rest == "/people" => (true, content_type == ContentType::Json),
        Dialect::TwoRoutes => (
            false,
            rest == "/events" && content_type == ContentType::Form,
        ),
        Dialect::Picky => (false, rest == "/batch" && content_type == ContentType::Text),
    };
    fits.then_some((place, people))
}
