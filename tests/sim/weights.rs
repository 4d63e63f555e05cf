//! How likely each action is, in each family of worlds.

use crate::rng::Rng;
use crate::script::{ACTIONS, Action};

/// In the order of [`ACTIONS`].
pub(crate) type Weights = [u64; ACTIONS.len()];

/// Which actions a world knows: each is switched off in some of them.
pub(crate) fn weights(rng: &mut Rng) -> Weights {
    ACTIONS.map(|(action, weight)| {
        let on = match action {
            Action::Track | Action::Open => true,
            Action::Forget => rng.chance(60),
            Action::Glitch => rng.chance(100),
            _ => rng.chance(650),
        };
        if on { weight } else { 0 }
    })
}

/// Only what a healthy network with crashing tabs needs.
pub(crate) fn adoption_weights() -> Weights {
    ACTIONS.map(|(action, weight)| match action {
        Action::Track | Action::Open => weight,
        Action::Crash => 12,
        _ => 0,
    })
}

/// Pages are opened, and track.
pub(crate) fn starved_weights() -> Weights {
    ACTIONS.map(|(action, _)| match action {
        Action::Track | Action::OpenEarly => 1,
        Action::Open => 2,
        _ => 0,
    })
}

/// Pages come and are left in every orderly way; now and then one crashes.
pub(crate) fn left_weights() -> Weights {
    ACTIONS.map(|(action, weight)| match action {
        Action::Track => 60,
        Action::View | Action::Open | Action::Reload | Action::CacheOut | Action::CacheBack => {
            weight
        }
        Action::OpenFrame | Action::OpenClient | Action::CloseWindow | Action::CloseInTurn => 4,
        Action::Close | Action::Hide | Action::Show => weight,
        Action::Crash => 1,
        _ => 0,
    })
}

/// Pages track, come and go; nothing else happens.
pub(crate) fn plain_weights() -> Weights {
    ACTIONS.map(|(action, weight)| match action {
        Action::Track => 60,
        Action::Open | Action::Close | Action::Reload | Action::Hide | Action::Show => weight,
        Action::Identify => weight,
        _ => 0,
    })
}

/// As [`plain_weights`], and nothing that makes times differ by itself: browsers slow the timers of hidden pages, and
/// what others have of a tab that goes is in doubt for a while.
pub(crate) fn steady_weights(alone: bool) -> Weights {
    let mut weights = plain_weights();
    for ((action, _), weight) in ACTIONS.iter().zip(&mut weights) {
        let hides = matches!(action, Action::Hide | Action::Show);
        let goes = matches!(action, Action::Close | Action::Reload);
        if hides || goes && !alone {
            *weight = 0;
        }
    }
    weights
}

/// Every way a page can end or pause, and nothing that harms the store or the network.
pub(crate) fn calm_weights() -> Weights {
    ACTIONS.map(|(action, weight)| match action {
        Action::Kill
        | Action::Offline
        | Action::Online
        | Action::Outage
        | Action::Pause
        | Action::Deploy
        | Action::FillQuota
        | Action::FreeQuota
        | Action::ClearStorage
        | Action::Evict
        | Action::Forget
        | Action::Glitch
        | Action::Damage => 0,
        _ => weight,
    })
}
