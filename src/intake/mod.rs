//! From a call of the page to events: sampling, then what the visitor is known by, then the session.
//!
//! What a call says about the visitor (`identify`, `register`, `group` …) is carried out on his record first, so that
//! every event bears the identity it was captured under.

pub mod call;
pub mod draft;
pub mod early;
pub mod guard;
pub mod refusal;
pub mod sampling;

use std::borrow::Cow;

use crate::{
    intake::{
        call::{Call, CallError, CallKind},
        draft::Draft,
        guard::{Guard, GuardConfig, Pii},
        sampling::{SampleBy, SamplingRule, is_in, rate_of},
    },
    model::{
        event::SESSION_START,
        rng::Rng,
        time::{Instant, Timeline, UnixMillis},
    },
    text::{
        fields::{join, unquoted},
        json::{Object, push_u64},
        view::{member, members},
    },
    visitor::{
        attribution::{AttributionRules, quoted},
        consent::{Answer, Consent},
        keeper,
        record::Visitor,
        session::{self, Reason, SessionRules},
    },
};

/// Timers that run at once, at most; the oldest is forgotten when there is one more.
const TIMERS_MAX: usize = 100;

/// What happens when a second user is identified without `reset()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentityPolicy {
    /// The call is refused.
    #[default]
    Guard,
    /// As if `reset()` had been called.
    Reset,
    /// He is the same visitor.
    Allow,
}

/// Options of the intake.
#[derive(Clone, Debug)]
pub struct IntakeConfig {
    /// Whether events are in sessions, and each begins with an event of its own.
    pub sessions: bool,
    /// How long a session may be.
    pub session: SessionRules,
    /// Another campaign begins another session.
    pub session_on_campaign: bool,
    /// See [`IdentityPolicy`].
    pub identity: IdentityPolicy,
    /// Rates by name.
    pub sampling: Vec<SamplingRule>,
    /// By what a sample is drawn.
    pub sample_by: SampleBy,
    /// Where the visitor came from goes with every event, not only with those that begin something.
    pub attribution_every: bool,
    /// What counts as a source.
    pub attribution: AttributionRules,
    /// What is personal, and what is done with it.
    pub guard: GuardConfig,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self {
            sessions: false,
            session: SessionRules {
                timeout_ms: 30 * 60_000,
                max_ms: 24 * 3_600_000,
            },
            session_on_campaign: false,
            identity: IdentityPolicy::Guard,
            sampling: Vec::new(),
            sample_by: SampleBy::User,
            attribution_every: false,
            attribution: AttributionRules::default(),
            guard: GuardConfig::default(),
        }
    }
}

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
    /// What the visitor allows from now on.
    pub consent: Option<Consent>,
}

