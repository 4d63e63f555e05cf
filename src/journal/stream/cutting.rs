//! How batches are cut from a stream, and what is in them.

use super::{Cut, GAP_BYTES, PAGE_BYTES, Stream};
use crate::{
    journal::{cursor::Telling, seal::Seal},
    model::{drop_reason::DropReason, edits::edited, time::UnixMillis},
    text::view::EventView,
    wire::{Batch, Format, Route},
};

impl Stream {
    /// Seals a destination's next batch. `held` are batches that the browser holds already: one of the same
    /// contents is taken as it is. Where no event waits, a batch that only tells of gaps.
    pub fn seal_next(
        &mut self,
        lane: usize,
        cut: &Cut<'_>,
        at: UnixMillis,
        held: &[Seal],
    ) -> Option<Seal> {
        let cursor = self.cursors.get(lane)?;
        let range = match cursor.first_unsealed(&self.log) {
            Some(from) => (from, self.cut(lane, from, cut)?),
            None => cursor.gap_range(&self.log)?,
        };
        let seal = self.sealing(lane, range, at, Telling::Next, held)?;
        self.cursors.get_mut(lane)?.adopt(seal);
        Some(seal)
    }

    /// The oldest events that a destination would lose without a word if they were sent now, and why.
    #[must_use]
    pub fn late(
        &self,
        lane: usize,
        format: &dyn Format,
        now: UnixMillis,
    ) -> Vec<(u64, DropReason)> {
        let mut late = Vec::new();
        let Some(cursor) = self.cursors.get(lane) else {
            return late;
        };
        let mut seq = 0;
        while let Some(next) = cursor.first_after(&self.log, seq)
            && let Some(entry) = self.log.range(next, next).first()
        {
            let text = edited(&entry.text, &cursor.destination);
            let Some(reason) = format.refuses(&EventView::of(&text), now) else {
                break;
            };
            late.push((next, reason));
            seq = next;
        }
        late
    }

    /// The seal that a range would get: the one under which the browser holds it already, or a new one.
    #[must_use]
    pub fn sealing(
        &self,
        lane: usize,
        (from, to): (u64, u64),
        at: UnixMillis,
        telling: Telling,
        held: &[Seal],
    ) -> Option<Seal> {
        let cursor = self.cursors.get(lane)?;
        let same = |seal: &&Seal| {
            seal.spans(from, to) && cursor.stamp(&self.log, seal, telling) == seal.stamp
        };
        let held = held.iter().find(same).copied();
        Some(held.unwrap_or_else(|| cursor.sealing(&self.log, from, to, at, telling)))
    }

    /// The last event of a batch whose first one is `from`, and how it goes; unless the cut is strict, one event
    /// always fits: what could not was refused at the call.
    #[must_use]
    pub fn cut(&self, lane: usize, from: u64, cut: &Cut<'_>) -> Option<u64> {
        let cursor = self.cursors.get(lane)?;
        let limits = cut.format.limits();
        let bytes_max = cut.bytes.min(limits.bytes);
        let mut bytes = limits.overhead_bytes + self.log.sdk.len() + self.log.context.len();
        bytes += cursor.gaps_of(Telling::Next).len() * GAP_BYTES;
        let open = self.log.range(from, u64::MAX).iter();
        let open = open.filter(|entry| !cursor.done().has(entry.seq));
        let (mut last, mut first) = (None, None);
        for entry in open.take(cut.events.min(limits.events)) {
            let text = edited(&entry.text, &cursor.destination);
            let route = cut.format.route(&EventView::of(&text));
            let route = route.unwrap_or_default();
            let (page, first_route) = *first.get_or_insert((None, route));
            if route != first_route {
                break;
            }
            if page != Some(entry.page) {
                bytes += self.log.page_text(entry.page).len() + PAGE_BYTES;
                first = Some((page.or(Some(entry.page)), first_route));
            }
            bytes += text.len() + 1 + limits.event_overhead_bytes;
            if bytes > bytes_max && (cut.strict || last.is_some()) {
                break;
            }
            last = Some(entry.seq);
        }
        last
    }

    /// The body of a batch.
    #[must_use]
    pub fn body(
        &self,
        lane: usize,
        seal: &Seal,
        telling: Telling,
        format: &dyn Format,
        sent_at: UnixMillis,
    ) -> String {
        let Some(cursor) = self.cursors.get(lane) else {
            return String::new();
        };
        format.encode(&Batch {
            id: &seal.batch(self.tab(), lane).id(),
            source: self.log.source(),
            sealed_at: seal.at,
            sent_at,
            route: self.route(lane, seal, format),
            gaps: &cursor.gaps_of(telling),
            events: &cursor.events(&self.log, seal.from, seal.to),
        })
    }

    /// How a batch goes: all its events go the same way.
    #[must_use]
    pub fn route(&self, lane: usize, seal: &Seal, format: &dyn Format) -> Route {
        let cursor = self.cursors.get(lane);
        let first = cursor.map(|cursor| cursor.events(&self.log, seal.from, seal.to));
        let first = first.as_ref().and_then(|events| events.first());
        first
            .and_then(|first| format.route(&EventView::of(&first.text)))
            .unwrap_or_default()
    }
}
