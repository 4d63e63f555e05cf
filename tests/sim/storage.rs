//! `localStorage` as several renderer processes of one browser see it.
//!
//! Chromium and Firefox give each process its own copy of an origin's map: a process sees its own
//! writes at once and the others' when the browser process has passed them on. A write is handed to
//! the browser process in the same call, so a renderer crash loses nothing; a kill of the whole
//! browser may lose what was written in the last moments. The quota is checked on the copy.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
    rc::Rc,
};

use sendoff::model::store::{Store, StoreError};

/// How far back a kill of the browser can undo writes, in milliseconds.
pub(crate) const KILL_MS_MAX: u64 = 40;

pub(crate) type Text = Rc<str>;

/// The browser's copy of the origin's map, and each process's.
pub(crate) struct Storage {
    browser: BTreeMap<Text, Text>,
    views: Vec<View>,
    /// What the last writes replaced, oldest first.
    undo: VecDeque<(u64, Text, Option<Text>)>,
    writes: u64,
    pub(crate) quota_bytes: usize,
    /// Tabs among whose records is one that looks like another version's: all are to be left alone.
    pub(crate) other_versions: BTreeSet<usize>,
    /// Seen since the last look: handles note here what the world has to know.
    pub(crate) notes: Notes,
}

/// What happened inside the engine's calls to the store.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) quota_errors: u32,
    /// A key of ours was removed after a quota error in the same call.
    pub(crate) gave_back: u32,
    pub(crate) stale_reads: u32,
    /// What was written, for reading; only when a seed is replayed.
    pub(crate) writes: Option<Vec<String>>,
    /// A key outside our name space that the engine tried to change.
    pub(crate) foreign: Option<String>,
}

#[derive(Default)]
struct View {
    /// `None` marks a removed key: the number of the write that did it must be remembered.
    map: BTreeMap<Text, (u64, Option<Text>)>,
    bytes: usize,
    inbound: VecDeque<Mutation>,
    alive: bool,
}

struct Mutation {
    visible_at: u64,
    write: u64,
    key: Text,
    value: Option<Text>,
}

impl View {
    fn apply(&mut self, write: u64, key: &Text, value: Option<Text>) {
        let slot = self.map.entry(key.clone()).or_default();
        if slot.0 > write {
            return;
        }
        let size = |value: &Option<Text>| value.as_ref().map_or(0, |value| key.len() + value.len());
        self.bytes = self.bytes + size(&value) - size(&slot.1);
        *slot = (write, value);
    }

    fn catch_up(&mut self, now: u64) {
        while self
            .inbound
            .front()
            .is_some_and(|mutation| mutation.visible_at <= now)
        {
            if let Some(mutation) = self.inbound.pop_front() {
                self.apply(mutation.write, &mutation.key, mutation.value);
            }
        }
    }

    fn get(&self, key: &str) -> Option<&Text> {
        self.map.get(key).and_then(|(_, value)| value.as_ref())
    }
}

impl Storage {
    pub(crate) fn new(quota_bytes: usize) -> Self {
        Self {
            browser: BTreeMap::new(),
            views: Vec::new(),
            undo: VecDeque::new(),
            writes: 0,
            quota_bytes,
            other_versions: BTreeSet::new(),
            notes: Notes::default(),
        }
    }

    /// A new renderer process: it reads the browser's map when it starts.
    pub(crate) fn start_process(&mut self) -> usize {
        let mut view = View {
            alive: true,
            ..View::default()
        };
        for (key, value) in &self.browser {
            view.apply(self.writes, key, Some(value.clone()));
        }
        self.views.push(view);
        self.views.len() - 1
    }

    pub(crate) fn end_process(&mut self, process: usize) {
        self.views[process] = View::default();
    }

    /// Everything the browser holds under `prefix`.
    pub(crate) fn entries(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let from = self
            .browser
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.map(|(key, value)| (&**key, &**value)).take_while({
            let prefix = prefix.to_owned();
            move |(key, _)| key.starts_with(&prefix)
        })
    }

