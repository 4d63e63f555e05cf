//! Streams that tabs left in the store when they went.

use super::{Searched, Tabs};
use crate::{
    journal::reading::{OtherVersion, Reader, Reading},
    model::{
        ids::TabId,
        store::Store,
        time::{Instant, UnixMillis},
    },
    tabs::{
        adopt::{
            ADOPTED_AT_ONCE_MAX, BLIND_MS, LOOK_AGAIN_MS, READ_AT_ONCE_BYTES, UNHEARD_MS, tabs_in,
        },
        election::Role,
        replicas::Kind,
    },
};

/// A search of the store, which may take several goes.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Whose journals it has looked at.
    seen: Vec<TabId>,
    /// The one that is being read.
    reading: Option<Reading>,
    /// When it goes on: in a task of its own.
    pub(super) goes_on_at: Instant,
    /// Another search fell due meanwhile.
    again: bool,
    /// Some of them are to be looked at once more, soon: one search does for all.
    unsettled: bool,
}

/// How far one go of it may go, and where what it finds is put.
struct Go<'a> {
    now: Instant,
    /// Bytes that it may still read.
    room: usize,
    keys: &'a [String],
    reader: &'a Reader<'a>,
    store: &'a dyn Store,
    searched: Searched,
}

impl Go<'_> {
    const fn is_over(&self) -> bool {
        self.room == 0 || self.searched.found.len() >= ADOPTED_AT_ONCE_MAX
    }
}

impl Tabs {
    /// Tabs that have something in the store, or here, that is not done with.
    #[must_use]
    pub fn with_work(&self, prefix: &str, store: &dyn Store) -> Vec<TabId> {
        let mut tabs = tabs_in(&store.keys(prefix), prefix);
        tabs.extend(self.replicas.live_with_work());
        tabs
    }

    /// Searches the store for journals whose tab is gone, if that is due, or goes on with it.
    pub fn search(
        &mut self,
        prefix: &str,
        reader: &Reader<'_>,
        now: Instant,
        store: &dyn Store,
    ) -> Searched {
        let due = self.searches.take_due(now);
        let Some(mut sweep) = self.sweep.take().or_else(|| due.then(Sweep::default)) else {
            return Searched::default();
        };
        sweep.again |= due && sweep.goes_on_at > Instant(0);
        if !self.leads() {
            return Searched::default();
        }
        if sweep.goes_on_at > now {
            self.sweep = Some(sweep);
            return Searched::default();
        }
        let keys = store.keys(prefix);
        let mut tabs = tabs_in(&keys, prefix);
        let mut go = Go {
            now,
            // Whether the page is seen is whether somebody can feel it.
            room: if self.election.is_visible() {
                READ_AT_ONCE_BYTES
            } else {
                usize::MAX
            },
            keys: &keys,
            reader,
            store,
            searched: Searched::default(),
        };
        let gone = |tab: &TabId| !self.election.knows(*tab) && !tabs.contains(tab);
        go.searched.orphans = self.replicas.unseen(gone);
        tabs.retain(|tab| *tab != self.me && !self.election.knows(*tab));
        self.go(&mut sweep, &tabs, &mut go);
        go.searched
    }

    /// One go through journals that may have been left.
    fn go(&mut self, sweep: &mut Sweep, tabs: &[TabId], go: &mut Go<'_>) {
        // What was begun goes on first, if its tab is still gone.
        let begun = sweep.reading.as_ref().map(Reading::tab);
        let begun = begun.filter(|tab| tabs.contains(tab));
        for tab in begun.iter().chain(tabs) {
            if sweep.seen.contains(tab) || self.is_known(*tab, go.keys, go.store) {
                continue;
            }
            if go.is_over() {
                break;
            }
            if self.read(*tab, sweep, go) == Err(OtherVersion) {
                go.searched.other_version = true;
            }
            if sweep.reading.is_none() {
                sweep.seen.push(*tab);
            }
        }
        if go.is_over() {
            sweep.goes_on_at = go.now + 1;
            self.sweep = Some(core::mem::take(sweep));
            return;
        }
        if sweep.again {
            self.searches.plan(go.now, &[0]);
        }
        if sweep.unsettled && self.searches.next() > go.now + LOOK_AGAIN_MS {
            self.searches.plan(go.now, &[LOOK_AGAIN_MS]);
        }
    }

    fn is_known(&mut self, tab: TabId, keys: &[String], store: &dyn Store) -> bool {
        let kept = self
            .replicas
            .find(tab)
            .filter(|kept| kept.kind == Kind::LeftBehind);
        kept.is_some_and(|kept| kept.stream.journal.knows(keys, store))
    }

