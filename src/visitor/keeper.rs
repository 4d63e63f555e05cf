//! The visitor record and where it is kept.

use crate::{
    model::{ids::push_uuid, rng::Rng, store::Store, time::Now},
    text::{fields::join, json::push_string},
};
use uuid::Version;

/// Who the visitor is.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// JSON string.
    pub anonymous: String,
    /// JSON string or empty.
    pub user: String,
    /// To be written.
    pub changed: bool,
}

/// What the host proposes.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The project.
    pub project: String,
    /// An anonymous id.
    pub anonymous_id: String,
    /// A session id.
    pub session_id: String,
}

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    key: String,
    visitor: Visitor,
}

impl Keeper {
    /// Loads it.
    #[must_use]
    pub fn load(proposal: Proposal, _: Now, rng: &mut Rng, store: &dyn Store) -> Self {
        let key = join(&["sendoff:", &proposal.project, ":identity"]);
        let stored = store.get(&key).unwrap_or_default();
        let mut lines = stored.split('\n');
        let stored = (lines.next() == Some("1"))
            .then(|| (lines.next().unwrap_or(""), lines.next().unwrap_or("")));
        let (anonymous, user) = stored
            .filter(|ids| !ids.0.is_empty())
            .unwrap_or((&proposal.anonymous_id, ""));
        let mut id = anonymous.to_owned();
        if id.is_empty() {
            push_uuid(&mut id, rng.next_u64(), rng.next_u64(), Version::Random);
        }
        let mut quoted = String::new();
        push_string(&mut quoted, &id);
        let visitor = Visitor {
            anonymous: quoted,
            user: user.to_owned(),
            changed: true,
        };
        Self { key, visitor }
    }

    /// Reads it again.
    pub fn refresh(&mut self, _: &dyn Store) -> bool {
        false
    }

    /// Writes it.
    pub fn commit(&mut self, store: &mut dyn Store) -> bool {
        if core::mem::take(&mut self.visitor.changed) {
            let anonymous = crate::text::fields::unquoted(&self.visitor.anonymous);
            _ = store.set(
                &self.key,
                &join(&["1\n", anonymous, "\n", &self.visitor.user]),
            );
        }
        false
    }

    /// For the facade.
    #[must_use]
    pub fn to_json(&self) -> String {
        let user = if self.visitor.user.is_empty() {
            "null"
        } else {
            &self.visitor.user
        };
        join(&[
            "{\"anonymousId\":",
            &self.visitor.anonymous,
            ",\"userId\":",
            user,
            ",\"sessionId\":\"\",\"consent\":null}",
        ])
    }

    /// It.
    #[must_use]
    pub const fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// It.
    pub const fn visitor_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }
}