/// See the module.
#[derive(Debug)]
pub struct Intake {
    config: IntakeConfig,
    guard: Guard,
    timeline: Timeline,
    /// Names of events that are being timed, and since when.
    timers: Vec<(String, Instant)>,
    /// What the visitor landed on: address and the page before it, until the first event has told it.
    landing: Option<(String, String)>,
    /// The id of a session that begins with the first event, as the host proposed it.
    session_id: String,
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
            timers: Vec::new(),
            landing,
            session_id: session_id.to_owned(),
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
            ..Taken::default()
        };
        let guarded = self.guarded(call, &mut taken)?;
        let call = &Call {
            name: &guarded.name,
            properties: &guarded.properties,
            context: &guarded.context,
            page: &guarded.page,
            ..call.clone()
        };
        let time = call.explicit.unwrap_or(stamped);
        let Some((name, properties)) = self.carry_out(call, at, &mut taken)? else {
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
                let properties = self.timed(call, properties);
                Some((call.name.to_owned(), properties))
            }
            CallKind::Page => Some((quoted("$page_view"), with(&properties, "name", call.name))),
            CallKind::Identify => {
                self.identify(call.user, at)?;
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
                self.forget(at);
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
                self.time(call);
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
        let config = self.guard.config();
        let checked = self.guard.json(page, config.values);
        checked.text.unwrap_or_else(|| page.to_owned())
    }

    /// A metric's name or tags without what is personal.
    ///
    /// # Errors
    /// Something personal is in it, and it is not to be had then.
    pub fn clean<'a>(&self, json: &'a str) -> Result<Cow<'a, str>, CallError> {
        self.screened(json, self.guard.config().values, &mut false)
    }

    /// A text without what is personal; `found` says whether there was any.
    fn screened<'a>(
        &self,
        json: &'a str,
        mode: Pii,
        found: &mut bool,
    ) -> Result<Cow<'a, str>, CallError> {
        if json.is_empty() || mode == Pii::Off {
            return Ok(Cow::Borrowed(json));
        }
        let checked = self.guard.json(json, mode);
        *found |= checked.found.is_some();
        if checked.rejected {
            return Err(CallError::Personal);
        }
        Ok(checked.text.map_or(Cow::Borrowed(json), Cow::Owned))
    }

    /// A call's texts without what is personal, before anything is made of them.
    fn guarded<'a>(&self, call: &Call<'a>, taken: &mut Taken) -> Result<Guarded<'a>, CallError> {
        let config = self.guard.config();
        let traits = matches!(
            call.kind,
            CallKind::Identify | CallKind::SetTraits | CallKind::Group
        );
        let mut check = |text, mode| self.screened(text, mode, &mut taken.personal);
        Ok(Guarded {
            name: check(call.name, config.values)?,
            properties: check(
                call.properties,
                if traits { config.traits } else { config.values },
            )?,
            context: check(call.context, config.values)?,
            page: check(call.page, config.values)?,
        })
    }

    fn identify(&mut self, user: &str, at: &mut IntakeContext<'_>) -> Result<(), CallError> {
        if at.visitor.is_somebody_else(user) {
            match self.config.identity {
                IdentityPolicy::Guard => return Err(CallError::IdentityConflict),
                IdentityPolicy::Reset => self.forget(at),
                IdentityPolicy::Allow => {}
            }
        }
        if at.visitor.user.as_deref() != Some(user) {
            at.visitor.user = Some(user.to_owned());
            at.visitor.touch();
        }
        Ok(())
    }

    fn forget(&mut self, at: &mut IntakeContext<'_>) {
        let id = keeper::anonymous(at.rng);
        at.visitor.reset(&id);
        self.session_id.clear();
        self.timers.clear();
    }

    // Timers.

    fn time(&mut self, call: &Call<'_>) {
        self.timers.retain(|(name, _)| name != call.name);
        if self.timers.len() >= TIMERS_MAX {
            self.timers.remove(0);
        }
        self.timers.push((call.name.to_owned(), call.made.mono));
    }

    fn timed(&mut self, call: &Call<'_>, properties: String) -> String {
        let Some(index) = self.timers.iter().position(|(name, _)| name == call.name) else {
            return properties;
        };
        let (_, since) = self.timers.remove(index);
        let mut ms = String::new();
        push_u64(&mut ms, call.made.mono.since_ms(since));
        with(&properties, "durationMs", &ms)
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
        let campaign = self.arrive(at, time);
        let mut reason = self.config.session.ends(at.visitor.session.as_ref(), time);
        if reason == Some(Reason::First) && at.visitor.rev > 1 && self.session_id.is_empty() {
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
        session::count(at.visitor, time)
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

/// The texts of a call that may hold something personal.
struct Guarded<'a> {
    name: Cow<'a, str>,
    properties: Cow<'a, str>,
    context: Cow<'a, str>,
    page: Cow<'a, str>,
}

/// What a consent record says; `None` for a word that is none.
#[must_use]
pub fn consent_of(analytics: &str, marketing: &str) -> Option<Consent> {
    Some(Consent {
        analytics: Answer::from_word(analytics)?,
        marketing: Answer::from_word(marketing)?,
    })
}

/// The text, or another where it is empty.
const fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// An object with one member more at its end, unless the value is missing or the member is there.
fn with(object: &str, name: &str, value: &str) -> String {
    if value.is_empty() || member(object, name).is_some() {
        return object.to_owned();
    }
    let body = object.trim_end().strip_suffix('}').unwrap_or("{");
    let comma = if body.ends_with('{') { "\"" } else { ",\"" };
    join(&[body, comma, name, "\":", value, "}"])
}

/// An event's properties with the super properties that it does not have itself.
fn with_super(properties: String, visitor: &Visitor) -> String {
    let mut all = properties;
    for (name, value) in &visitor.properties {
        all = with(&all, name, value);
    }
    all
}

fn group(call: &Call<'_>, visitor: &mut Visitor, traits: &str) -> String {
    let kind = or(call.group_type, "\"group\"");
    let known = visitor.groups.iter().position(|(known, _)| known == kind);
    let entry = (kind.to_owned(), call.user.to_owned());
    match known.and_then(|index| visitor.groups.get_mut(index)) {
        Some(known) => *known = entry,
        None => visitor.groups.push(entry),
    }
    visitor.touch();
    let head = join(&["{\"groupType\":", kind, ",\"groupId\":", call.user, "}"]);
    let mut all = head;
    for (name, value) in members(traits) {
        all = with(&all, name, value);
    }
    all
}

/// The properties of an exposure's event; `None` if it has been told before.
fn exposure(call: &Call<'_>, visitor: &mut Visitor, properties: &str) -> Option<String> {
    let session = visitor.session.as_ref().filter(|_| call.each_session);
    let session = session.map_or("", |session| unquoted(&session.id));
    let key = join(&[
        "\"",
        unquoted(call.name),
        "/",
        unquoted(call.variant),
        "/",
        session,
        "\"",
    ]);
    if !visitor.expose(key) {
        return None;
    }
    let mut all = join(&[
        "{\"experiment\":",
        call.name,
        ",\"variant\":",
        call.variant,
        "}",
    ]);
    for (name, value) in members(properties) {
        all = with(&all, name, value);
    }
    Some(all)
}

fn attribution(visitor: &Visitor) -> String {
    if visitor.first.is_none() && visitor.last.is_none() {
        return String::new();
    }
    let mut out = Object::default();
    out.raw("first", visitor.first.as_deref().unwrap_or("null"));
    out.raw(
        "last",
        visitor
            .last
            .as_deref()
            .or(visitor.first.as_deref())
            .unwrap_or("null"),
    );
    out.end()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
