//! From a call of the page to events: sampling, then what the visitor is known by, then the session.
//!
//! What a call says about the visitor (`identify`, `register`, `group` …) is carried out on his record first, so that
//! every event bears the identity it was captured under.

pub mod call;
mod config;
mod content;
pub mod draft;
pub mod early;
pub mod guard;
pub mod refusal;
pub mod sampling;
mod screening;
mod timers;

use std::borrow::Cow;

pub use config::{IdentityPolicy, IntakeConfig};

use crate::{
    intake::{
        call::{Call, CallError, CallKind, is_flat},
        content::{attribution, exposure, group, or, with, with_super},
        draft::Draft,
        guard::Guard,
        sampling::{SampleBy, is_in, rate_of},
        screening::{Screened, screen},
        timers::Timers,
    },
    model::{
        event::SESSION_START,
        rng::Rng,
        time::{Timeline, UnixMillis},
    },
    text::{
        fields::{join, unquoted},
        json::Object,
        view::{member, members},
    },
    visitor::{
        attribution::quoted,
        consent::{Answer, Consent},
        keeper,
        record::Visitor,
        session::{self, Reason},
    },
};

/// What the intake works on.
#[derive(Debug)]
pub struct IntakeContext<'a> {
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
    /// It was left out by sampling.
    pub sampled_out: bool,
    /// Something personal was found in it.
    pub personal: bool,
    /// Names of destinations that are not to have its events, with spaces between them.
    pub not_for: String,
    /// What the visitor allows from now on.
    pub consent: Option<Consent>,
}

/// See the module.
#[derive(Debug)]
pub struct Intake {
    config: IntakeConfig,
    guard: Guard,
    timeline: Timeline,
    timers: Timers,
    /// What the visitor landed on: address and the page before it, until the first event has told it.
    landing: Option<(String, String)>,
    /// The id of a session that begins with the first event, as the host proposed it.
    session_id: String,
    /// The visitor was forgotten, and no session has begun since.
    was_reset: bool,
    marketing: bool,
}

impl Intake {
    /// With its options. `landing`: the address that the visitor landed on and the page before it.
    #[must_use]
    pub fn new(
        config: IntakeConfig,
        landing: Option<(String, String)>,
        session_id: &str,
        marketing: bool,
    ) -> Self {
        Self {
            guard: Guard::new(config.guard.clone()),
            config,
            timeline: Timeline::default(),
            timers: Timers::default(),
            landing,
            session_id: session_id.to_owned(),
            was_reset: false,
            marketing,
        }
    }

    /// Takes a call.
    ///
    /// # Errors
    /// If it is refused; then nothing of it is recorded.
    pub fn take(
        &mut self,
        call: &Call<'_>,
        at: &mut IntakeContext<'_>,
    ) -> Result<Taken, CallError> {
        let stamped = self.timeline.stamp(call.made);
        let mut taken = Taken {
            urgent: call.urgent,
            not_for: call.not_for.to_owned(),
            ..Taken::default()
        };
        if self.config.flat && !call.kind.has_traits() && !is_flat(call.properties) {
            return Err(CallError::PropertiesNotFlat);
        }
        let screened = Screened::of(call, &self.guard)?;
        taken.personal = screened.found;
        let call = &screened.call(call);
        let time = call.explicit.unwrap_or(stamped);
        let Some((name, properties)) = self.carry_out(call, at, &mut taken)? else {
            if call.kind == CallKind::Reset && self.config.sessions {
                // At once, not with the next event: two tabs that track at the same time are to be in one session.
                self.enter_session(call, at, time, &mut taken);
            }
            return Ok(taken);
        };
        let rate = call
            .sample
            .or_else(|| rate_of(&self.config.sampling, &name));
        let rate = rate.filter(|_| matches!(call.kind, CallKind::Track | CallKind::Page));
        if rate.is_some_and(|rate| !self.is_sampled_in(call, at, rate)) {
            taken.sampled_out = true;
            return Ok(taken);
        }
        let session = self.session(call, at, time, &mut taken);
        let visitor = &*at.visitor;
        let own =
            |given: &str, known: &str| (if given.is_empty() { known } else { given }).to_owned();
        let identifies = matches!(call.kind, CallKind::Identify | CallKind::Alias);
        taken.drafts.push(Draft {
            name,
            user: own(
                if call.kind == CallKind::Group {
                    ""
                } else {
                    call.user
                },
                visitor.user.as_deref().unwrap_or("null"),
            ),
            anonymous: own(
                if identifies { "" } else { call.anonymous },
                &visitor.anonymous,
            ),
            at: time,
            properties: with_super(properties, visitor),
            edits: call.edits.to_owned(),
            session,
            value: call.value.to_owned(),
            rate: rate.filter(|rate| *rate < 1.0),
            groups: if visitor.groups.is_empty() {
                String::new()
            } else {
                visitor.groups_json()
            },
            attribution: if self.config.attribution_every || call.kind == CallKind::Identify {
                attribution(visitor)
            } else {
                String::new()
            },
            context: call.context.to_owned(),
        });
        Ok(taken)
    }

