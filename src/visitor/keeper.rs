//! Where the visitor record is kept, and how it stays one among tabs.
//!
//! No tab ever writes without merging what is stored first. A failure costs continuity between visits, and nothing
//! else; a record of a newer version is left alone.

use uuid::Version;

use crate::{
    model::{ids::push_uuid, rng::Rng, store::Store},
    text::{fields::join, json::Object},
    visitor::record::Visitor,
};

/// Bytes of the mirror at most: it is a cookie.
const MIRROR_BYTES_MAX: usize = 1_024;

/// What the host proposes.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The project.
    pub project: String,
    /// This tab.
    pub tab: String,
    /// An anonymous id; empty for "make one".
    pub anonymous_id: String,
    /// Whether the record is mirrored for other subdomains.
    pub mirrored: bool,
    /// Whether it is stored at all.
    pub kept: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    key: String,
    tab: String,
    visitor: Visitor,
    /// What is stored, as far as this tab knows.
    stored: String,
    mirrored: bool,
    kept: bool,
}

impl Keeper {
    /// The stored visitor, or a new one with the proposed id (or a random one).
    #[must_use]
    pub fn load(proposal: Proposal, rng: &mut Rng, store: &dyn Store) -> Self {
        let Proposal {
            project,
            tab,
            anonymous_id,
            mirrored,
            kept,
        } = proposal;
        let id = if anonymous_id.is_empty() {
            anonymous(rng)
        } else {
            anonymous_id
        };
        let mut keeper = Self {
            key: join(&["sendoff:", &project, ":identity"]),
            visitor: Visitor::new(&id),
            stored: String::new(),
            tab,
            mirrored,
            kept,
        };
        keeper.refresh(store);
        keeper
    }

    /// Who the visitor is.
    #[must_use]
    pub const fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The same, to change it; to be written by [`commit`](Self::commit).
    pub const fn visitor_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }

    /// Reads the record again; tells whether something that matters has changed.
    pub fn refresh(&mut self, store: &dyn Store) -> bool {
        if !self.kept {
            return false;
        }
        let text = store.get(&self.key).unwrap_or_default();
        let before = self.visitor.rev;
        if text != self.stored {
            if let Some(stored) = Visitor::read(&text) {
                self.take(stored);
            }
            self.stored = text;
        }
        if self.mirrored
            && let Some(mirrored) = store.mirror().as_deref().and_then(Visitor::read)
        {
            self.take(mirrored);
        }
        self.visitor.rev != before
    }

    /// Takes in what another tab wrote. One that nobody has changed yet knows nothing that a stored one does not.
    fn take(&mut self, other: Visitor) {
        let mine = core::mem::take(&mut self.visitor);
        self.visitor = if mine.rev == 0 {
            other
        } else {
            mine.merge(other)
        };
    }

    /// Writes the record if it differs from what is stored, or somebody removed that; tells whether something that
    /// matters to the other tabs has changed since the last time.
    pub fn commit(&mut self, store: &mut dyn Store) -> bool {
        if !self.kept || self.visitor.rev > 0 && self.visitor.write() == self.stored {
            return false;
        }
        let before = Visitor::read(&self.stored).map_or(0, |stored| stored.rev);
        self.refresh(store);
        let matters = self.visitor.rev != before;
        if self.visitor.rev == 0 {
            self.visitor.touch();
        }
        if matters {
            self.visitor.by.clone_from(&self.tab);
        }
        let text = self.visitor.write();
        if text == self.stored || Visitor::is_newer(&self.stored) {
            return false;
        }
        if store.set(&self.key, &text).is_ok() {
            self.stored = text;
        }
        if self.mirrored && matters {
            self.write_mirror(store);
        }
        matters
    }

    /// The cookie holds who the visitor is, and leaves out what has no room.
    fn write_mirror(&self, store: &mut dyn Store) {
        let mut small = self.visitor.clone();
        small.exposures.clear();
        let mut text = small.write();
        if text.len() > MIRROR_BYTES_MAX {
            small.properties.clear();
            (small.first, small.last) = (None, None);
            text = small.write();
        }
        if text.len() <= MIRROR_BYTES_MAX {
            store.set_mirror(&text);
        }
    }

    /// Forgets the visitor: he is somebody new from here on.
    pub fn forget(&mut self, rng: &mut Rng) {
        self.visitor = Visitor::new(&anonymous(rng));
        self.stored.clear();
    }

    /// For the page: who the visitor is, as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let visitor = &self.visitor;
        let session = visitor.session.as_ref().map(|session| session.id.as_str());
        let mut out = Object::default();
        out.raw("anonymousId", &visitor.anonymous);
        out.raw("userId", visitor.user.as_deref().unwrap_or("null"));
        out.raw("sessionId", session.unwrap_or("\"\""));
        let consent = visitor.consent.unwrap_or_default();
        out.raw("consent", &consent.write());
        out.end()
    }
}

