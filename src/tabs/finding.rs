//! Streams that tabs left in the store when they went.

use super::{Searched, Tabs};
use crate::{
    journal::reading::{Found, OtherVersion, Reader},
    model::{ids::TabId, store::Store, time::Instant},
    tabs::{
        adopt::{ADOPTED_AT_ONCE_MAX, BLIND_MS, LOOK_AGAIN_MS, UNHEARD_MS, tabs_in},
        election::Role,
        replicas::Kind,
    },
};

impl Tabs {
    /// Tabs that have something in the store, or here, that is not done with.
    #[must_use]
    pub fn with_work(&self, prefix: &str, store: &dyn Store) -> Vec<TabId> {
        let mut tabs = tabs_in(&store.keys(prefix), prefix);
        tabs.extend(self.replicas.live_with_work());
        tabs
    }

    /// Searches the store for journals whose tab is gone, if that is due.
    pub fn search(
        &mut self,
        prefix: &str,
        reader: &Reader<'_>,
        now: Instant,
        store: &dyn Store,
    ) -> Searched {
        let mut searched = Searched::default();
        if !self.searches.take_due(now) || !self.leads() {
            return searched;
        }
        let keys = store.keys(prefix);
        let tabs = tabs_in(&keys, prefix);
        for tab in &tabs {
            if *tab == self.me || self.election.knows(*tab) || self.is_known(*tab, &keys, store) {
                continue;
            }
            if searched.found.len() >= ADOPTED_AT_ONCE_MAX {
                self.searches.plan(now, &[0]);
                break;
            }
            self.read(*tab, &keys, reader, now, store, &mut searched);
        }
        let gone = |tab: &TabId| !self.election.knows(*tab) && !tabs.contains(tab);
        searched.orphans = self.replicas.unseen(gone);
        searched
    }

    fn is_known(&mut self, tab: TabId, keys: &[String], store: &dyn Store) -> bool {
        let kept = self
            .replicas
            .find(tab)
            .filter(|kept| kept.kind == Kind::LeftBehind);
        kept.is_some_and(|kept| kept.stream.journal.knows(keys, store))
    }

    fn read(
        &mut self,
        tab: TabId,
        keys: &[String],
        reader: &Reader<'_>,
        now: Instant,
        store: &dyn Store,
        searched: &mut Searched,
    ) {
        // Seen before, and now there is more of it: it is let go of and read anew, once no answer is
        // awaited for it.
        if self
            .replicas
            .find(tab)
            .is_some_and(|kept| kept.kind == Kind::LeftBehind)
        {
            self.replicas.release(Some(tab));
            self.searches.plan(now, &[LOOK_AGAIN_MS]);
            return;
        }
        let found = match Found::read(tab, keys, reader, store) {
            Ok(found) => found,
            Err(OtherVersion) => {
                searched.other_version = true;
                return;
            }
        };
        // One whose tab did not say goodbye counts as left only after a while. Clocks jump: a date far
        // in the future is as old as one in the past.
        let patience = if self.election.role() == Role::Alone {
            BLIND_MS
        } else {
            UNHEARD_MS
        };
        let age = reader.wall.0.abs_diff(found.newest_at.0);
        if age < patience && !found.stream.left {
            self.searches.plan(now, &[patience - age]);
            return;
        }
        if found.stream.has_hole() && self.holed.is_new(tab, now) {
            self.searches.plan(now, &[LOOK_AGAIN_MS]);
            return;
        }
        searched.found.push(found);
    }
}
