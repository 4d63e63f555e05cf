//! The events of a call, on their way into this tab's own stream.

use crate::{
    engine::{account::Notice, traffic::Traffic},
    intake::{
        Intake, IntakeContext, Taken,
        call::{Call, CallError},
    },
    model::{edits::edited, event::is_tracked, rng::Rng},
    text::{fields::fields, view::EventView},
    visitor::keeper::Keeper,
};

/// What a record of the facade asks for.
pub(super) fn take(
    intake: &mut Intake,
    keeper: &mut Keeper,
    rng: &mut Rng,
    record: &str,
) -> Result<Taken, CallError> {
    let call = Call::parse(record)?;
    let visitor = keeper.visitor_mut();
    intake.take(&call, &mut IntakeContext { visitor, rng })
}

/// Adds the events of a call; tells whether what waits is to go at once. `bytes_max`: of one request.
pub(super) fn record(
    traffic: &mut Traffic,
    intake: &Intake,
    taken: &Taken,
    bytes_max: usize,
) -> bool {
    if taken.personal {
        traffic.account.notice(Notice::PersonalData);
    }
    if taken.sampled_out {
        traffic.account.sample_out();
    }
    let Traffic {
        own,
        delivery,
        account,
        now,
        ..
    } = traffic;
    for draft in &taken.drafts {
        let text = draft.encode(own.tab(), own.stream.log.next_seq());
        if text.len() + delivery.overhead_bytes(&own.stream) > bytes_max {
            account.refuse(CallError::EventTooLarge, "");
            continue;
        }
        let event = EventView::of(&text);
        let counts = is_tracked(&event);
        let mut takes = delivery.takers(&event);
        for (lane, takes) in delivery.lanes.iter().zip(&mut takes) {
            if !*takes {
                continue;
            }
            let asked =
                counts && fields(&taken.not_for, b' ').any(|name| name == lane.destination.name);
            if asked || lane.destination.marketing && !intake.has_marketing() {
                *takes = false;
                own.withhold();
                continue;
            }
            let edited = edited(&text, &lane.destination.name);
            let refused = lane.format().refuses(&EventView::of(&edited), now.wall);
            if counts {
                account.accept(lane.index);
            }
            if let Some(reason) = refused {
                *takes = false;
                own.withhold();
                account.drop(lane.index, reason, usize::from(counts));
            }
        }
        own.push(text, |lane| takes.get(lane).copied().unwrap_or(false));
    }
    taken.urgent
}
