//! The collector: reads bodies, stores each idempotency key once, and answers receipt queries.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Model;
use crate::rng::hash;

/// A request body as the collector reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope<'a> {
    pub(crate) sent_at: &'a str,
    pub(crate) api_key: &'a str,
    pub(crate) tab: Option<&'a str>,
    pub(crate) batch_id: Option<&'a str>,
    #[serde(default)]
    pub(crate) dropped: Vec<Gap>,
    #[serde(borrow)]
    pub(crate) events: Vec<&'a RawValue>,
    #[serde(default)]
    pub(crate) receipts: Vec<String>,
}

/// A tombstone: numbers of events that were given up.
#[derive(Deserialize)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) reason: String,
}

/// One event as the collector reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEvent<'a> {
    pub(crate) idempotency_key: &'a str,
    pub(crate) seq: u64,
    pub(crate) name: String,
    pub(crate) user_id: Option<String>,
    pub(crate) timestamp: &'a str,
    #[serde(borrow)]
    pub(crate) properties: &'a RawValue,
}

/// What the world remembers of a body.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) hash: u64,
    pub(crate) bytes: usize,
    pub(crate) tab: usize,
    pub(crate) batch: Option<String>,
    /// The numbers of its events, ascending.
    pub(crate) seqs: Vec<u64>,
    pub(crate) dropped: Vec<(u64, u64)>,
    pub(crate) receipts: Vec<String>,
}

/// The collector's tables.
#[derive(Default)]
pub(crate) struct Collector {
    /// Events that it declines one by one, out of a thousand; the same ones every time.
    pub(crate) declines: u64,
    pub(crate) batches: BTreeMap<String, u64>,
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
    pub(crate) tombstones: u64,
    /// Receipts known since somebody looked.
    pub(crate) known: u64,
}

impl Collector {
    /// Stores a body and gives the text of the answer.
    pub(crate) fn take(&mut self, body: &Body, model: &mut Model) -> String {
        let (mut accepted, mut duplicates, mut rejected) = (0, 0, Vec::new());
        for (index, seq) in body.seqs.iter().enumerate() {
            let Some(event) = model.event(body.tab, *seq) else {
                continue;
            };
            if hash(event.properties.as_bytes()) % 1_000 < self.declines {
                event.declined = true;
                rejected.push(format!(
                    r#"{{"index":{index},"error":"bad","message":"no \"]}} good"}}"#
                ));
                continue;
            }
            let count = if event.stored {
                &mut duplicates
            } else {
                &mut accepted
            };
            *count += 1;
            event.stored = true;
        }
        for (from, to) in &body.dropped {
            self.tombstones += 1;
            for seq in *from..=*to {
                if let Some(event) = model.event(body.tab, seq) {
                    event.mourned = true;
                }
            }
        }
        self.stored += accepted;
        self.duplicates += duplicates;
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