/// A new anonymous id.
pub fn anonymous(rng: &mut Rng) -> String {
    let mut id = "anon_".to_owned();
    push_uuid(&mut id, rng.next_u64(), rng.next_u64(), Version::Random);
    id
}

/// A new session id.
pub fn session(rng: &mut Rng) -> String {
    let mut id = String::new();
    push_uuid(&mut id, rng.next_u64(), rng.next_u64(), Version::Random);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::store::MemoryStore;

    fn open(tab: &str, store: &MemoryStore) -> Keeper {
        let proposal = Proposal {
            project: "p".into(),
            tab: tab.into(),
            anonymous_id: join(&["anon_", tab]),
            mirrored: false,
            kept: true,
        };
        Keeper::load(proposal, &mut Rng::new(1), store)
    }

    #[test]
    fn a_visitor_survives_a_damaged_one_is_replaced_and_a_newer_one_left_alone() {
        let mut store = MemoryStore::default();
        let mut first = open("1", &store);
        first.visitor_mut().user = Some("\"u\"".into());
        first.visitor_mut().touch();
        assert!(first.commit(&mut store));
        let second = open("2", &store);
        assert_eq!(second.visitor().anonymous, "\"anon_1\"");
        assert_eq!(second.visitor().user.as_deref(), Some("\"u\""));
        for (damage, left_alone) in [
            ("{\"v\":2,\"anonymousId\":\"x", false),
            ("{\"v\":9,\"new\":1}", true),
        ] {
            store.set("sendoff:p:identity", damage).unwrap();
            let mut third = open("3", &store);
            assert_eq!(third.visitor().anonymous, "\"anon_3\"");
            third.visitor_mut().touch();
            third.commit(&mut store);
            assert_eq!(
                store.get("sendoff:p:identity").unwrap() == damage,
                left_alone
            );
        }
    }

    #[test]
    fn what_somebody_removed_is_written_again() {
        let mut store = MemoryStore::default();
        let mut keeper = open("1", &store);
        keeper.commit(&mut store);
        store.remove("sendoff:p:identity");
        keeper.refresh(&store);
        keeper.commit(&mut store);
        assert_eq!(open("2", &store).visitor().anonymous, "\"anon_1\"");
    }

    #[test]
    fn ten_thousand_histories_never_merge_two_users_and_all_tabs_converge() {
        for seed in 0..10_000 {
            history(seed);
        }
    }

    /// One to five tabs on one store, which some of them see late; the page identifies, aliases and resets.
    fn history(seed: u64) {
        let (mut rng, mut store) = (Rng::new(seed), MemoryStore::default());
        let mut tabs: Vec<(Keeper, MemoryStore)> = Vec::new();
        for tab in 0..=rng.below(5) {
            let keeper = open(&tab.to_string(), &store);
            tabs.push((keeper, store.clone()));
        }
        for _ in 0..12 {
            let at = rng.below(tabs.len() as u64) as usize;
            let (keeper, stale) = &mut tabs[at];
            // Another process's writes are seen late.
            let late = rng.below(3) == 0;
            keeper.refresh(if late { &*stale } else { &store });
            let before = keeper.visitor().clone();
            match rng.below(3) {
                0 => {
                    let user = join(&["\"u", &rng.below(3).to_string(), "\""]);
                    if keeper.visitor().is_somebody_else(&user) {
                        let id = anonymous(&mut rng);
                        keeper.visitor_mut().reset(&id);
                    }
                    let visitor = keeper.visitor_mut();
                    assert!(visitor.user.is_none() || visitor.user.as_ref() == Some(&user));
                    assert!(
                        before.user.is_none()
                            || before.user.as_ref() == Some(&user)
                            || before.anonymous != visitor.anonymous
                    );
                    visitor.user = Some(user);
                    visitor.touch();
                }
                1 => {
                    let id = anonymous(&mut rng);
                    keeper.visitor_mut().reset(&id);
                }
                _ => keeper.visitor_mut().register("a", "1", false),
            }
            keeper.commit(&mut store);
            *stale = store.clone();
        }
        for (keeper, _) in &mut tabs {
            keeper.refresh(&store);
            keeper.commit(&mut store);
        }
        let last = Visitor::read(&store.get("sendoff:p:identity").unwrap()).unwrap();
        for (keeper, _) in &mut tabs {
            keeper.refresh(&store);
            assert_eq!(keeper.visitor().user, last.user, "seed {seed}");
            assert_eq!(keeper.visitor().anonymous, last.anonymous, "seed {seed}");
        }
    }
}
