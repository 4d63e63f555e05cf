//! What becomes of a request that has left the browser.

use sendoff::engine::io::{Means, Nature, Outcome, Request, RetryAfter};
use sendoff::model::time::UnixMillis;

use crate::network::Flight;
use crate::tab::About;
use crate::world::{Event, World};

/// What follows once the collector has processed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Answer,
    Silence,
    Reset,
}

/// What the seed has in store for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Normal,
    Late,
    Twice,
    Lost,
    Reset,
    Refused,
    Hang,
    Status(u16),
}

impl World {
    fn fate(&mut self) -> Fate {
        let faults = &self.faults;
        if faults.blocked || !self.online {
            return Fate::Refused;
        }
        let rates = [
            (faults.refused, Fate::Refused),
            (faults.status_503, Fate::Status(503)),
            (faults.status_429, Fate::Status(429)),
            (faults.status_408, Fate::Status(408)),
            (faults.status_400, Fate::Status(400)),
            (faults.hang, Fate::Hang),
            (faults.lost, Fate::Lost),
            (faults.reset, Fate::Reset),
            (faults.late, Fate::Late),
            (faults.twice, Fate::Twice),
        ];
        let hit = rates.into_iter().find(|(rate, _)| self.rng.chance(*rate));
        hit.map_or(Fate::Normal, |(_, fate)| fate)
    }

    pub(crate) fn delay(&mut self) -> u64 {
        self.rng.between(1, self.faults.delay_ms_max)
    }

    /// A request leaves the browser; what becomes of it is drawn from the seed unless it is given.
    pub(crate) fn launch(
        &mut self,
        tab: usize,
        request: &Request,
        about: About,
        fate: Option<Fate>,
    ) {
        self.check_departure(tab, &about.body, about.exit);
        let fate = fate.unwrap_or_else(|| self.fate());
        if matches!(request.means, Means::Keepalive | Means::Beacon) && !self.tab_gone(tab) {
            self.tabs[tab].keepalive_bytes += about.body.bytes;
        }
        let then = match fate {
            Fate::Lost => Then::Silence,
            Fate::Reset => Then::Reset,
            _ => Then::Answer,
        };
        let flight = Flight {
            tab,
            request: request.id,
            means: request.means,
            about,
            started: self.now,
            unheard: matches!(request.means, Means::Beacon | Means::Deferred),
            arrived: false,
            then,
        };
        self.network.next += 1;
        let number = self.network.next;
        self.network.flights.insert(number, flight);
        self.log("fate", tab, number, || format!("{fate:?}"));
        let delay = self.delay();
        match fate {
            Fate::Normal | Fate::Lost | Fate::Reset => self.at(delay, Event::Arrive(number)),
            Fate::Twice => {
                self.coverage.hit("answered twice");
                self.at(delay, Event::Arrive(number));
                self.at(delay, Event::Arrive(number));
            }
            Fate::Late => {
                self.coverage.hit("answered late");
                let late = self.rng.between(500, 9_000);
                self.at(delay + late, Event::Arrive(number));
            }
            Fate::Hang => {}
            Fate::Refused => self.at(delay, Event::Answer(number, Outcome::Network)),
            Fate::Status(code) => {
                let outcome = self.status(code);
                self.at(delay, Event::Answer(number, outcome));
            }
        }
    }

    fn status(&mut self, code: u16) -> Outcome {
        let wanted = matches!(code, 429 | 503) && self.rng.chance(500);
        let retry_after = wanted.then(|| {
            let seconds = self.rng.between(1, 15);
            if self.rng.chance(300) {
                // A date has no fractions of a second.
                let at = self.wall() + seconds * 1_000;
                RetryAfter::At(UnixMillis(at / 1_000 * 1_000))
            } else {
                RetryAfter::Millis(seconds * 1_000)
            }
        });
        Outcome::Status {
            code,
            retry_after,
            body: None,
            nature: Nature::Plain,
        }
    }
}
