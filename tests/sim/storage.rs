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

use crate::{durable::parts_of, tab::Tab};

/// How far back a kill of the browser can undo writes, in milliseconds: it writes them to the disk every few seconds.
pub(crate) const KILL_MS_MAX: u64 = 5_000;

pub(crate) type Text = Rc<str>;

/// The browser's copy of the origin's map, and each process's.
pub(crate) struct Storage {
    browser: BTreeMap<Text, Text>,
    views: Vec<View>,
    /// What the last writes replaced, oldest first.
    undo: VecDeque<(u64, Text, Option<Text>)>,
    writes: u64,
    pub(crate) quota_bytes: usize,
    /// Keys whose value somebody else has spoiled.
    pub(crate) damaged: BTreeSet<String>,
    /// It takes everything and keeps nothing: an extension or a consent tool has put another in its place.
    pub(crate) forgets: bool,
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
    /// A key outside its name space that an engine tried to change.
    pub(crate) foreign: Option<String>,
    /// Whether the segments that engines write are of interest, and those that they wrote.
    pub(crate) watches: bool,
    pub(crate) written: Vec<(String, String)>,
    /// Keys that an engine changed which are not its own tab's.
    pub(crate) of_others: Vec<String>,
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
            damaged: BTreeSet::new(),
            forgets: false,
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
        if self.forgets && value.is_some() {
            return Ok(());
        }
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
        self.damaged.remove(key);
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

    /// The user clears the origin's data: every process is told at once. Gives what was there.
    pub(crate) fn clear(&mut self) -> Vec<(String, String)> {
        let taken = std::mem::take(&mut self.browser).into_iter();
        let taken = taken.map(|(key, value)| (key.to_string(), value.to_string()));
        self.undo.clear();
        self.damaged.clear();
        self.views.iter_mut().for_each(|view| {
            *view = View {
                alive: view.alive,
                ..View::default()
            };
        });
        taken.collect()
    }

    /// Everything written so far is on disk and survives a kill.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
    }

    /// The browser dies: writes after `since` are lost, and every process is gone.
    /// Returns what was written since, by key.
    pub(crate) fn kill(&mut self, since: u64) -> Vec<(String, String)> {
        let mut lost = Vec::new();
        while self.undo.back().is_some_and(|(at, ..)| *at > since) {
            let Some((_, key, old)) = self.undo.pop_back() else {
                break;
            };
            let taken = match old {
                Some(old) => self.browser.insert(key.clone(), old),
                None => self.browser.remove(&key),
            };
            let taken = taken.map_or_else(String::new, |value| value.to_string());
            lost.push((key.to_string(), taken));
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
    pub(crate) fn handle(&mut self, tab: &Tab, now: u64, lag: u64) -> Handle<'_> {
        let process = tab.process;
        let view = &mut self.views[process];
        view.catch_up(now);
        if !view.inbound.is_empty() {
            self.notes.stale_reads += 1;
        }
        Handle {
            storage: self,
            prefix: PREFIXES[tab.project],
            own: tab.key(""),
            process,
            now,
            lag,
            refused: false,
        }
    }
}

/// The projects of the origin, each with keys and a channel of its own.
pub(crate) const PROJECTS: [&str; 2] = ["demo", "side"];
/// What the keys of each begin with.
pub(crate) const PREFIXES: [&str; 2] = ["sendoff:demo:", "sendoff:side:"];
/// Where the engine puts a record that it cannot read.
const SET_ASIDE: &str = "sendoff-damaged";

/// What one call of one engine sees.
pub(crate) struct Handle<'a> {
    storage: &'a mut Storage,
    prefix: &'static str,
    /// What the keys of its own tab begin with.
    own: String,
    process: usize,
    now: u64,
    lag: u64,
    refused: bool,
}

impl Handle<'_> {
    fn note_foreign(&mut self, key: &str) {
        if !key.starts_with(self.prefix) && key != SET_ASIDE {
            self.storage.notes.foreign = Some(key.to_owned());
        }
        if !key.starts_with(&self.own) && parts_of(key).is_some() {
            self.storage.notes.of_others.push(key.to_owned());
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
        } else if self.storage.notes.watches {
            let written = (key.to_owned(), value.to_owned());
            self.storage.notes.written.push(written);
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
