//! The options of the intake.

use crate::{
    intake::{
        guard::GuardConfig,
        sampling::{SampleBy, SamplingRule},
    },
    visitor::{attribution::AttributionRules, session::SessionRules},
};

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
    /// Properties of events are to be flat; traits may be as they are.
    pub flat: bool,
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
            flat: false,
            sampling: Vec::new(),
            sample_by: SampleBy::User,
            attribution_every: false,
            attribution: AttributionRules::default(),
            guard: GuardConfig::default(),
        }
    }
}