    fn read(&mut self, tab: TabId, sweep: &mut Sweep, go: &mut Go<'_>) -> Result<(), OtherVersion> {
        let Go {
            now, reader, store, ..
        } = *go;
        // Seen before, and now there is more of it: it is let go of and read anew, once no answer is
        // awaited for it.
        if self
            .replicas
            .find(tab)
            .is_some_and(|kept| kept.kind == Kind::LeftBehind)
        {
            self.replicas.release(Some(tab));
            sweep.unsettled = true;
            return Ok(());
        }
        let mut reading = match sweep.reading.take().filter(|begun| begun.tab() == tab) {
            Some(begun) => begun,
            None => Reading::begin(tab, go.keys, reader, store)?,
        };
        if self.is_young(reading.newest_at(), reading.left(), go) {
            return Ok(());
        }
        if !reading.go_on(reader, &mut go.room, store)? {
            sweep.reading = Some(reading);
            return Ok(());
        }
        let Some(found) = reading.done(store)? else {
            sweep.unsettled = true;
            return Ok(());
        };
        if self.is_young(found.newest_at, found.stream.left, go) {
            return Ok(());
        }
        // Of a header alone nobody can tell how old it is: what belongs to it may be seen later.
        let is_whole = found.newest_at > UnixMillis(0) && !found.stream.has_hole();
        if !is_whole && self.holed.is_new(tab, now) {
            sweep.unsettled = true;
            return Ok(());
        }
        go.searched.found.push(found);
        Ok(())
    }

    /// One whose tab did not say goodbye counts as left only after a while: a search is planned for then. Clocks jump: a
    /// date far in the future is as old as one in the past.
    fn is_young(&mut self, newest_at: UnixMillis, left: bool, go: &Go<'_>) -> bool {
        let patience = if self.election.role() == Role::Alone {
            BLIND_MS
        } else {
            UNHEARD_MS
        };
        let age = go.reader.wall.0.abs_diff(newest_at.0);
        let young = age < patience && !left;
        if young {
            self.searches.plan(go.now, &[patience - age]);
        }
        young
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{cursor::Owed, log::Log, segments::Journal, stream::Stream},
        model::{store::MemoryStore, time::Now},
    };

    const EVENTS: usize = 2_000;

    fn tab(number: u64) -> TabId {
        TabId::parse(&format!("{number:020x}")).unwrap()
    }

    fn owed() -> [Owed; 1] {
        [Owed {
            name: "own".to_owned(),
            encoder: "native/2",
            tells_gaps: true,
        }]
    }

    const WALL: UnixMillis = UnixMillis(1_768_478_400_000);

    fn reader(owed: &[Owed], wall: UnixMillis) -> Reader<'_> {
        Reader {
            project: "p",
            owed,
            wall,
            max_age_ms: 3_600_000,
            cap_bytes: 1 << 20,
            sdk: "{}",
        }
    }

    /// What a tab has left that recorded so many events, a segment each time.
    fn left(events: &[usize]) -> MemoryStore {
        let mut store = MemoryStore::default();
        let log = Log::new(tab(1), "{}".to_owned(), "{}".to_owned());
        let mut stream = Stream::new(log, Journal::new("p", &tab(1).text(), 1 << 20), &owed());
        for count in events {
            for _ in 0..*count {
                let text = format!(r#"{{"name":"n","x":"{}"}}"#, "x".repeat(200));
                stream.log.push(0, text);
            }
            let (mono, wall) = (Instant(0), WALL);
            stream
                .persist(Now { mono, wall }, false, &mut store)
                .unwrap();
        }
        store
    }

    /// How many goes it takes a tab that is alone to find what another left, and what it found.
    fn goes(visible: bool) -> (usize, usize) {
        let (owed, store) = (owed(), left(&[EVENTS]));
        let reader = reader(&owed, UnixMillis(WALL.0 + 60_000));
        let mut tabs = Tabs::new(tab(2), visible, "p");
        tabs.plan_searches(Instant(0), &[0]);
        for go in 1..100 {
            let searched = tabs.search("sendoff:p:", &reader, tabs.next_timeout(), &store);
            if let Some(found) = searched.found.first() {
                return (go, found.stream.pending(0));
            }
            assert_eq!(
                tabs.next_timeout(),
                Instant(go as u64),
                "in a task of its own"
            );
        }
        panic!("it was never found");
    }

    #[test]
    fn what_is_missing_is_waited_for_a_while() {
        let found_at = |tabs: &mut Tabs, now: u64, store: &MemoryStore| {
            let owed = owed();
            tabs.plan_searches(Instant(now), &[0]);
            let reader = reader(&owed, UnixMillis(WALL.0 + now));
            let searched = tabs.search("sendoff:p:", &reader, Instant(now), store);
            !searched.found.is_empty()
        };
        // Nothing is; all but the header; one in the middle.
        for (missing, waits) in [(0..0, false), (0..3, true), (1..2, true)] {
            let mut store = left(&[1, 1, 1]);
            for n in missing.clone() {
                let seq = n + 1;
                store.remove(&format!("sendoff:p:00000000000000000001:{seq}-{seq}"));
            }
            let mut tabs = Tabs::new(tab(2), true, "p");
            assert_eq!(!found_at(&mut tabs, 60_000, &store), waits, "{missing:?}");
            if waits {
                assert!(!found_at(&mut tabs, 64_999, &store));
                assert!(found_at(&mut tabs, 65_000, &store));
            }
        }
    }

    #[test]
    fn a_long_journal_is_read_in_several_goes_while_the_page_is_seen() {
        assert_eq!(goes(true), (3, EVENTS));
        assert_eq!(goes(false), (1, EVENTS));
    }
}
