//! Last words: what goes out when a page is hidden or left.
//!
//! Every tab speaks its own. Nobody may be relied on to send for a tab that goes: all tabs of a window, and a
//! frame and its page, often end together. With its own a tab sends what it has taken over from tabs that
//! are gone; what living ones handed to it they send themselves.

use crate::{
    delivery::{flights::Flights, lane::Lane},
    journal::{
        cursor::Telling,
        lot::{Lot, Rights},
        seal::BatchRef,
        stream::Cut,
    },
    model::time::UnixMillis,
};

/// How the page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// It is hidden, and may never be heard of again, or come back in a second.
    Hidden,
    /// It is being left.
    Leaving,
}

/// The next batch of a stream that goes out with the page, sealed, and whether that is new; of so many bytes at most.
pub fn next_batch(
    going: Going,
    lane: &Lane,
    lot: &mut Lot<'_>,
    flights: &Flights,
    room: usize,
    batch_events: usize,
    wall: UnixMillis,
) -> Option<(BatchRef, bool)> {
    if lot.rights == Rights::None || lot.rights == Rights::Offered && going == Going::Leaving {
        return None;
    }
    let (tab, index) = (lot.stream.tab(), lane.index);
    let seals = lot.stream.cursors.get(index)?.seals();
    let waits = |batch: &BatchRef| !flights.carry(batch);
    let goes = seals.iter().find(|seal| {
        let offered = match going {
            Going::Hidden => (lot.rights == Rights::Offered) == seal.way.offered,
            // The leader has said which of those that it holds are under way.
            Going::Leaving => !seal.way.flies,
        };
        // What was sent in doubt is not sent again on the way out.
        let doubted = seal.way.maybe_sent && seal.way.sent && !seal.way.offered;
        offered && !doubted && waits(&seal.batch(tab, index))
    });
    if let Some(seal) = goes.copied() {
        let telling = Telling::Of(seal.from);
        let body = lot.stream.body(index, &seal, telling, lane.format(), wall);
        return (body.len() <= room).then(|| (seal.batch(tab, index), false));
    }
    if lot.rights == Rights::Offered {
        return None;
    }
    let cut = Cut {
        bytes: room.min(lane.sizing.bytes()),
        strict: true,
        ..lane.cut(batch_events)
    };
    let seal = lot.stream.seal_next(index, &cut, wall, &[])?;
    Some((seal.batch(tab, index), true))
}
