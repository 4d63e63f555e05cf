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
    model::{gap::Gap, ids::TabId, time::UnixMillis},
    text::{
        fields::join,
        json::{push_string, push_timestamp, push_u64},
    },
    wire::native::push_dropped,
};

/// Where metrics go that are sent beside events to `endpoint`: its last part is another.
#[must_use]
pub fn endpoint_beside(endpoint: &str) -> String {
    let path = endpoint.split(['?', '#']).next().unwrap_or("");
    match path.rfind('/') {
        Some(at) => join(&[path.get(..at).unwrap_or(""), "/metrics"]),
        None => "metrics".to_owned(),
    }
}

/// The body of a request. `samples`: each with its number, in order.
#[must_use]
pub fn encode(
    api_key: &str,
    tab: TabId,
    at: UnixMillis,
    gaps: &[Gap],
    samples: &[(u64, String)],
) -> String {
    let tab = tab.text();
    let mut out = "{\"sentAt\":\"".to_owned();
    push_timestamp(&mut out, at);
    out.push('"');
    if let (Some((from, _)), Some((to, _))) = (samples.first(), samples.last()) {
        out.push_str(",\"batchId\":\"");
        out.push_str(&tab);
        out.push_str(":m");
        push_u64(&mut out, *from);
        out.push('-');
        push_u64(&mut out, *to);
        out.push('"');
    }
    out.push_str(",\"apiKey\":");
    push_string(&mut out, api_key);
    out.push_str(",\"tab\":");
    push_string(&mut out, &tab);
    push_dropped(&mut out, gaps);
    out.push_str(",\"metrics\":[");
    for (index, (seq, text)) in samples.iter().enumerate() {
        out.push_str(if index == 0 {
            "{\"seq\":"
        } else {
            ",{\"seq\":"
        });
        push_u64(&mut out, *seq);
        out.push(',');
        out.push_str(text.strip_prefix('{').unwrap_or(text));
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::drop_reason::DropReason;

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
        let samples = [
            (3, "{\"name\":\"a\"}".to_owned()),
            (4, "{\"name\":\"b\"}".to_owned()),
        ];
        let tab = TabId::parse("00000000000000000001").unwrap();
        let body = encode("k\"", tab, UnixMillis(0), &[gap], &samples);
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