    /// Carries out what a call says about the visitor; the name (a JSON string) and the properties of its event, if it
    /// makes one.
    fn carry_out(
        &mut self,
        call: &Call<'_>,
        at: &mut IntakeContext<'_>,
        taken: &mut Taken,
    ) -> Result<Option<(String, String)>, CallError> {
        let properties = or(call.properties, "{}").to_owned();
        let named = |name: &str| Some((quoted(name), properties.clone()));
        taken.urgent |= matches!(
            call.kind,
            CallKind::Identify | CallKind::Alias | CallKind::SetTraits | CallKind::Group
        );
        Ok(match call.kind {
            CallKind::Track => {
                let properties = self.timers.stop(call, properties);
                Some((call.name.to_owned(), properties))
            }
            CallKind::Page => Some((quoted("$page_view"), with(&properties, "name", call.name))),
            CallKind::Identify => {
                self.identify(call, at)?;
                named("$identify")
            }
            CallKind::SetTraits => named("$set_traits"),
            CallKind::Alias => {
                let known = at.visitor.user.as_ref().unwrap_or(&at.visitor.anonymous);
                let previous = or(call.previous, known).to_owned();
                at.visitor.user = Some(call.user.to_owned());
                at.visitor.touch();
                Some((
                    quoted("$alias"),
                    join(&["{\"previousId\":", &previous, "}"]),
                ))
            }
            CallKind::Group => Some((quoted("$group"), group(call, at.visitor, &properties))),
            CallKind::Exposure => exposure(call, at.visitor, &properties)
                .map(|properties| (quoted("$exposure"), properties)),
            CallKind::Reset => {
                self.forget(call, at);
                None
            }
            CallKind::Register | CallKind::RegisterOnce => {
                for (name, value) in members(&properties) {
                    at.visitor
                        .register(name, value, call.kind == CallKind::RegisterOnce);
                }
                None
            }
            CallKind::Unregister => {
                at.visitor.unregister(unquoted(call.name));
                None
            }
            CallKind::Time => {
                self.timers.start(call);
                None
            }
            CallKind::Consent => {
                let consent = consent_of(call.analytics, call.marketing);
                taken.consent = Some(consent.ok_or(CallError::CallMalformed)?);
                None
            }
        })
    }

    /// One for the calls of another page load: what it did to the visitor or was in the midst of is not ours.
    #[must_use]
    pub fn of_another_page(&self) -> Self {
        let config = IntakeConfig {
            sessions: false,
            sampling: Vec::new(),
            ..self.config.clone()
        };
        Self::new(config, None, "", self.marketing)
    }

    /// A page's context without what is personal.
    #[must_use]
    pub fn clean_page(&self, page: &str) -> String {
        let checked = self.guard.json(page, self.guard.config().values);
        checked.text.unwrap_or_else(|| page.to_owned())
    }

