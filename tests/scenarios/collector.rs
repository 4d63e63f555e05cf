//! A collector that does as it is told, and else stores: once per idempotency key, as the real one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sendoff::engine::io::{Means, Nature, Outcome, RequestId, RetryAfter};
use serde_json::{Value, json};

/// One request that left a tab.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// World time, in milliseconds.
    pub(crate) at: u64,
    /// The tab that sent it; not always the one that tracked its events.
    pub(crate) by: usize,
    pub(crate) id: RequestId,
    pub(crate) means: Means,
    pub(crate) url: String,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The sealed batch's id; empty in a receipt query.
    pub(crate) fn batch_id(&self) -> String {
        self.json()["batchId"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether it carries metrics, not events.
    pub(crate) fn is_metrics(&self) -> bool {
        self.json()["metrics"].is_array()
    }

    pub(crate) fn is_query(&self) -> bool {
        self.json()["receipts"].is_array()
    }

    /// Numbers of the events in it.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        let body = self.json();
        let events = body["events"].as_array().unwrap().iter();
        events.map(|event| event["seq"].as_u64().unwrap()).collect()
    }

    /// Names of the events in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let body = self.json();
        let events = body["events"].as_array().unwrap().iter();
        events
            .map(|event| event["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// What the collector, or the network before it, does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Stores it: 200.
    Ok,
    /// Answers this without storing.
    Status(u16),
    /// The same, in these words.
    #[cfg(feature = "destinations")]
    Says(u16, &'static str),
    /// The same as a status, with `Retry-After`.
    After(u16, RetryAfter),
    /// Stores it all but these events, by index, as the real one does with invalid ones.
    Refusing(Vec<usize>),
    /// It never arrives.
    Network,
    /// It is stored, but the connection breaks before the answer.
    Lost,
    /// No answer until the story gives one.
    Hang,
}

/// See the top of this file.
#[derive(Default)]
pub(crate) struct Collector {
    /// Answers to the next requests, in order.
    pub(crate) script: VecDeque<Answer>,
    /// What it answers when there is no script.
    pub(crate) rule: Option<fn(&Sent) -> Answer>,
    /// Who answers what does not go to the collector.
    #[cfg(feature = "destinations")]
    pub(crate) vendors: crate::vendors::Vendors,
    stored: BTreeMap<String, Value>,
    batches: BTreeSet<String>,
    /// What each tab explained as given up.
    tombstones: Vec<(String, u64, u64, String)>,
    /// Values of metrics, by tab and number.
    pub(crate) metrics: BTreeMap<(String, u64), Value>,
    /// Copies of events it already had.
    pub(crate) duplicates: usize,
}

impl Collector {
    pub(crate) fn decide(&mut self, sent: &Sent) -> Answer {
        #[cfg(feature = "destinations")]
        if let Some(answer) = self.vendors.answer(sent) {
            return answer;
        }
        let scripted = self.script.pop_front();
        scripted.unwrap_or_else(|| self.rule.map_or(Answer::Ok, |rule| rule(sent)))
    }

    /// Carries an answer out; `None` while it hangs.
    pub(crate) fn perform(&mut self, sent: &Sent, answer: &Answer) -> Option<Outcome> {
        let status = |code, retry_after: Option<RetryAfter>, body| {
            Some(Outcome::Status {
                code,
                retry_after,
                body,
                nature: Nature::Plain,
            })
        };
        match answer {
            Answer::Ok => status(200, None, Some(self.store(sent, &[]))),
            Answer::Refusing(indices) => status(200, None, Some(self.store(sent, indices))),
            Answer::Status(code) => status(*code, None, None),
            #[cfg(feature = "destinations")]
            Answer::Says(code, words) => status(*code, None, Some((*words).to_owned())),
            Answer::After(code, when) => status(*code, Some(*when), None),
            Answer::Network => Some(Outcome::Network),
            Answer::Lost => {
                self.store(sent, &[]);
                Some(Outcome::Network)
            }
            Answer::Hang => None,
        }
    }

    /// Takes a body in; returns the answer's.
    pub(crate) fn store(&mut self, sent: &Sent, refused: &[usize]) -> String {
        let body = sent.json();
        if let Some(asked) = body["receipts"].as_array() {
            let known = asked
                .iter()
                .filter(|id| self.batches.contains(id.as_str().unwrap()));
            return json!({"accepted": 0, "known": known.collect::<Vec<_>>()}).to_string();
        }
        if let Some(metrics) = body["metrics"].as_array() {
            for metric in metrics {
                let tab = body["tab"].as_str().unwrap().to_owned();
                let seq = metric["seq"].as_u64().unwrap();
                self.metrics.insert((tab, seq), metric["value"].clone());
            }
            return json!({"accepted": metrics.len(), "rejected": []}).to_string();
        }
        if self.batches.insert(sent.batch_id()) {
            self.note_tombstones(&body);
        }
        let events = body["events"].as_array().unwrap();
        for (index, event) in events.iter().enumerate() {
            let key = event["idempotencyKey"].as_str().unwrap().to_owned();
            let mut event = event.clone();
            event["tab"] = body["tab"].clone();
            if !refused.contains(&index) && self.stored.insert(key, event).is_some() {
                self.duplicates += 1;
            }
        }
        let rejected: Vec<Value> = refused
            .iter()
            .map(|index| json!({"index": index, "error": "name_invalid", "message": "no"}))
            .collect();
        json!({"accepted": events.len() - refused.len(), "rejected": rejected}).to_string()
    }

    fn note_tombstones(&mut self, body: &Value) {
        let tab = body["tab"].as_str().unwrap();
        for dropped in body["dropped"].as_array().into_iter().flatten() {
            let number = |name: &str| dropped[name].as_u64().unwrap();
            let reason = dropped["reason"].as_str().unwrap().to_owned();
            let tombstone = (tab.to_owned(), number("from"), number("to"), reason);
            self.tombstones.push(tombstone);
        }
    }

    /// What a tab explained as given up: first and last number, and why.
    pub(crate) fn tombstones_of(&self, tab: &str) -> Vec<(u64, u64, String)> {
        let own = self.tombstones.iter().filter(|(of, ..)| of == tab);
        own.map(|(_, from, to, reason)| (*from, *to, reason.clone()))
            .collect()
    }

    /// Numbers of a tab's stored events, in order.
    pub(crate) fn seqs_of(&self, tab: &str) -> Vec<u64> {
        let mut seqs: Vec<u64> = self
            .stored
            .values()
            .filter(|event| event["tab"] == tab)
            .map(|event| event["seq"].as_u64().unwrap())
            .collect();
        seqs.sort_unstable();
        seqs
    }
}
