//! What a follower hands to its leader: each event once, and for every destination the next sealed batch.

use crate::{
    journal::{
        cursor::{Cursor, Telling},
        seal::Seal,
        stream::Stream,
    },
    model::ids::TabId,
    tabs::{
        peer::{Named, Offer, Origin},
        replicas::name,
    },
};

/// Times that a leader may say that it has not all of a batch, before this tab sends it itself.
const MISSES_MAX: u8 = 3;

/// What this tab's leader has had so far.
#[derive(Debug, Default)]
pub struct Shipping {
    leader: Option<TabId>,
    /// Events up to this one have been handed over.
    shipped_to: u64,
    /// The latest offer for each destination: its lane, its stamp, and whether all events went along.
    latest: Vec<(usize, u32, bool)>,
    /// Times in a row that something was missing though all had gone along.
    misses: u8,
}

impl Shipping {
    /// What is to be said to the leader about a sealed batch, with the events that it has not had.
    pub fn offer(
        &mut self,
        own: &Stream,
        leader: TabId,
        lane: usize,
        seal: &Seal,
    ) -> Option<Offer> {
        if self.leader != Some(leader) {
            *self = Self {
                leader: Some(leader),
                ..Self::default()
            };
        }
        let cursor = own.cursors.get(lane)?;
        let from = self.shipped_to + 1;
        let events = own.log.range(from, seal.to).iter().map(|entry| {
            let page = own.log.page_text(entry.page).to_owned();
            (entry.seq, page, entry.text.clone())
        });
        let offer = Offer {
            batch: name(&cursor.destination, seal),
            encoder: cursor.encoder.clone(),
            at: seal.at,
            count: cursor.count(&own.log, seal.from, seal.to) as u64,
            maybe_sent: seal.way.maybe_sent,
            gaps: cursor.gaps_of(Telling::Of(seal.from)),
            settled: own.settled(),
            done: done_before(cursor, seal.to),
            origin: (self.shipped_to == 0).then(|| Origin {
                sdk: own.log.sdk.clone(),
                context: own.log.context.clone(),
                owed: own.owed(),
            }),
            events: events.collect(),
        };
        self.latest.retain(|(of, ..)| *of != lane);
        self.latest.push((lane, seal.stamp, self.shipped_to == 0));
        self.shipped_to = self.shipped_to.max(seal.to);
        Some(offer)
    }

    /// The leader has not got everything of an offer. Unless that was overtaken by a later one, all is to be handed
    /// over again; tells whether that has been in vain too often.
    pub fn on_missing(&mut self, lane: usize, stamp: u32) -> Option<bool> {
        let mut latest = self.latest.iter();
        let (.., whole) = *latest.find(|(of, is, _)| (*of, *is) == (lane, stamp))?;
        self.shipped_to = 0;
        self.misses = self.misses.saturating_add(u8::from(whole));
        Some(self.misses > MISSES_MAX)
    }

    /// A batch that was handed over has ended.
    pub const fn on_settled(&mut self) {
        self.misses = 0;
    }
}

/// What is settled up to an event, or passes the destination by.
fn done_before(cursor: &Cursor, to: u64) -> Vec<(u64, u64)> {
    let ranges = cursor.done().ranges().iter();
    let before = ranges.filter(|(from, _)| *from <= to);
    before.map(|(from, end)| (*from, *end.min(&to))).collect()
}

/// Whether the leader, by what it says it holds, has a batch.
#[must_use]
pub fn holds(held: &[Named], destination: &str, seal: &Seal) -> bool {
    held.iter().any(|one| *one == name(destination, seal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{cursor::Owed, log::Log, segments::Journal},
        model::time::UnixMillis,
    };

    fn own() -> Stream {
        let tab = TabId::parse("00000000000000000001").unwrap();
        let mut log = Log::new(tab, "{}".into(), "{}".into());
        let page = log.page("{\"url\":\"/\"}");
        (0..20).for_each(|_| log.push(page, "{\"e\":1}".into()));
        let owed = ["own", "other"].map(|name| Owed {
            name: name.into(),
            encoder: "test/1",
            tells_gaps: true,
        });
        Stream::new(log, Journal::new("p", "t", 0), &owed)
    }

    fn offered(
        shipping: &mut Shipping,
        own: &Stream,
        leader: TabId,
        lane: usize,
        range: (u64, u64),
    ) -> Offer {
        let seal = Seal::new(range.0, range.1, UnixMillis(1), 7);
        shipping.offer(own, leader, lane, &seal).unwrap()
    }

    #[test]
    fn each_event_is_handed_over_once_whatever_the_number_of_destinations() {
        let (own, mut shipping) = (own(), Shipping::default());
        let leader = TabId::parse("000000000000000000ff").unwrap();
        let first = offered(&mut shipping, &own, leader, 0, (1, 10));
        assert_eq!((first.events.len(), first.origin.is_some()), (10, true));
        let second = offered(&mut shipping, &own, leader, 1, (1, 12));
        assert_eq!((second.events.len(), second.origin.is_some()), (2, false));
        assert_eq!(shipping.on_missing(1, 8), None, "of an earlier offer");
        assert_eq!(shipping.on_missing(1, 7), Some(false));
        assert_eq!(
            offered(&mut shipping, &own, leader, 1, (1, 12))
                .events
                .len(),
            12
        );
        let next = TabId::parse("000000000000000000fe").unwrap();
        assert_eq!(
            offered(&mut shipping, &own, next, 0, (1, 10)).events.len(),
            10
        );
    }

    #[test]
    fn a_leader_that_misses_something_every_time_is_given_up() {
        let (own, mut shipping) = (own(), Shipping::default());
        let leader = TabId::parse("000000000000000000ff").unwrap();
        let miss = |shipping: &mut Shipping| {
            offered(shipping, &own, leader, 0, (1, 10));
            shipping.on_missing(0, 7)
        };
        let misses: Vec<_> = (0..4).map(|_| miss(&mut shipping)).collect();
        assert_eq!(misses, [Some(false), Some(false), Some(false), Some(true)]);
        shipping.on_settled();
        assert_eq!(miss(&mut shipping), Some(false));
    }
}
