//! What lies in storage: written when the page is hidden or left and something did not fit out, read by whoever starts next.

use super::Metrics;
use crate::{
    model::{
        event::Entry,
        store::Store,
        time::{Instant, UnixMillis},
    },
    text::fields::{fields, join},
};

/// Bytes that are kept in storage at most.
const STORED_BYTES_MAX: usize = 60_000;

impl Metrics {
    fn key(&self) -> String {
        join(&[&self.config.prefix, "metrics:", &self.tab.text()])
    }

    /// Writes down what has not gone out, for whoever starts next: the newest, as much as there is room for. Or removes
    /// what is not needed any more.
    pub fn keep(&mut self, wall: UnixMillis, store: &mut dyn Store) {
        let most = STORED_BYTES_MAX.min(self.config.storage_bytes);
        let from = self.ring.len() - self.fit(self.ring.iter().rev(), most);
        let samples: Vec<Entry> = self.ring.iter().skip(from).cloned().collect();
        let encoder = self.config.format.encoder();
        let mut text = encoder.to_owned();
        if !samples.is_empty() {
            text.push('\n');
            text.push_str(&self.encode(wall, &self.gaps, &samples));
        }
        for body in &self.found {
            if text.len() + body.len() < most {
                text.push('\n');
                text.push_str(body);
            }
        }
        if text.len() > encoder.len() {
            self.kept |= store.set(&self.key(), &text).is_ok();
        } else if core::mem::replace(&mut self.kept, false) {
            store.remove(&self.key());
        }
    }

    /// Brings up to date what is written down, if anything is, or has to be.
    pub fn refresh_kept(&mut self, has_to_be: bool, wall: UnixMillis, store: &mut dyn Store) {
        if self.kept || has_to_be {
            self.keep(wall, store);
        }
    }

    /// Takes over what other tabs have left. A tab that lives may send the same again: it counts once.
    pub fn find(&mut self, now: Instant, store: &mut dyn Store) {
        let own = self.key();
        let prefix = join(&[&self.config.prefix, "metrics:"]);
        for key in store.keys(&prefix).into_iter().filter(|key| *key != own) {
            let value = store.get(&key).unwrap_or_default();
            let mut lines = fields(&value, b'\n');
            // What is in another dialect is of another configuration: it has no receiver here.
            if lines.next() == Some(self.config.format.encoder()) {
                self.found.extend(lines.map(ToOwned::to_owned));
            }
            store.remove(&key);
        }
        if !self.found.is_empty() {
            self.wake(now);
        }
    }
}
