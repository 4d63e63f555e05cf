//! Two formats that are nobody's: one that sends profiles to another address than events and stamps the time of the
//! attempt into the body, and one that takes a batch in parts and says so in its answer.

use sendoff::{
    model::time::UnixMillis,
    text::view::{EventView, items, member},
    wire::{Answer, Batch, ContentType, Format, Limits, Route, Target, Verdict, verdict_of_status},
};

const EVENTS: Route = Route(0);
const PEOPLE: Route = Route(7);

/// Profiles and events go to different addresses; aliases it has no place for.
#[derive(Debug)]
pub(crate) struct TwoRoutes {
    pub(crate) url: &'static str,
    pub(crate) version: usize,
}

impl TwoRoutes {
    pub(crate) const EVENTS_MAX: usize = 25;
    pub(crate) const BYTES_MAX: usize = 40_000;
}

impl Format for TwoRoutes {
    fn encoder(&self) -> &'static str {
        ["two/1", "two/2"][self.version]
    }

    fn limits(&self) -> Limits {
        Limits {
            events: Self::EVENTS_MAX,
            bytes: Self::BYTES_MAX,
            overhead_bytes: 160,
            event_overhead_bytes: 0,
        }
    }

    fn route(&self, event: &EventView<'_>) -> Option<Route> {
        match event.name() {
            "$identify" => Some(PEOPLE),
            "$alias" => None,
            _ => Some(EVENTS),
        }
    }

    fn target(&self, route: Route, _: UnixMillis) -> Target {
        let (path, content_type) = if route == PEOPLE {
            ("/people", ContentType::Json)
        } else {
            ("/events", ContentType::Form)
        };
        Target {
            url: [self.url, path].concat(),
            content_type,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        format!(
            r#"{{"version":{},"sent":{},"id":"{}","tab":"{}","lost":[],"items":[{}]}}"#,
            self.version,
            batch.sent_at.0,
            batch.id,
            batch.source.tab.text(),
            joined(batch),
        )
    }

    fn read_answer(&self, _: usize, answer: &Answer<'_>) -> Verdict {
        verdict_of_status(answer)
    }
}

/// Its 200 says which events are bad and which it wants once more.
#[derive(Debug)]
pub(crate) struct Picky {
    pub(crate) url: &'static str,
    pub(crate) version: usize,
}

impl Picky {
    pub(crate) const EVENTS_MAX: usize = 60;
    pub(crate) const BYTES_MAX: usize = 50_000;
}

impl Format for Picky {
    fn encoder(&self) -> &'static str {
        ["picky/1", "picky/2"][self.version]
    }

    fn tells_gaps(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        Limits {
            events: Self::EVENTS_MAX,
            bytes: Self::BYTES_MAX,
            overhead_bytes: 160,
            event_overhead_bytes: 0,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(EVENTS)
    }

    fn target(&self, _: Route, _: UnixMillis) -> Target {
        Target {
            url: [self.url, "/batch"].concat(),
            content_type: ContentType::Text,
        }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let gaps = batch.gaps.iter();
        let lost: Vec<String> = gaps
            .map(|gap| format!(r#"[{},{},"{}"]"#, gap.from, gap.to, gap.reason.code()))
            .collect();
        format!(
            r#"{{"version":{},"sent":{},"id":"{}","tab":"{}","lost":[{}],"items":[{}]}}"#,
            self.version,
            batch.sealed_at.0,
            batch.id,
            batch.source.tab.text(),
            lost.join(","),
            joined(batch),
        )
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        match verdict_of_status(answer) {
            Verdict::Delivered if member(answer.body, "ok").is_none() => {
                // Without the list nobody knows what it took.
                Verdict::Retry { after_ms: None }
            }
            Verdict::Delivered => {
                let list = |name| {
                    let found = items(member(answer.body, name).unwrap_or("[]")).into_iter();
                    let numbers = found.filter_map(|text| text.parse::<usize>().ok());
                    numbers.filter(|index| *index < events).collect::<Vec<_>>()
                };
                let (refused, again) = (list("bad"), list("again"));
                if refused.is_empty() && again.is_empty() {
                    return Verdict::Delivered;
                }
                Verdict::Partial { refused, again }
            }
            verdict => verdict,
        }
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        Some(member(body, "ok").is_some())
    }
}

fn joined(batch: &Batch<'_>) -> String {
    let texts: Vec<&str> = batch.events.iter().map(|one| one.text.as_str()).collect();
    texts.join(",")
}
