//! What pages say to the SDK, and what must come of it.

use crate::dates::iso8601;
use crate::model::Tracked;
use crate::tab::Arrival;
use crate::world::World;

const NAMES: [&str; 5] = [
    "page_view",
    "checkout",
    "é clic",
    "a \\\"quoted\\\" name",
    "x",
];

/// A call's record, as it crosses into the engine, and what is expected of it (nothing if it is to
/// be refused).
struct Call {
    record: String,
    expected: Option<Tracked>,
}

impl World {
    /// One burst of `count` calls on a page whose engine runs.
    pub(crate) fn track(&mut self, tab: usize, count: u64) {
        let mut records = Vec::new();
        for _ in 0..count {
            let call = self.any_call(tab);
            records.push(call.record);
            self.model.record(tab, call.expected);
        }
        self.say(tab, &records.join("\n"));
    }

    /// Hands records to the engine; the first of them names the page if that has changed since the last.
    fn say(&mut self, tab: usize, records: &str) {
        let at = &mut self.tabs[tab];
        let records = if std::mem::take(&mut at.moved) {
            let (first, rest) = records.split_at(records.find('\n').unwrap_or(records.len()));
            format!("{first}\tpage={}{rest}", at.url())
        } else {
            records.to_owned()
        };
        self.feed(tab, Arrival::Calls(records.into()));
    }

    /// The page shows another view of itself, at another address.
    pub(crate) fn view(&mut self, tab: usize) {
        self.coverage.hit("another page of the app");
        self.tabs[tab].views += 1;
        self.tabs[tab].moved = true;
    }

    /// `identify` or `alias`.
    pub(crate) fn identify(&mut self, tab: usize, alias: bool) {
        let call = if alias {
            self.alias_call(tab)
        } else {
            self.identify_call(tab)
        };
        if alias {
            self.coverage.hit("alias");
        }
        self.model.record(tab, call.expected);
        self.say(tab, &call.record);
    }

    /// Calls that have to be refused, each for its own reason.
    pub(crate) fn call_badly(&mut self, tab: usize) {
        let wall = self.wall();
        let bad = match self.rng.below(7) {
            0 => format!("track\t{wall}\t0\tname=\"{}\"", "n".repeat(65)),
            1 => format!(
                "track\t{wall}\t0\tname=\"deep\"\tprops={}1{}",
                "{\"a\":".repeat(9),
                "}".repeat(9)
            ),
            2 => "track\tNaN\t0\tname=\"when\"".to_owned(),
            3 => format!("track\t{wall}\t0\tname=12"),
            4 => format!("refused\t{wall}\t0\tcode=properties_not_serializable\tdetail=\"cycle\""),
            5 => format!("identify\t{wall}\t0\tuser=\"{}\"", "u".repeat(121)),
            _ => format!(
                "track\t{wall}\t0\tname=\"large\"\tprops={{\"a\":\"{}\"}}",
                "z".repeat(33_000)
            ),
        };
        self.coverage.hit("refused call");
        self.say(tab, &bad);
    }

    /// Records for a facade whose engine is not there yet, and what is expected of them.
    pub(crate) fn early_calls(&mut self, tab: usize, count: u64) -> (Vec<String>, Vec<Tracked>) {
        let calls: Vec<_> = (0..count).map(|_| self.track_call(tab)).collect();
        let page = format!("\tpage={}", self.tabs[tab].url());
        let pages = std::iter::once(page.as_str()).chain(std::iter::repeat(""));
        let records = calls.iter().zip(pages);
        let records = records
            .map(|(call, page)| [&call.record, page].concat())
            .collect();
        (
            records,
            calls.into_iter().filter_map(|call| call.expected).collect(),
        )
    }

    fn any_call(&mut self, tab: usize) -> Call {
        match self.rng.below(60) {
            0 => self.identify_call(tab),
            1 => Call {
                record: format!("track\t{}\t0\tname=\"\"", self.wall()),
                expected: None,
            },
            _ => self.track_call(tab),
        }
    }

    fn track_call(&mut self, tab: usize) -> Call {
        let name = self.rng.pick(&NAMES).unwrap_or("x");
        let user_id = self
            .rng
            .chance(100)
            .then(|| format!("u{}", self.rng.below(5)));
        let given = self.rng.chance(10).then(|| {
            let back = self.rng.below(9 * 86_400_000);
            self.wall().saturating_sub(back)
        });
        let properties = self.properties();
        let user = user_id
            .as_ref()
            .map_or_else(String::new, |user_id| format!("\tuser=\"{user_id}\""));
        let head = self.head(tab);
        let ts = given.map_or_else(String::new, |ms| format!("\tts={ms}"));
        let record = format!("track\t{head}\tname=\"{name}\"{user}\tprops={properties}{ts}");
        self.expect(
            tab,
            record,
            name.replace('\\', ""),
            user_id,
            given,
            properties,
        )
    }

    fn identify_call(&mut self, tab: usize) -> Call {
        let (head, user_id) = (self.head(tab), format!("u{}", self.rng.below(5)));
        let traits = self.properties();
        let record = format!("identify\t{head}\tuser=\"{user_id}\"\tprops={traits}");
        self.expect(
            tab,
            record,
            "$identify".to_owned(),
            Some(user_id),
            None,
            traits,
        )
    }

    fn alias_call(&mut self, tab: usize) -> Call {
        let (head, user_id) = (self.head(tab), format!("u{}", self.rng.below(5)));
        self.model.tokens += 1;
        let previous = format!("p{}", self.model.tokens);
        let record = format!("alias\t{head}\tuser=\"{user_id}\"\tprev=\"{previous}\"");
        let properties = format!("{{\"previousId\":\"{previous}\"}}");
        self.expect(
            tab,
            record,
            "$alias".to_owned(),
            Some(user_id),
            None,
            properties,
        )
    }

    /// Properties with a token found nowhere else.
    fn properties(&mut self) -> String {
        self.model.tokens += 1;
        let token = self.model.tokens;
        let padding = self.rng.below(self.profile.padding_max) as usize;
        let padding = "p\\\"é".repeat(padding / 5);
        format!("{{\"mark\":{token},\"padding\":\"{padding}\",\"list\":[1,{{}},null]}}")
    }

    /// When a call is made, on both clocks of its page.
    fn head(&self, tab: usize) -> String {
        let now = self.tab_now(tab);
        format!("{}\t{}", now.wall.0, now.mono.0)
    }

    fn expect(
        &mut self,
        tab: usize,
        record: String,
        name: String,
        user_id: Option<String>,
        given: Option<u64>,
        properties: String,
    ) -> Call {
        let (wall, at) = (self.wall(), self.now);
        let tab = &mut self.tabs[tab];
        let (latest, latest_at) = tab.dated;
        // A wall clock that is set back is not followed.
        let latest = wall.max(latest + (at - latest_at));
        tab.dated = (latest, at);
        let (from, to) = given.map_or((wall - 1_000, latest), |ms| (ms, ms));
        let expected = Tracked {
            at,
            wall,
            name,
            user_id,
            dated: (iso8601(from), iso8601(to)),
            dated_by_page: given.is_some(),
            properties,
            page: tab.url(),
            sent: None,
            hit: None,
            fates: Default::default(),
        };
        Call {
            record,
            expected: Some(expected),
        }
    }
}
