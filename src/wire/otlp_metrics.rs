//! Metrics in OpenTelemetry's protocol: every sample is a data point of its own, so that nothing has to be
//! computed here, and numbers stay the text that the page's `JSON.stringify` wrote.
//!
//! A sample is `{"name":"…","value":1.5,"type":"counter","timestamp":"…","unit":"…","tags":{…},"traceId":"…",
//! "spanId":"…"}`, the last four left out where there is nothing to say. A counter becomes a delta sum, a gauge a
//! gauge, a distribution or timing a histogram of one. Counts are JSON numbers and points `asDouble`, as
//! OpenTelemetry's own JavaScript SDK writes them: there are receivers that lose strings without a word.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{parse_u64, split_once, unquoted},
        json::push_u64,
        view::{EventView, members},
    },
    wire::{
        Answer, Batch, Format, Limits, Route, Target, Verdict,
        build::{Writer, push_nanos},
        canonical::unix_ms,
        formats::{Settings, SettingsError},
        otlp::{Endpoint, attribute, read_answer},
    },
};

/// Temporality "delta".
const DELTA: u64 = 1;

/// Upper bounds of the buckets, those that OpenTelemetry's SDKs have by default.
const BOUNDS: [u64; 15] = [
    0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

/// The format `otlp_metrics`.
#[derive(Debug)]
pub(super) struct OtlpMetrics {
    to: Endpoint,
}

impl OtlpMetrics {
    /// Options: those of `otlp`.
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let to = Endpoint::new(settings, "/v1/metrics")?;
        Ok(Self { to })
    }
}

impl Format for OtlpMetrics {
    fn encoder(&self) -> &'static str {
        "otlp-metrics/1"
    }

    fn limits(&self) -> Limits {
        Limits {
            events: 1_000,
            bytes: 400_000,
            overhead_bytes: self.to.overhead_bytes(),
            event_overhead_bytes: 600,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route(0))
    }

    fn authorization(&self) -> Option<&str> {
        self.to.authorization()
    }

    fn target(&self, _: Route, _: UnixMillis) -> Target {
        self.to.target()
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let mut out = Writer::default();
        let words = ["resourceMetrics", "scopeMetrics", "metrics"];
        self.to.open(&mut out, &batch.source, words);
        for entry in batch.events {
            metric(&mut out, &EventView::of(&entry.text));
        }
        Endpoint::close(&mut out);
        out.done()
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        read_answer(events, answer, "rejectedDataPoints")
    }
}

fn metric(out: &mut Writer, sample: &EventView<'_>) {
    let value = sample.get("value").unwrap_or("0");
    out.begin();
    out.raw("name", sample.get("name").unwrap_or("\"\""));
    out.raw_if("unit", sample.get("unit"));
    match sample.get("type").map_or("", unquoted) {
        "counter" => {
            out.object("sum");
            out.number("aggregationTemporality", DELTA);
            // A counter that was ever decreased is none that only grows.
            let word = if value.starts_with('-') {
                "false"
            } else {
                "true"
            };
            out.raw("isMonotonic", word);
            open_point(out, sample, true);
            out.raw("asDouble", value);
        }
        "distribution" | "timing" => {
            out.object("histogram");
            out.number("aggregationTemporality", DELTA);
            open_point(out, sample, true);
            histogram_of_one(out, value);
        }
        _ => {
            out.object("gauge");
            open_point(out, sample, false);
            out.raw("asDouble", value);
        }
    }
    exemplar(out, sample, value);
    out.end("}]}}");
}

/// A data point up to its value.
fn open_point(out: &mut Writer, sample: &EventView<'_>, since: bool) {
    out.list("dataPoints");
    out.begin();
    if since {
        time(out, "startTimeUnixNano", sample);
    }
    time(out, "timeUnixNano", sample);
    out.list("attributes");
    for (name, value) in members(sample.get("tags").unwrap_or("")) {
        attribute(out, name, value);
    }
    out.end("]");
}

fn time(out: &mut Writer, name: &str, sample: &EventView<'_>) {
    out.key(name);
    push_nanos(
        out.text(),
        unix_ms(sample.get("timestamp").map_or("", unquoted)),
    );
}

fn histogram_of_one(out: &mut Writer, value: &str) {
    out.raw("count", "1");
    for name in ["sum", "min", "max"] {
        out.raw(name, value);
    }
    out.list("explicitBounds");
    for bound in BOUNDS {
        item(out, bound);
    }
    out.end("]");
    out.list("bucketCounts");
    let bucket = bucket_of(value);
    for index in 0..=BOUNDS.len() {
        item(out, u64::from(index == bucket));
    }
    out.end("]");
}

fn item(out: &mut Writer, number: u64) {
    out.value("");
    push_u64(out.text(), number);
}

/// The first bucket whose upper bound is not below a JSON number.
fn bucket_of(json: &str) -> usize {
    let above = |bound: &u64| json.starts_with('-') || !exceeds(json, *bound);
    BOUNDS.iter().position(above).unwrap_or(BOUNDS.len())
}

/// Whether a JSON number that is not negative is more than `bound`; in digits, without floating point. JavaScript
/// writes exponents from 1e21 on and below 1e-6.
fn exceeds(json: &str, bound: u64) -> bool {
    if let Some((_, exponent)) = split_once(json, b'e') {
        return if exponent.starts_with('-') {
            bound == 0
        } else {
            true
        };
    }
    let (whole, fraction) = split_once(json, b'.').unwrap_or((json, ""));
    let Some(whole) = parse_u64(whole) else {
        return true;
    };
    let more = fraction.bytes().any(|digit| digit != b'0');
    whole > bound || (whole == bound && more)
}

/// The span that a sample was taken in stands in an exemplar.
fn exemplar(out: &mut Writer, sample: &EventView<'_>, value: &str) {
    let Some(trace) = sample.get("traceId") else {
        return;
    };
    out.list("exemplars");
    out.begin();
    time(out, "timeUnixNano", sample);
    out.raw("asDouble", value);
    out.raw("traceId", trace);
    out.raw_if("spanId", sample.get("spanId"));
    out.end("}]");
}
