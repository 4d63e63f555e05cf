//! Who the visitor is: an anonymous id that stays, and the user id once the page has told it.

use super::{
    ids::uuid_text,
    rawjson::{Kind, scan},
    rng::Rng,
    store::Store,
};
use crate::wire::{
    json::push_string,
    text::{fields, join, unquoted},
};

/// Both ids as JSON strings; `user_id` is empty until `identify` or `alias`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// JSON string.
    pub anonymous_id: String,
    /// JSON string, or empty.
    pub user_id: String,
}

impl Identity {
    /// The stored identity, or a new one with the proposed anonymous id (or a random UUID).
    #[must_use]
    pub fn load(project: &str, proposed: &str, rng: &mut Rng, store: &dyn Store) -> Self {
        let stored = store.get(&key(project)).unwrap_or_default();
        let mut lines = fields(&stored, b'\n');
        if let (Some("1"), Some(anonymous_id), Some(user_id)) =
            (lines.next(), lines.next(), lines.next())
            && !anonymous_id.is_empty()
        {
            // It is spliced into every event, so a damaged one must not be trusted.
            let whole = matches!(scan(user_id), Some(Kind::String(_)));
            return Self {
                anonymous_id: quoted(anonymous_id),
                user_id: if whole {
                    user_id.to_owned()
                } else {
                    String::new()
                },
            };
        }
        let anonymous_id = if proposed.is_empty() {
            uuid_text(rng.next_u64(), rng.next_u64(), uuid::Version::Random)
        } else {
            proposed.to_owned()
        };
        Self {
            anonymous_id: quoted(&anonymous_id),
            user_id: String::new(),
        }
    }

    /// Writes it for the next visit; a failure costs continuity between visits and nothing else.
    pub fn save(&self, project: &str, store: &mut dyn Store) {
        let value = join(&["1\n", self.anonymous(), "\n", &self.user_id]);
        let key = key(project);
        let stored = store.get(&key);
        // Another version's record is not ours to overwrite.
        let ours = stored
            .as_ref()
            .is_none_or(|stored| stored.starts_with("1\n"));
        if ours && stored.as_ref() != Some(&value) {
            _ = store.set(&key, &value);
        }
    }

    /// The anonymous id without quotes.
    #[must_use]
    pub fn anonymous(&self) -> &str {
        unquoted(&self.anonymous_id)
    }

    /// Sets the user id (a JSON string).
    pub fn set_user(&mut self, user_id: &str) {
        user_id.clone_into(&mut self.user_id);
    }
}

fn key(project: &str) -> String {
    join(&["sendoff:", project, ":identity"])
}

fn quoted(id: &str) -> String {
    let mut out = String::with_capacity(id.len() + 2);
    push_string(&mut out, id);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::MemoryStore;

    #[test]
    fn an_identity_survives_and_a_damaged_one_is_replaced() {
        let (mut store, mut rng) = (MemoryStore::default(), Rng::new(1));
        let mut first = Identity::load("p", "", &mut rng, &store);
        assert_eq!(first.anonymous().len(), 36);
        first.set_user("\"u\"");
        first.save("p", &mut store);
        assert_eq!(Identity::load("p", "other", &mut rng, &store), first);
        store
            .set("sendoff:p:identity", "2\nfrom the future")
            .unwrap();
        let replaced = Identity::load("p", "proposed", &mut rng, &store);
        assert_eq!(replaced.anonymous(), "proposed");
        replaced.save("p", &mut store);
        assert_eq!(
            store.get("sendoff:p:identity").unwrap(),
            "2\nfrom the future"
        );
    }
}
