//! Who waits for what was there when he asked: `flush()` and `shutdown()`.

use crate::{
    delivery::flush::{Flushes, Waiter},
    engine::{report::Report, traffic::Traffic},
};

/// Remembers what is to be answered, at the latest after `patience_ms`.
pub(super) fn wait(
    flushes: &mut Flushes,
    traffic: &Traffic,
    id: u32,
    patience_ms: u64,
    shutdown: bool,
) {
    flushes.wait(Waiter {
        id,
        to: traffic.own.go_to,
        delivered: traffic.account.delivered(),
        dropped: traffic.account.dropped(),
        give_up_at: traffic.now.mono + patience_ms,
        shutdown,
    });
}

/// Answers whoever's time has come, or just everybody; tells whether one of them was a `shutdown()`.
pub(super) fn answer(flushes: &mut Flushes, traffic: &mut Traffic, all: bool) -> bool {
    let settled = traffic.own.stream.settled();
    let answered = flushes.answer(traffic.now.mono, settled, all);
    for waiter in &answered {
        let account = &mut traffic.account;
        let pending = traffic.own.stream.log.tracked() as u32;
        let report = Report::Flushed {
            id: waiter.id,
            delivered: account.delivered().saturating_sub(waiter.delivered) as u32,
            pending,
            dropped: account.dropped().saturating_sub(waiter.dropped) as u32,
        };
        account.report(report);
    }
    answered.iter().any(|waiter| waiter.shutdown)
}
