//! How a request is made, and by which means it leaves.

use super::{Delivery, Effect, Moment};
use crate::{
    delivery::flights::{Cargo, Flight},
    journal::{
        cursor::Telling,
        lot::{Lot, Rights},
        seal::BatchRef,
    },
    model::request::{Means, Request, RequestId, Why},
    wire::{self, NO_SEND_TIME, Route},
};

impl Delivery {
    pub(super) fn ask(
        &mut self,
        at: &Moment<'_>,
        lots: &[Lot<'_>],
        index: usize,
        batches: Vec<BatchRef>,
        out: &mut Vec<Effect>,
    ) {
        let Some(own) = lots.iter().find(|lot| lot.rights == Rights::Own) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        let ids: Vec<String> = batches.iter().map(BatchRef::id).collect();
        let Some(body) = lane
            .format()
            .ask(&own.stream.log.source(), at.now.wall, &ids)
        else {
            // The dialect has no such question: what is in doubt is sent again, under the same keys.
            lane.mute = true;
            return;
        };
        // A plain fetch in flight would cost a page that leaves its back/forward cache in Firefox.
        let means = if lane.gate.has_failed() || !self.rules.has_keepalive {
            Means::Fetch
        } else {
            Means::Keepalive
        };
        let cargo = (Cargo::Question(batches), Vec::new());
        self.depart(
            at,
            index,
            Route::default(),
            cargo,
            (means, Why::Asks),
            body,
            false,
            out,
        );
    }

    /// Sends a sealed batch by the strongest means that the budget leaves.
    pub(super) fn send(
        &mut self,
        at: &Moment<'_>,
        lots: &mut [Lot<'_>],
        batch: &BatchRef,
        means: Means,
        why: Why,
        out: &mut Vec<Effect>,
    ) {
        let Some(lot) = lots.iter_mut().find(|lot| lot.stream.tab() == batch.tab) else {
            return;
        };
        let Some((seal, _)) = lot.stream.seal_of(batch) else {
            return;
        };
        lot.stream.note(batch, |seal| {
            // Of what is sent now nobody may be there to see the answer.
            seal.way.maybe_sent |= at.leaving;
            seal.way.sent = true;
        });
        let Some(lane) = self.lanes.get(batch.lane) else {
            return;
        };
        let telling = Telling::Of(batch.from);
        let body = lot
            .stream
            .body(batch.lane, &seal, telling, lane.format(), at.now.wall);
        let route = lot.stream.route(batch.lane, &seal, lane.format());
        let rights = lot.rights;
        if rights == Rights::Own {
            self.withdraw(Some(batch.lane), batch.from, batch.to, out);
        }
        let repeated = seal.way.sent && why != Why::NextMeans;
        let means = self.means(at, means, &body, seal.way.sent);
        let cargo = (Cargo::Batch(*batch), lot.stream.seqs_of(batch));
        self.depart(
            at,
            batch.lane,
            route,
            cargo,
            (means, why),
            body,
            repeated,
            out,
        );
        if rights == Rights::Offered {
            out.push(Effect::Flies(*batch));
        }
    }

    /// The budget is shared with the page's own requests, and over it a keepalive fetch rejects like any network
    /// error: while the page lives, a repeat goes without.
    fn means(&self, at: &Moment<'_>, wanted: Means, body: &str, repeated: bool) -> Means {
        let fits = body.len() <= self.flights.keepalive_room();
        match wanted {
            _ if !fits || repeated && !at.leaving => Means::Fetch,
            // A browser that does not know it ends such a request with the page (Firefox 79 to 132).
            Means::Keepalive if !self.rules.has_keepalive && at.leaving => Means::Beacon,
            Means::Keepalive if !self.rules.has_keepalive => Means::Fetch,
            wanted => wanted,
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn depart(
        &mut self,
        at: &Moment<'_>,
        lane: usize,
        route: Route,
        (cargo, seqs): (Cargo, Vec<u64>),
        (means, why): (Means, Why),
        body: String,
        repeated: bool,
        out: &mut Vec<Effect>,
    ) {
        let (id, bytes) = (self.flights.name(), body.len());
        let Some((request, lane)) = self.request(at, id, lane, route, means, why, body) else {
            return;
        };
        let timeout_ms = self.lanes.get_mut(lane).map_or(0, |lane| {
            lane.on_send(at.now.mono);
            lane.sizing.timeout_ms()
        });
        self.flights.depart(Flight {
            id,
            lane,
            cargo,
            means,
            why,
            left_at: at.now.mono,
            deadline: at.now.mono + timeout_ms,
            bytes,
            seqs,
        });
        out.push(Effect::Send {
            request,
            lane,
            repeated,
        });
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn request(
        &self,
        at: &Moment<'_>,
        id: RequestId,
        lane: usize,
        route: Route,
        means: Means,
        why: Why,
        body: String,
    ) -> Option<(Request, usize)> {
        // The browser sends a deferred request when it likes.
        let sent_at = if means == Means::Deferred {
            NO_SEND_TIME
        } else {
            at.now.wall
        };
        let format = self.lanes.get(lane)?.format();
        let mut request = wire::request(format, route, sent_at, (id, means, why), body);
        // It takes a moment, which a page that is being left has not.
        let hurries = at.leaving || matches!(why, Why::Hidden | Why::LastWords | Why::InCase);
        if self.rules.gzip && !hurries {
            request.gzip = format.gzip();
        }
        Some((request, lane))
    }
}
