//! Metrics in OpenTelemetry's protocol: every sample is a data point of its own, so that nothing has to be
//! computed here, and numbers stay the text that the page's `JSON.stringify` wrote.
//!
//! A sample is `{"name":"…","value":1.5,"type":"counter","timestamp":"…","unit":"…","tags":{…},"traceId":"…",
//! "spanId":"…"}`, the last four left out where there is nothing to say. A counter becomes a delta sum, a gauge a
//! gauge, a distribution or timing a histogram of one. Counts are JSON numbers and points `asDouble`, as
//! OpenTelemetry's own JavaScript SDK writes them: there are receivers that lose strings without a word.

use crate::{
    text::fields::{owned, parse_u64, split_once, unquoted},
    wire::{
        build::Writer,
        canonical::Event,
        otlp::{COMMON, METRICS_ENVELOPE, read_answer},
        vendor::Dialect,
    },
};

const COUNTER: &str = "\
{ sum
=1 aggregationTemporality
grows isMonotonic
[ dataPoints
nanos startTimeUnixNano
value asDouble";

const GAUGE: &str = "\
{ gauge
[ dataPoints
value asDouble";

/// The bounds are those that OpenTelemetry's SDKs have by default.
const HISTOGRAM: &str = "\
{ histogram
=1 aggregationTemporality
[ dataPoints
nanos startTimeUnixNano
=1 count
value sum
value min
value max
=[0,5,10,25,50,75,100,250,500,750,1000,2500,5000,7500,10000] explicitBounds
buckets bucketCounts";

const BOUNDS: [u64; 15] = [
    0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

/// Behind the attributes, the span that a sample was taken in.
const TAIL: &str = "\
nanos timeUnixNano
@ attributes
*tags
}
!traceId
[ exemplars
nanos timeUnixNano
value asDouble
traceId traceId
spanId spanId";

/// The format `otlp_metrics`. Options: those of `otlp`.
pub(super) static OTLP_METRICS: Dialect = Dialect {
    encoder: "otlp-metrics/1",
    paths: &["/v1/metrics"],
    envelope: METRICS_ENVELOPE,
    list: "metrics",
    around: ["name name\nunit unit", TAIL],
    choose: Some(choose),
    read_answer: |events, answer| read_answer(events, answer, "rejectedDataPoints"),
    ..COMMON
};

fn choose(sample: &mut Event<'_>) -> &'static str {
    let value = owned(sample.find("value"));
    // A counter that was ever decreased is none that only grows.
    let grows = !value.starts_with('-');
    sample.add("grows", if grows { "true" } else { "false" });
    sample.add("buckets", &buckets(&value));
    match unquoted(sample.find("type")) {
        "counter" => COUNTER,
        "distribution" | "timing" => HISTOGRAM,
        _ => GAUGE,
    }
}

/// The counts of a histogram of one.
fn buckets(value: &str) -> String {
    let mut out = Writer::default();
    let bucket = bucket_of(value);
    out.push("[");
    for index in 0..=BOUNDS.len() {
        out.item(if index == bucket { "1" } else { "0" });
    }
    out.push("]");
    out.done()
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
