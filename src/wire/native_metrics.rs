//! sendoff's own format for metrics: one JSON envelope a request, at an address of its own.
//!
//! ```json
//! {"sentAt":"…","batchId":"<tab>:m1-20","apiKey":"…","tab":"…",
//!  "dropped":[{"from":21,"to":30,"reason":"overflow"}],
//!  "metrics":[{"seq":1,"name":"…","type":"gauge","value":1.5,"unit":"ms","tags":{…},"timestamp":"…",
//!              "traceId":"…","spanId":"…"}]}
//! ```
//!
//! Metrics have numbers of their own, apart from those of events. Unit, tags and span are left out where there are none.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{join, up_to},
        json::{push_string, push_timestamp, push_u64},
        view::EventView,
    },
    wire::{
        Answer, Batch, Format, Limits, Route, Target, Verdict,
        native::{Native, push_dropped},
    },
};

/// Bytes around metrics and gaps: key, tab and times among them.
const OVERHEAD_BYTES: usize = 256;
/// Bytes that a metric's number takes.
const SEQ_BYTES: usize = 32;

/// Where metrics go that are sent beside events to `endpoint`: its last part is another.
#[must_use]
pub fn endpoint_beside(endpoint: &str) -> String {
    let path = up_to(endpoint, b"?#");
    match path.rfind('/') {
        Some(at) => join(&[path.get(..at).unwrap_or(""), "/metrics"]),
        None => "metrics".to_owned(),
    }
}

/// See the module. A batch's events are metrics; addresses and answers are as for events.
#[derive(Clone, Debug)]
pub struct NativeMetrics {
    native: Native,
    api_key: String,
}

impl NativeMetrics {
    /// For a collector.
    #[must_use]
    pub fn new(endpoint: &str, api_key: &str) -> Self {
        Self {
            native: Native::new(endpoint, api_key),
            api_key: api_key.to_owned(),
        }
    }
}

impl Format for NativeMetrics {
    fn encoder(&self) -> &'static str {
        "native-metrics/1"
    }

    fn tells_gaps(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        Limits {
            overhead_bytes: OVERHEAD_BYTES + self.api_key.len(),
            event_overhead_bytes: SEQ_BYTES,
            ..self.native.limits()
        }
    }

    fn route(&self, metric: &EventView<'_>) -> Option<Route> {
        self.native.route(metric)
    }

    fn target(&self, route: Route, now: UnixMillis) -> Target {
        self.native.target(route, now)
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = "{\"sentAt\":\"".to_owned();
        push_timestamp(&mut out, batch.sealed_at.0);
        out.push_str("\",\"batchId\":");
        push_string(&mut out, batch.id);
        out.push_str(",\"apiKey\":");
        push_string(&mut out, &self.api_key);
        out.push_str(",\"tab\":");
        push_string(&mut out, &batch.source.tab.text());
        push_dropped(&mut out, batch.gaps);
        out.push_str(",\"metrics\":[");
        for (index, metric) in batch.events.iter().enumerate() {
            out.push_str(if index == 0 {
                "{\"seq\":"
            } else {
                ",{\"seq\":"
            });
            push_u64(&mut out, metric.seq);
            out.push(',');
            out.push_str(metric.text.strip_prefix('{').unwrap_or(&metric.text));
        }
        out.push_str("]}");
        out
    }

    fn read_answer(&self, metrics: usize, answer: &Answer<'_>) -> Verdict {
        self.native.read_answer(metrics, answer)
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        self.native.is_dialect(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{drop_reason::DropReason, event::Entry, gap::Gap, ids::TabId},
        wire::Source,
    };

    #[test]
    fn metrics_go_beside_the_events() {
        for (events, metrics) in [
            ("/api/v1/ingest/batch", "/api/v1/ingest/metrics"),
            (
                "https://c.example/in/batch?x=/1#y",
                "https://c.example/in/metrics",
            ),
            ("batch", "metrics"),
        ] {
            assert_eq!(endpoint_beside(events), metrics);
        }
    }

    #[test]
    fn a_body_has_numbers_gaps_and_metrics() {
        let gap = Gap {
            from: 1,
            to: 2,
            reason: DropReason::Overflow,
        };
        let metric = |seq, text: &str| Entry {
            seq,
            page: 0,
            text: text.to_owned(),
        };
        let body = NativeMetrics::new("/in", "k\"").encode(&Batch {
            id: "00000000000000000001:m3-4",
            source: Source {
                tab: TabId::parse("00000000000000000001").unwrap(),
                sdk: "{}",
                context: "{}",
                pages: &[],
            },
            sealed_at: UnixMillis(0),
            sent_at: UnixMillis(9),
            route: Route::default(),
            gaps: &[gap],
            events: &[metric(3, "{\"name\":\"a\"}"), metric(4, "{\"name\":\"b\"}")],
        });
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let expected = serde_json::json!({
            "sentAt": "1970-01-01T00:00:00.000Z",
            "batchId": "00000000000000000001:m3-4",
            "apiKey": "k\"",
            "tab": "00000000000000000001",
            "dropped": [{"from": 1, "to": 2, "reason": "overflow"}],
            "metrics": [{"seq": 3, "name": "a"}, {"seq": 4, "name": "b"}],
        });
        assert_eq!(body, expected);
    }
}