    /// A metric's name or tags without what is personal.
    ///
    /// # Errors
    /// Something personal is in it, and it is not to be had then.
    pub fn clean<'a>(&self, json: &'a str) -> Result<Cow<'a, str>, CallError> {
        screen(&self.guard, json, self.guard.config().values, &mut false)
    }

    fn identify(&mut self, call: &Call<'_>, at: &mut IntakeContext<'_>) -> Result<(), CallError> {
        let user = call.user;
        if at.visitor.is_somebody_else(user) {
            match self.config.identity {
                IdentityPolicy::Guard => return Err(CallError::IdentityConflict),
                IdentityPolicy::Reset => self.forget(call, at),
                IdentityPolicy::Allow => {}
            }
        }
        if at.visitor.user.as_deref() != Some(user) {
            at.visitor.user = Some(user.to_owned());
            at.visitor.touch();
        }
        Ok(())
    }

    /// Another visitor begins, under ids that the facade may have told the page already.
    fn forget(&mut self, call: &Call<'_>, at: &mut IntakeContext<'_>) {
        match proposed(call.anonymous) {
            "" => at.visitor.reset(&keeper::anonymous(at.rng)),
            id => at.visitor.reset(id),
        }
        self.session_id = proposed(call.session).to_owned();
        self.was_reset = true;
        self.timers.forget();
    }

    // Sampling.

    fn is_sampled_in(&self, call: &Call<'_>, at: &mut IntakeContext<'_>, rate: f64) -> bool {
        let visitor = &*at.visitor;
        let user = or(call.user, visitor.user.as_deref().unwrap_or(""));
        match self.config.sample_by {
            SampleBy::User => is_in(or(user, &visitor.anonymous), rate),
            SampleBy::Session => {
                let session = visitor
                    .session
                    .as_ref()
                    .map_or("", |session| session.id.as_str());
                is_in(or(session, &visitor.anonymous), rate)
            }
            SampleBy::Event => ((at.rng.next_u64() >> 11) as f64) < rate * (1_u64 << 53) as f64,
        }
    }

    // Sessions.

    /// The session of an event, its id (a JSON string) and the event's number in it; an event that begins one comes after an
    /// event that says so.
    fn session(
        &mut self,
        call: &Call<'_>,
        at: &mut IntakeContext<'_>,
        time: UnixMillis,
        taken: &mut Taken,
    ) -> Option<(String, u64)> {
        if !self.config.sessions {
            return None;
        }
        if call.explicit.is_some() {
            let open = session::open_at(at.visitor, time)?;
            return Some((open.id.clone(), 0));
        }
        self.enter_session(call, at, time, taken);
        session::count(at.visitor, time)
    }

    /// Begins a session, unless one is open.
    fn enter_session(
        &mut self,
        call: &Call<'_>,
        at: &mut IntakeContext<'_>,
        time: UnixMillis,
        taken: &mut Taken,
    ) {
        let campaign = self.arrive(at, time);
        let mut reason = self.config.session.ends(at.visitor.session.as_ref(), time);
        let was_reset = core::mem::take(&mut self.was_reset);
        let forgotten = was_reset || at.visitor.rev > 1 && self.session_id.is_empty();
        if reason == Some(Reason::First) && forgotten {
            reason = Some(Reason::Reset);
        }
        if reason.is_none() && campaign && self.config.session_on_campaign {
            reason = Some(Reason::Campaign);
        }
        if let Some(reason) = reason {
            let mut id = core::mem::take(&mut self.session_id);
            if id.is_empty() {
                id = keeper::session(at.rng);
            }
            session::begin(at.visitor, quoted(&id), time);
            taken
                .drafts
                .push(self.begins(at.visitor, time, reason, call.page));
        }
    }

    /// The first event of a page load tells where the visitor came from; whether it was by a campaign.
    fn arrive(&mut self, at: &mut IntakeContext<'_>, time: UnixMillis) -> bool {
        let Some((url, referrer)) = self.landing.take().filter(|_| self.marketing) else {
            return false;
        };
        let clean = |text: String| self.guard.url(&text).text.unwrap_or(text);
        let touch = self
            .config
            .attribution
            .touch(&clean(url), &clean(referrer), time);
        let visitor = &mut *at.visitor;
        if visitor.first.is_none() {
            visitor.first = Some(touch.json.clone());
            visitor.touch();
        }
        if !touch.direct {
            visitor.last = Some(touch.json);
            visitor.touch();
        }
        !touch.direct
    }

    fn begins(&self, visitor: &mut Visitor, time: UnixMillis, reason: Reason, page: &str) -> Draft {
        let mut properties = Object::default();
        properties.text("reason", reason.word());
        if let Some(url) = member(page, "url") {
            properties.raw("entryUrl", url);
        }
        if let Some(referrer) = member(page, "referrer").filter(|_| self.marketing) {
            properties.raw("referrer", referrer);
        }
        let session = session::count(visitor, time);
        Draft {
            name: quoted(SESSION_START),
            user: visitor.user.clone().unwrap_or_else(|| "null".to_owned()),
            anonymous: visitor.anonymous.clone(),
            at: time,
            properties: properties.end(),
            session,
            attribution: attribution(visitor),
            ..Draft::default()
        }
    }

    /// Whether campaigns, click ids and referrers may be captured.
    pub const fn set_marketing(&mut self, allowed: bool) {
        self.marketing = allowed;
    }

    /// Whether the visitor allows marketing.
    #[must_use]
    pub const fn has_marketing(&self) -> bool {
        self.marketing
    }
}

/// An id that the facade proposes, without its quotes; those that it makes have nothing to escape.
fn proposed(id: &str) -> &str {
    let id = unquoted(id);
    if id.contains('\\') { "" } else { id }
}

/// What a consent record says; `None` for a word that is none.
#[must_use]
pub fn consent_of(analytics: &str, marketing: &str) -> Option<Consent> {
    Some(Consent {
        analytics: Answer::from_word(analytics)?,
        marketing: Answer::from_word(marketing)?,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