    /// Writes or removes for `process` (by the page itself, the facade, or the engine's handle).
    pub(crate) fn write(
        &mut self,
        process: usize,
        now: u64,
        lag: u64,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), StoreError> {
        let view = &mut self.views[process];
        view.catch_up(now);
        if let Some(value) = value {
            let old = view.get(key).map_or(0, |old| key.len() + old.len());
            if view.bytes - old + key.len() + value.len() > self.quota_bytes {
                return Err(StoreError::QuotaExceeded);
            }
        }
        self.writes += 1;
        if let Some(writes) = &mut self.notes.writes {
            let value = value.map_or("removed", |value| value.get(..60).unwrap_or(value));
            writes.push(format!("{key}: {}", value.replace('\n', "|")));
        }
        let (key, value): (Text, Option<Text>) = (key.into(), value.map(Into::into));
        let old = match &value {
            Some(value) => self.browser.insert(key.clone(), value.clone()),
            None => self.browser.remove(&key),
        };
        self.undo.push_back((now, key.clone(), old));
        while self
            .undo
            .front()
            .is_some_and(|(at, ..)| at + KILL_MS_MAX < now)
        {
            self.undo.pop_front();
        }
        self.publish(process, now, lag, &key, &value);
        Ok(())
    }

    fn publish(&mut self, writer: usize, now: u64, lag: u64, key: &Text, value: &Option<Text>) {
        let write = self.writes;
        for (process, view) in self
            .views
            .iter_mut()
            .enumerate()
            .filter(|(_, view)| view.alive)
        {
            if process == writer {
                view.apply(write, key, value.clone());
                continue;
            }
            // One pipe per process: what was written later is never seen earlier.
            let last = view
                .inbound
                .back()
                .map_or(0, |mutation| mutation.visible_at);
            let visible_at = (now + lag).max(last);
            let (key, value) = (key.clone(), value.clone());
            view.inbound.push_back(Mutation {
                visible_at,
                write,
                key,
                value,
            });
        }
    }

    /// The user clears the origin's data: every process is told at once.
    pub(crate) fn clear(&mut self) {
        self.browser.clear();
        self.undo.clear();
        self.views.iter_mut().for_each(|view| {
            *view = View {
                alive: view.alive,
                ..View::default()
            };
        });
    }

    /// Everything written so far is on disk and survives a kill.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
    }

    /// The browser dies: writes after `since` are lost, and every process is gone.
    /// Returns the keys whose writes were lost.
    pub(crate) fn kill(&mut self, since: u64) -> Vec<Text> {
        let mut lost = Vec::new();
        while self.undo.back().is_some_and(|(at, ..)| *at > since) {
            let Some((_, key, old)) = self.undo.pop_back() else {
                break;
            };
            match old {
                Some(old) => self.browser.insert(key.clone(), old),
                None => self.browser.remove(&key),
            };
            lost.push(key);
        }
        self.undo.clear();
        self.views
            .iter_mut()
            .for_each(|view| *view = View::default());
        lost
    }

    /// Bytes in use as `process` sees them.
    pub(crate) fn used_bytes(&self, process: usize) -> usize {
        self.views[process].bytes
    }

    /// The engine's handle for one call.
    pub(crate) fn handle(&mut self, process: usize, now: u64, lag: u64) -> Handle<'_> {
        let view = &mut self.views[process];
        view.catch_up(now);
        if !view.inbound.is_empty() {
            self.notes.stale_reads += 1;
        }
        Handle {
            storage: self,
            process,
            now,
            lag,
            refused: false,
        }
    }
}

/// The name space that belongs to the engine under test.
pub(crate) const PREFIX: &str = "sendoff:demo:";
/// Where the engine puts a record that it cannot read.
const SET_ASIDE: &str = "sendoff-damaged";

/// What one call of one engine sees.
pub(crate) struct Handle<'a> {
    storage: &'a mut Storage,
    process: usize,
    now: u64,
    lag: u64,
    refused: bool,
}

impl Handle<'_> {
    fn note_foreign(&mut self, key: &str) {
        if !key.starts_with(PREFIX) && key != SET_ASIDE {
            self.storage.notes.foreign = Some(key.to_owned());
        }
    }
}

impl Store for Handle<'_> {
    fn get(&self, key: &str) -> Option<String> {
        self.storage.views[self.process]
            .get(key)
            .map(|value| value.to_string())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.note_foreign(key);
        let done = self
            .storage
            .write(self.process, self.now, self.lag, key, Some(value));
        if done.is_err() {
            self.refused = true;
            self.storage.notes.quota_errors += 1;
        }
        done
    }

    fn remove(&mut self, key: &str) {
        self.note_foreign(key);
        if self.refused {
            self.storage.notes.gave_back += 1;
        }
        _ = self
            .storage
            .write(self.process, self.now, self.lag, key, None);
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let from = self.storage.views[self.process]
            .map
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, (_, value))| value.is_some())
            .map(|(key, _)| key.to_string())
            .collect()
    }
}
