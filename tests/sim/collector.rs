//! The destinations' ends: each stores every event once and answers in its own dialect.

use std::collections::BTreeMap;

use crate::{
    bodies::Body,
    model::{Model, Tracked},
    places::{Dialect, PLACES},
    rng::{hash, mix},
};

/// One destination's tables.
#[derive(Default)]
pub(crate) struct Collector {
    /// Events that it declines one by one, out of a thousand; the same ones every time.
    pub(crate) declines: u64,
    /// Events that it wants once more, out of a thousand, each a few times at most.
    pub(crate) wants_again: u64,
    pub(crate) now: u64,
    pub(crate) batches: BTreeMap<String, u64>,
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
    /// Of these, those that the network is to blame for: what was stored before was not answered.
    pub(crate) excused: u64,
    /// Receipts known since somebody looked.
    pub(crate) known: u64,
}

/// What becomes of the events of a body.
#[derive(Default)]
struct Taken {
    accepted: u64,
    duplicates: u64,
    declined: Vec<usize>,
    again: Vec<usize>,
}

/// Times that an event is asked for again.
const AGAIN_MAX: u8 = 3;

impl Collector {
    /// Stores a body and gives the text of the answer. `troubled`: that answer will not be heard.
    pub(crate) fn take(&mut self, body: &Body, troubled: bool, model: &mut Model) -> String {
        let mut taken = Taken::default();
        for (index, seq) in body.seqs.iter().enumerate() {
            if let Some(event) = model.event(body.tab, *seq) {
                self.take_event(event, (index, body.place), troubled, &mut taken);
            }
        }
        for seq in body.dropped.iter().flat_map(|(from, to)| *from..=*to) {
            if let Some(fate) = model.fate(body.tab, seq, body.place) {
                fate.mourned = true;
            }
        }
        self.stored += taken.accepted;
        self.duplicates += taken.duplicates;
        match PLACES[body.place].dialect {
            Dialect::Native => self.native_answer(body, &taken),
            Dialect::TwoRoutes => String::new(),
            Dialect::Picky => format!(
                r#"{{"ok":{},"bad":{:?},"again":{:?}}}"#,
                taken.accepted, taken.declined, taken.again
            ),
        }
    }

    fn take_event(
        &mut self,
        event: &mut Tracked,
        (index, place): (usize, usize),
        troubled: bool,
        taken: &mut Taken,
    ) {
        let picky = PLACES[place].dialect == Dialect::Picky;
        let roll = hash(event.properties.as_bytes());
        let fate = &mut event.fates[place];
        if PLACES[place].dialect != Dialect::TwoRoutes && roll % 1_000 < self.declines {
            fate.declined = true;
            taken.declined.push(index);
            return;
        }
        let again = mix(roll ^ u64::from(fate.again)) % 1_000 < self.wants_again;
        if picky && again && fate.again < AGAIN_MAX && !fate.stored {
            fate.again += 1;
            taken.again.push(index);
            return;
        }
        if fate.stored {
            taken.duplicates += 1;
            self.excused += u64::from(fate.troubled);
        } else {
            taken.accepted += 1;
            fate.stored_at = self.now;
        }
        fate.stored = true;
        fate.troubled = troubled;
    }

    fn native_answer(&mut self, body: &Body, taken: &Taken) -> String {
        let Taken {
            accepted,
            duplicates,
            ..
        } = taken;
        let declined = taken.declined.iter();
        let rejected: Vec<String> = declined
            .map(|index| format!(r#"{{"index":{index},"error":"bad","message":"no \"]}} good"}}"#))
            .collect();
        let again = match &body.batch {
            Some(batch) => self.batches.insert(batch.clone(), body.hash).is_some(),
            None => false,
        };
        let mut answer = format!(
            r#"{{"accepted":{accepted},"duplicates":{duplicates},"duplicateBatch":{again},"rejected":[{}]"#,
            rejected.join(",")
        );
        if !body.receipts.is_empty() {
            answer.push_str(r#","known":["#);
            answer.push_str(&self.known(&body.receipts).join(","));
            answer.push(']');
        }
        answer.push('}');
        answer
    }

    fn known(&mut self, receipts: &[String]) -> Vec<String> {
        let known = receipts
            .iter()
            .filter(|batch| self.batches.contains_key(*batch));
        let known: Vec<_> = known.map(|batch| format!("\"{batch}\"")).collect();
        self.known += known.len() as u64;
        known
    }
}
