//! What engines send, read as each destination reads it, and held against what was tracked.

use std::{collections::BTreeMap, rc::Rc};

use sendoff::model::drop_reason::DropReason;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    model::Sent,
    places::{Dialect, PLACES},
    rng::{hash, mix},
    world::World,
};

/// A body of the native format.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    sent_at: &'a str,
    api_key: &'a str,
    tab: Option<&'a str>,
    batch_id: Option<&'a str>,
    #[serde(borrow)]
    context: Context<'a>,
    #[serde(default)]
    dropped: Vec<NativeGap>,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
    #[serde(default)]
    receipts: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Context<'a> {
    #[serde(borrow)]
    page: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct NativeGap {
    from: u64,
    to: u64,
    reason: String,
}

/// A body of the two test formats.
#[derive(Deserialize)]
struct Plain<'a> {
    version: usize,
    id: &'a str,
    tab: &'a str,
    lost: Vec<(u64, u64, String)>,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// One event as a collector reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent<'a> {
    idempotency_key: &'a str,
    seq: u64,
    name: String,
    user_id: Option<String>,
    timestamp: &'a str,
    #[serde(borrow)]
    properties: &'a RawValue,
    #[serde(borrow)]
    context: Option<Context<'a>>,
}

/// What all dialects have in common.
struct Read<'a> {
    tab: Option<&'a str>,
    batch: Option<&'a str>,
    gaps: Vec<(u64, u64, String)>,
    events: Vec<&'a RawValue>,
    receipts: Vec<String>,
    /// The page of its events that name none; `None` where the dialect has no pages.
    page: Option<&'a str>,
    /// What is not to change about the bytes.
    fixed: u64,
}

/// What the world remembers of a body.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Of everything in it that is not to change.
    pub(crate) hash: u64,
    pub(crate) bytes: usize,
    pub(crate) place: usize,
    pub(crate) tab: usize,
    pub(crate) batch: Option<String>,
    /// The numbers of its events, ascending.
    pub(crate) seqs: Vec<u64>,
    pub(crate) dropped: Vec<(u64, u64)>,
    pub(crate) receipts: Vec<String>,
}

impl World {
    /// Reads a body that an engine wants to send to a destination. Every event in it must be one that was tracked,
    /// unchanged (2), under the key and with the bytes it always had (5), by its own route.
    pub(crate) fn inspect(
        &mut self,
        sender: usize,
        place: usize,
        people: bool,
        text: &str,
    ) -> Rc<Body> {
        let hash = mix(hash(text.as_bytes()) ^ place as u64);
        if let Some(body) = self.bodies.get(&hash) {
            if body.batch.is_some() {
                self.coverage.hit("batch re-sent");
            }
            return body.clone();
        }
        let body = Rc::new(self.read_body(sender, place, people, text));
        self.bodies.insert(hash, body.clone());
        body
    }

    fn read_body(&mut self, sender: usize, place: usize, people: bool, text: &str) -> Body {
        let read = match self.parse(sender, place, text) {
            Ok(read) => read,
            Err(why) => self.fail(2, &format!("tab {sender} sends a bad body ({why}): {text}")),
        };
        let mut body = Body {
            hash: read.fixed,
            bytes: text.len(),
            place,
            tab: sender,
            receipts: read.receipts,
            ..Body::default()
        };
        if read.events.is_empty() && read.gaps.is_empty() {
            return body;
        }
        let tab = read.tab.and_then(|tab| self.model.tab_numbers.get(tab));
        let Some(tab) = tab.copied() else {
            self.fail(
                2,
                &format!("tab {sender} sends events of no tab: {text:.200}"),
            )
        };
        body.tab = tab;
        body.batch = read.batch.map(str::to_owned);
        for (from, to, reason) in &read.gaps {
            self.bury((tab, place), *from, *to, reason);
            body.dropped.push((*from, *to));
        }
        for event in &read.events {
            let seq = self.read_event(sender, tab, event.get(), read.page);
            self.check_route(sender, (tab, seq), place, people);
            body.seqs.push(seq);
        }
        self.check_size(sender, &body);
        body
    }

    /// An event goes where its destination wants it, and nowhere that it is not owed to (23).
    fn check_route(&mut self, sender: usize, (tab, seq): (usize, u64), place: usize, people: bool) {
        let book = &mut self.model.books[tab];
        // An early log, and a journal of which nothing but events is left, do not say whom they are for.
        let unknown = book.header_hit && book.record_hit || seq <= book.early_count;
        let Some(event) = book.event(seq) else {
            return;
        };
        let name = PLACES[place].name;
        if !event.fates[place].owed && !unknown {
            self.fail(
                23,
                &format!(
                    "tab {sender} sends event {seq} of tab {tab} to {name}, which is not for it"
                ),
            );
        }
        let profile = PLACES[place].dialect == Dialect::TwoRoutes && event.name == "$identify";
        if profile != people {
            self.fail(
                23,
                &format!(
                    "tab {sender} sends event {seq} of tab {tab} to the wrong address of {name}"
                ),
            );
        }
        if people {
            self.coverage.hit("profile by its own route");
        }
    }

    /// A body keeps to its destination's limits (9), unless one event alone exceeds them.
    fn check_size(&self, sender: usize, body: &Body) {
        let (events, bytes) = PLACES[body.place].limits();
        let bytes = bytes.min(self.profile.config.max_payload_bytes as usize);
        let count = body.seqs.len();
        if count > events || count > 1 && body.bytes > bytes {
            let (name, size) = (PLACES[body.place].name, body.bytes);
            self.fail(
                9,
                &format!("tab {sender} sends {count} events in {size} bytes to {name}"),
            );
        }
    }

