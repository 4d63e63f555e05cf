//! From a call of the page to events.

pub mod call;
pub mod guard;

use crate::{
    intake::call::{Call, CallError, CallKind},
    model::{
        ids::TabId,
        rng::Rng,
        time::{Now, UnixMillis},
    },
    text::{
        fields::join,
        json::{push_timestamp, push_u64},
    },
    visitor::keeper::Visitor,
};

/// Options of the intake.
#[derive(Clone, Debug, Default)]
pub struct IntakeConfig {}

/// What the intake works on.
#[derive(Debug)]
pub struct IntakeContext<'a> {
    /// What time it is.
    pub now: Now,
    /// Who the visitor is.
    pub visitor: &'a mut Visitor,
    /// For ids.
    pub rng: &'a mut Rng,
}

/// What became of a call.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Its events.
    pub drafts: Vec<Draft>,
    /// What waits is to go at once.
    pub urgent: bool,
    /// The page that it was made on, if that changed.
    pub page: Option<String>,
}

/// An event but for its number.
#[derive(Clone, Debug)]
pub struct Draft {
    name: String,
    user: String,
    anonymous: String,
    at: UnixMillis,
    properties: String,
}

impl Draft {
    /// Its canonical text.
    #[must_use]
    pub fn encode(&self, tab: TabId, seq: u64) -> String {
        let mut out = String::with_capacity(
            160 + self.name.len() + self.user.len() + self.anonymous.len() + self.properties.len(),
        );
        out.push_str("{\"idempotencyKey\":\"");
        tab.push_key(&mut out, seq, self.at);
        out.push_str("\",\"seq\":");
        push_u64(&mut out, seq);
        out.push_str(",\"name\":");
        out.push_str(&self.name);
        out.push_str(",\"userId\":");
        out.push_str(&self.user);
        out.push_str(",\"anonymousId\":");
        out.push_str(&self.anonymous);
        out.push_str(",\"timestamp\":\"");
        push_timestamp(&mut out, self.at);
        out.push_str("\",\"properties\":");
        out.push_str(&self.properties);
        out.push('}');
        out
    }
}

/// See the module.
#[derive(Debug)]
pub struct Intake {}

impl Intake {
    /// With its options.
    #[must_use]
    pub const fn new(_: IntakeConfig) -> Self {
        Self {}
    }

    /// Takes a call.
    ///
    /// # Errors
    /// If it is refused.
    pub fn take(
        &mut self,
        call: &Call<'_>,
        at: &mut IntakeContext<'_>,
    ) -> Result<Taken, CallError> {
        let or = |a: &str, b: &str| (if a.is_empty() || a == "null" { b } else { a }).to_owned();
        let visitor = &mut *at.visitor;
        let mut properties = or(call.properties, "{}");
        if call.kind == CallKind::Alias {
            let known = or(&visitor.user, &visitor.anonymous);
            properties = join(&["{\"previousId\":", &or(call.previous, &known), "}"]);
        }
        if call.kind != CallKind::Track {
            visitor.user = call.user.to_owned();
            visitor.changed = true;
        }
        let draft = Draft {
            name: call.name.to_owned(),
            user: or(&or(call.user, &visitor.user), "null"),
            anonymous: or(call.anonymous, &visitor.anonymous),
            at: call.at,
            properties,
        };
        Ok(Taken {
            drafts: vec![draft],
            urgent: call.kind != CallKind::Track,
            page: (!call.page.is_empty()).then(|| call.page.to_owned()),
        })
    }
}
