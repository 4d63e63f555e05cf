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
        fields::{owned, parse_u64, split_once, unquoted},
        view::EventView,
    },
    wire::{
        Answer, Batch, Format, Limits, Route, Target, Verdict,
        build::Writer,
        canonical::{Event, nanos},
        formats::{Settings, SettingsError},
        otlp::{Endpoint, attributes_of, read_answer},
        recipe::follow,
    },
};

/// A data point: when, of what, how much, and in which span.
macro_rules! points {
    ($value:literal) => {
        concat!(
            "[ dataPoints\nsince startTimeUnixNano\ntime timeUnixNano\nattributes attributes\n",
            $value,
            "\nexemplars exemplars\n]\n}"
        )
    };
}

const COUNTER: &str = concat!(
    "{ sum\n=1 aggregationTemporality\nmonotonic isMonotonic\n",
    points!("value asDouble")
);

const GAUGE: &str = concat!("{ gauge\n", points!("value asDouble"));

/// Upper bounds are those that OpenTelemetry's SDKs have by default.
const HISTOGRAM: &str = concat!(
    "{ histogram\n=1 aggregationTemporality\n",
    points!(
        "=1 count\nvalue sum\nvalue min\nvalue max\nbuckets bucketCounts\n\
        =[0,5,10,25,50,75,100,250,500,750,1000,2500,5000,7500,10000] explicitBounds"
    )
);

const BOUNDS: [u64; 15] = [
    0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

const EXEMPLAR: &str = "time timeUnixNano\nvalue asDouble\ntraceId traceId\nspanId spanId";

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
        let words = ["resourceMetrics", "scopeMetrics", "metrics"];
        self.to.body(&batch.source, words, |out| {
            for entry in batch.events {
                metric(out, Event::of(entry, &batch.source));
            }
        })
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        read_answer(events, answer, "rejectedDataPoints")
    }
}

fn metric(out: &mut Writer, mut sample: Event<'_>) {
    let value = owned(sample.find("value").unwrap_or("0"));
    let kind = owned(sample.find("type").map_or("", unquoted));
    let time = nanos(sample.unix_ms());
    let attributes = attributes_of(sample.find("tags").unwrap_or(""));
    sample.add("time", &time);
    sample.add("attributes", &attributes);
    if sample.find("traceId").is_some() {
        let exemplars = exemplars(&sample);
        sample.add("exemplars", &exemplars);
    }
    let recipe = match &*kind {
        "counter" => {
            // A counter that was ever decreased is none that only grows.
            let grows = !value.starts_with('-');
            sample.add("monotonic", if grows { "true" } else { "false" });
            COUNTER
        }
        "distribution" | "timing" => {
            sample.add("buckets", &buckets(&value));
            HISTOGRAM
        }
        _ => GAUGE,
    };
    if recipe != GAUGE {
        sample.add("since", &time);
    }
    out.begin();
    follow(out, &sample, "name name\nunit unit");
    follow(out, &sample, recipe);
    out.end();
}

/// The span that a sample was taken in.
fn exemplars(sample: &Event<'_>) -> String {
    let mut out = Writer::default();
    out.push("[");
    out.begin();
    follow(&mut out, sample, EXEMPLAR);
    out.end();
    out.push("]");
    out.done()
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
