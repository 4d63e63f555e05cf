//! Who the visitor is: an anonymous id that stays, and the user id once the page has told it.

use uuid::Version;

use crate::model::ids::push_uuid;
use crate::model::rng::Rng;
use crate::model::store::{Store, read};
use crate::text::fields::{join, owned, split_once, unquoted};
use crate::text::json::push_string;
use crate::text::scan::{Kind, scan};

/// The first line of what is stored; the ids follow, one a line.
const VERSION: &str = "1\n";

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
        let stored = read(store, &key(project));
        let ids = stored.strip_prefix(VERSION);
        let ids = ids.and_then(|ids| split_once(ids, b'\n'));
        let ids = ids.filter(|(anonymous, _)| !anonymous.is_empty());
        let (mut anonymous_id, mut user_id) = ids.unwrap_or((proposed, ""));
        // It is spliced into every event, so a damaged one must not be trusted.
        if !matches!(scan(user_id), Some(Kind::String(_))) {
            user_id = "";
        }
        let mut fresh = String::new();
        if anonymous_id.is_empty() {
            push_uuid(&mut fresh, rng.next_u64(), rng.next_u64(), Version::Random);
            anonymous_id = &fresh;
        }
        let mut quoted = String::new();
        push_string(&mut quoted, anonymous_id);
        Self {
            anonymous_id: quoted,
            user_id: owned(user_id),
        }
    }

    /// Writes it for the next visit; a failure costs continuity between visits and nothing else.
    pub fn save(&self, project: &str, store: &mut dyn Store) {
        let key = key(project);
        // Another version's record is not ours to overwrite.
        let stored = store.get(&key);
        if stored.is_none_or(|stored| stored.starts_with(VERSION)) {
            let value = join(&[VERSION, self.anonymous(), "\n", &self.user_id]);
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
        self.user_id = owned(user_id);
    }
}

fn key(project: &str) -> String {
    join(&["sendoff:", project, ":identity"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::store::MemoryStore;

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
