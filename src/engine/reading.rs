//! Reading back a journal that somebody left.

use crate::engine::Engine;
use crate::engine::partition::Partition;
use crate::intake::call::Call;
use crate::journal::log::{Log, Seal};
use crate::journal::record::{
    VERSION, damaged_events, read_numbers, read_record, segment_range, unguard, version_of,
};
use crate::journal::segments::{Journal, Segment, insert};
use crate::model::ids::TabId;
use crate::model::store::Store;
use crate::model::time::UnixMillis;
use crate::text::fields::{fields, join, owned, split_once};
use crate::visitor::identity::Identity;
use crate::wire::envelope;

/// A damaged value is kept if it is no longer than this.
const ASIDE_BYTES_MAX: usize = 16 * 1024;

/// What was found of one tab's journal.
#[derive(Debug)]
pub(super) struct Found {
    /// Its events, none of them sealed, and where they are kept.
    pub(super) kept: Box<Partition>,
    /// Batches that are sealed, or deferred.
    pub(super) seals: Vec<Seal>,
    /// When its newest segment or batch was written.
    pub(super) newest_at: UnixMillis,
    /// Events given up because they are too old.
    pub(super) expired: usize,
    /// Events in values that could not be read; one where even that is unknown.
    pub(super) corrupt: usize,
    /// Keys of damaged values, and the latest of these that is not too long to be kept.
    damaged: Vec<String>,
    aside: String,
}

impl Found {
    /// Nothing yet.
    pub(super) fn new(engine: &Engine, tab: TabId) -> Self {
        let cap_bytes = engine.config.max_storage_bytes as usize;
        Self {
            kept: Box::new(Partition::new(
                Log::new(tab, String::new()),
                Journal::new(&engine.host.project, &tab.text(), cap_bytes),
            )),
            seals: Vec::new(),
            newest_at: UnixMillis(0),
            expired: 0,
            corrupt: 0,
            damaged: Vec::new(),
            aside: String::new(),
        }
    }

    /// Reads the journal of a tab that is gone; its keys are among `keys`. `None` if any of it is of
    /// another version.
    pub(super) fn read(
        &mut self,
        keys: &[String],
        engine: &Engine,
        store: &dyn Store,
    ) -> Option<()> {
        for key in keys {
            if let Some(name) = self.kept.journal.name_of(key)
                && !matches!(name, "h" | "o" | "e")
            {
                let [from, to] = segment_range(name)?;
                insert(
                    &mut self.kept.journal.segments,
                    Segment { from, to, bytes: 0 },
                );
            }
        }
        // In order, and after the record, which tells what of them is over.
        self.kept.journal.header_bytes = self.add("h", engine, store)?;
        self.kept.journal.record_bytes = self.add("o", engine, store)?;
        let mut index = 0;
        while let Some(segment) = self.kept.journal.segments.get(index) {
            let bytes = self.add(&segment.name(), engine, store)?;
            if let Some(segment) = self
                .kept
                .journal
                .segments
                .get_mut(index)
                .filter(|_| bytes > 0)
            {
                segment.bytes = bytes;
                index += 1;
            } else {
                self.kept.journal.segments.remove(index);
            }
        }
        for seal in &self.seals {
            self.newest_at = self.newest_at.max(seal.at);
        }
        self.add("e", engine, store)?;
        if self.kept.log.header.is_empty() {
            let (host, api_key) = (&engine.host, &engine.config.api_key);
            let tab = self.kept.log.tab.text();
            self.kept.log.header = envelope::header(&host.runtime, api_key, &tab, "{}");
        }
        Some(())
    }

    /// Adds what is kept under a name, and returns its bytes; 0 if there is nothing or it is damaged.
    /// `None` if it is of another version.
    fn add(&mut self, name: &str, engine: &Engine, store: &dyn Store) -> Option<usize> {
        let key = self.kept.journal.key(name);
        let Some(value) = store.get(&key) else {
            return Some(0);
        };
        let version = version_of(&value);
        if version.is_some_and(|version| version != VERSION) {
            return None;
        }
        let whole = match name {
            "h" => unguard(&value, &mut []).map(|header| self.kept.log.header = owned(header)),
            "o" => read_record(&value, &mut self.kept.log, &mut self.seals),
            "e" => version.and_then(|_| self.add_early(&value, engine)),
            _ => self.add_segment(&value, engine),
        };
        if whole.is_none() {
            self.corrupt += damaged_events(&value);
            if value.len() <= ASIDE_BYTES_MAX {
                self.aside = join(&[&key, "\n", &value]);
            }
            self.damaged.push(key);
            return Some(0);
        }
        Some(key.len() + value.len())
    }

    /// Adds one segment's events that still count; `None` if it is damaged.
    fn add_segment(&mut self, text: &str, engine: &Engine) -> Option<()> {
        let mut head = [0; 2];
        let body = unguard(text, &mut head)?;
        let [at, _] = head;
        self.newest_at = self.newest_at.max(UnixMillis(at));
        let too_old = engine.now.wall.0.saturating_sub(at) > engine.config.max_event_age_ms;
        for line in fields(body, b'\n') {
            let mut words = fields(line, b'\t');
            let seq = words.number()?;
            if too_old {
                self.expired += usize::from(self.kept.log.restore_expired(seq));
            } else {
                self.kept.log.restore(seq, words.rest());
            }
        }
        Some(())
    }

    /// Calls that the facade kept while the engine was loading, in a page that did not live to see
    /// it. An engine that heard of them has journalled them all before anything else.
    fn add_early(&mut self, early: &str, engine: &Engine) -> Option<()> {
        if !self.kept.journal.segments.is_empty() {
            return Some(());
        }
        let ((head, records), mut begun) = (split_once(early, b'\n')?, 0);
        _ = read_numbers(head, core::slice::from_mut(&mut begun));
        self.newest_at = self.newest_at.max(UnixMillis(begun));
        let mut identity = Identity {
            anonymous_id: owned(&engine.identity.anonymous_id),
            user_id: owned(&engine.identity.user_id),
        };
        let mut seq = 0;
        for record in fields(records, b'\n') {
            let Ok(call) = Call::parse(record) else {
                continue;
            };
            seq += 1;
            let text = call.encode(self.kept.log.tab, seq, &identity);
            call.apply(&mut identity);
            self.kept.log.restore(seq, &text);
        }
        Some(())
    }

    /// Moves damaged values out of the way: never read again, and kept for whoever wants to look.
    pub(super) fn set_aside(&self, store: &mut dyn Store) {
        for key in &self.damaged {
            store.remove(key);
        }
        if !self.aside.is_empty() {
            // One key, the latest: a bounded amount, whatever keeps damaging values.
            _ = store.set("sendoff-damaged", &self.aside);
        }
    }
}
