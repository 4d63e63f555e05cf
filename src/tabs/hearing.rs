//! What another tab says, and what follows from it.

use super::{Around, Tabs, Told, lane_of, note, reoffer, settled_word};
use crate::{
    journal::{seal::BatchRef, stream::Stream},
    model::{ending::Ending, ids::TabId},
    tabs::{
        election::Role,
        peer::{Message, Named, Offer, Says},
        replicas::{Ended, Reply},
        shipping::holds,
    },
};

impl Tabs {
    /// Another tab said something.
    pub fn hear(
        &mut self,
        message: &Message,
        own: &mut Stream,
        around: &mut Around<'_>,
    ) -> Vec<Told> {
        // What was due when this came in goes first: hearing it may move a deadline.
        self.on_due(around);
        let mut told = Vec::new();
        let (from, leads) = (message.from, self.election.role() == Role::Leader);
        match &message.says {
            Says::Bye { settled } => self.replicas.catch_up(from, settled, around.flies),
            _ => self.replicas.release(Some(from)),
        }
        // First of all: hearing it may make this tab yield, and then nobody could tell.
        if leads && let Says::Hello { settled } | Says::Ping { settled } = &message.says {
            self.repeat_ended(from, settled, &mut told);
        }
        self.election
            .on_message(around.now.mono, message, around.rng);
        let leads = self.election.role() == Role::Leader;
        let to_me = message.says.to() == Some(self.me);
        match &message.says {
            Says::Ping { .. } if leads => told.push(Told::Post(Says::Pong {
                to: from,
                tabs: self.count(),
                held: self.replicas.held_of(from),
            })),
            Says::Offer { offer, .. } if leads && to_me => {
                self.on_offer(from, offer, around, &mut told);
            }
            Says::Pong { held, .. } if to_me => reoffer(own, |seal, name| !holds(held, name, seal)),
            Says::Missing { batch, .. } if to_me => {
                let lane = lane_of(own, &batch.destination);
                let missed = lane.and_then(|lane| self.shipping.on_missing(lane, batch.stamp));
                if let Some(in_vain) = missed {
                    reoffer(own, |seal, _| seal.stamp == batch.stamp);
                    told.extend(lane.filter(|_| in_vain).map(Told::Declined));
                }
            }
            Says::Declined { destination, .. } if to_me => {
                reoffer(own, |_, name| name == destination);
                told.extend(lane_of(own, destination).map(Told::Declined));
            }
            Says::Sending { batch, .. } if to_me => note(own, batch, |seal| seal.way.flies = true),
            Says::Settled {
                batch,
                count,
                verdict,
                ..
            } if to_me => told.extend(self.on_settled(own, batch, *count, verdict)),
            Says::Visitor => told.push(Told::Visitor),
            Says::Withdrawn => told.push(Told::Withdrawn),
            _ => {}
        }
        told
    }

    fn on_offer(&mut self, from: TabId, offer: &Offer, around: &Around<'_>, told: &mut Vec<Told>) {
        let destination = offer.batch.destination.clone();
        match self
            .replicas
            .take_offer(from, offer, around.owed, |batch| around.flies.batch(batch))
        {
            Reply::Held | Reply::Busy => {}
            Reply::Ended => {
                let stamp = offer.batch.stamp;
                let ended = self.replicas.ended_of(from, |ended| {
                    ended.batch.stamp == stamp && ended.batch.destination == destination
                });
                told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
            }
            Reply::Missing => {
                // It may be that this tab has settled some of it, and its word got lost.
                let (from_seq, to_seq) = (offer.batch.from, offer.batch.to);
                let ended = self.replicas.ended_of(from, |ended| {
                    ended.batch.destination == destination
                        && ended.batch.from <= to_seq
                        && from_seq <= ended.batch.to
                });
                told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
                told.push(Told::Post(Says::Missing {
                    to: from,
                    batch: offer.batch.clone(),
                }));
            }
            Reply::Declined => told.push(Told::Post(Says::Declined {
                to: from,
                destination,
            })),
        }
    }

    fn on_settled(
        &mut self,
        own: &mut Stream,
        batch: &Named,
        count: u64,
        ending: &Ending,
    ) -> Option<Told> {
        let lane = lane_of(own, &batch.destination)?;
        self.shipping.on_settled();
        if *ending == Ending::Kept {
            note(own, batch, |seal| seal.way.flies = false);
            return Some(Told::Kept(lane));
        }
        let cursor = own.cursors.get(lane)?;
        if !batch.is_all_of(cursor, &own.log, count) {
            return None;
        }
        // A word that is repeated finds its batch cut anew, and nothing open that it ends: taken twice, it would undo
        // the new seal, whose offer would bring the word once more, and so on.
        if !batch.is_sealed_in(cursor) {
            let again = match ending {
                Ending::Delivered { again, .. } => again.as_slice(),
                _ => &[],
            };
            let open = cursor.events(&own.log, batch.from, batch.to);
            let ends = open.iter().any(|entry| !again.contains(&entry.seq));
            if !ends || *ending == Ending::TooLarge {
                return None;
            }
        }
        let batch = BatchRef {
            tab: self.me,
            lane,
            from: batch.from,
            to: batch.to,
            stamp: batch.stamp,
        };
        Some(Told::Settle(batch, ending.clone()))
    }

    /// Tells a tab again how its batches ended that go beyond what it knows to be settled.
    fn repeat_ended(&self, tab: TabId, settled: &[(String, u64)], told: &mut Vec<Told>) {
        let beyond = |ended: &Ended| {
            let known = settled
                .iter()
                .find(|(name, _)| *name == ended.batch.destination);
            known.is_none_or(|(_, upto)| ended.batch.to > *upto)
        };
        let ended = self.replicas.ended_of(tab, beyond);
        told.extend(ended.map(|ended| Told::Post(settled_word(ended))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{cursor::Owed, log::Log, seal::Seal, segments::Journal},
        model::time::UnixMillis,
    };

    fn own(me: TabId) -> Stream {
        let mut log = Log::new(me, "{}".into(), "{}".into());
        (0..5).for_each(|_| log.push(0, "{\"e\":1}".into()));
        let owed = [Owed {
            name: "own".into(),
            encoder: "test/1",
            tells_gaps: true,
        }];
        Stream::new(log, Journal::new("p", "t", 0), &owed)
    }

    fn delivered(again: &[u64]) -> Ending {
        Ending::Delivered {
            refused: Vec::new(),
            again: again.to_vec(),
        }
    }

    #[test]
    fn a_word_that_is_repeated_undoes_no_newer_batch() {
        let me = TabId::parse("00000000000000000001").unwrap();
        let (mut tabs, mut own) = (Tabs::new(me, true, "p"), own(me));
        let of = |from, to, stamp| Named {
            destination: "own".into(),
            from,
            to,
            stamp,
        };
        // Events 2 and 3 have arrived, as a batch that is cut anew by now, from the first to the last that is open.
        own.cursors[0].restore_done(2, 3);
        own.cursors[0].adopt(Seal::new(1, 5, UnixMillis(1), 7));
        let mut hear = |batch: Named, ending: Ending| {
            let count = batch.to - batch.from + 1;
            tabs.on_settled(&mut own, &batch, count, &ending).is_some()
        };
        assert!(!hear(of(2, 3, 1), delivered(&[])));
        assert!(!hear(of(1, 3, 1), delivered(&[1])));
        assert!(!hear(of(4, 5, 1), Ending::TooLarge));
        assert!(hear(of(4, 5, 1), delivered(&[])), "that is news");
        assert!(hear(of(1, 5, 7), Ending::TooLarge));
    }
}