    fn parse<'a>(&self, sender: usize, place: usize, text: &'a str) -> Result<Read<'a>, String> {
        if PLACES[place].dialect != Dialect::Native {
            return parse_plain(text);
        }
        let envelope: Envelope<'a> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let project = self.tabs[sender].api_key();
        if envelope.api_key != project || envelope.sent_at.len() != 24 {
            return Err("a wrong key or date".to_owned());
        }
        let gaps = envelope.dropped.into_iter();
        Ok(Read {
            tab: envelope.tab,
            batch: envelope.batch_id,
            gaps: gaps.map(|gap| (gap.from, gap.to, gap.reason)).collect(),
            events: envelope.events,
            receipts: envelope.receipts,
            page: Some(envelope.context.page.map_or("", RawValue::get)),
            fixed: hash(text.as_bytes()),
        })
    }

    fn bury(&mut self, (tab, place): (usize, usize), from: u64, to: u64, reason: &str) {
        let code = DropReason::from_code(reason);
        for seq in from..=to {
            match self.model.fate(tab, seq, place) {
                Some(fate) if !fate.owed => {}
                Some(fate) => fate.buried = Some(code),
                None => self.fail(
                    2,
                    &format!("event {seq} of tab {tab}, never tracked, is given up: {reason}"),
                ),
            }
        }
    }

    fn read_event(&mut self, sender: usize, tab: usize, text: &str, page: Option<&str>) -> u64 {
        let event: WireEvent<'_> = match serde_json::from_str(text) {
            Ok(event) => event,
            Err(error) => self.fail(
                2,
                &format!("tab {sender} sends a bad event ({error}): {text}"),
            ),
        };
        let (seq, key, bytes_hash) = (event.seq, event.idempotency_key, members_hash(text));
        let own_page = event.context.as_ref().and_then(|context| context.page);
        let page = page.map(|page| own_page.map_or(page, RawValue::get));
        let new_key = !self.model.keys.contains(key);
        let ids_may_differ = seq <= self.model.books[tab].early_count;
        let Some(tracked) = self.model.event(tab, seq) else {
            self.fail(
                2,
                &format!("tab {sender} sends event {seq} of tab {tab}, never tracked: {text}"),
            )
        };
        let wrong = match &tracked.sent {
            Some(sent) if sent.key != key => Some((5, "has another key")),
            Some(sent) if sent.bytes_hash != bytes_hash && !ids_may_differ => {
                Some((5, "has other bytes under its key"))
            }
            None if !new_key => Some((5, "has a key that was used before")),
            _ if tracked.name != event.name => Some((2, "has another name")),
            _ if tracked.properties != event.properties.get() => Some((2, "has other properties")),
            _ if *event.timestamp < *tracked.dated.0 => Some((2, "is dated too early")),
            _ if *event.timestamp > *tracked.dated.1 => Some((2, "is dated too late")),
            _ if tracked.user_id.is_some() && tracked.user_id != event.user_id => {
                Some((2, "has another user"))
            }
            _ if page.is_some_and(|page| page != tracked.page) && !ids_may_differ => {
                Some((2, "was tracked on another page"))
            }
            _ => None,
        };
        if let Some((number, what)) = wrong {
            let text = format!("event {seq} of tab {tab}, sent by tab {sender}, {what}: {text}");
            self.fail(number, &text);
        }
        if tracked.sent.is_none() {
            tracked.sent = Some(Sent {
                key: key.to_owned(),
                bytes_hash,
                timestamp: event.timestamp.to_owned(),
            });
            self.model.keys.insert(key.to_owned());
            self.check_dates(tab, seq);
        }
        seq
    }

    /// Time does not run backwards from one event of a tab to the next (2).
    fn check_dates(&self, tab: usize, seq: u64) {
        let events = &self.model.books[tab].events;
        let by_tab = |index: usize| {
            let event = events.get(index).filter(|event| !event.dated_by_page);
            event.and_then(|event| Some(event.sent.as_ref()?.timestamp.as_str()))
        };
        let index = seq as usize - 1;
        let Some(this) = by_tab(index) else { return };
        let before = index.checked_sub(1).and_then(by_tab);
        let after = by_tab(index + 1);
        if before.is_some_and(|before| before > this) || after.is_some_and(|after| after < this) {
            self.fail(
                2,
                &format!(
                    "event {seq} of tab {tab} is dated {this}, between {before:?} and {after:?}"
                ),
            );
        }
    }
}

fn parse_plain(text: &str) -> Result<Read<'_>, String> {
    let plain: Plain<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if plain.version > 1 {
        return Err("a wrong version".to_owned());
    }
    let events = plain.items.iter().map(|item| hash(item.get().as_bytes()));
    Ok(Read {
        fixed: events.fold(plain.version as u64, |sum, event| mix(sum ^ event)),
        tab: Some(plain.tab),
        batch: Some(plain.id),
        gaps: plain.lost,
        events: plain.items,
        receipts: Vec::new(),
        page: None,
    })
}

/// A hash of an event's members but its context, which a body may tell in another place.
fn members_hash(text: &str) -> u64 {
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let others = members.iter().filter(|(name, _)| **name != "context");
    others.fold(0, |sum, (name, value)| {
        mix(sum ^ hash(name.as_bytes()) ^ hash(value.get().as_bytes()).rotate_left(1))
    })
}
