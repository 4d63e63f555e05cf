//! Configuration, parsed once: a value that is out of range or of the wrong type gives a named
//! error and the default is used, so a typo costs an option and never the events.

use crate::engine::io::Output;
use crate::engine::report::Report;
use crate::text::fields::{Fields, fields, join, owned, parse_u64, part};
use crate::text::json::push_u64;

/// Events cut into one batch at most, and the number of waiting events that triggers a flush.
pub const FLUSH_AT: u32 = 50;
/// Milliseconds that an event waits at most before a flush is tried.
pub const FLUSH_INTERVAL_MS: u32 = 2_000;
/// Events waiting at most; beyond it the oldest is dropped.
pub const MAX_QUEUE_SIZE: u32 = 10_000;
/// UTF-8 bytes of one request body at most. Below the 64 KiB that all `keepalive` requests of a page
/// share (Fetch standard, "HTTP-network-or-cache fetch", step on inflight keepalive bytes).
pub const MAX_PAYLOAD_BYTES: u32 = 60_000;
/// Delivery attempts of one batch in one go.
pub const MAX_RETRIES: u32 = 3;
/// Upper bound of the first backoff, in milliseconds; it doubles with each attempt.
pub const RETRY_BASE_DELAY_MS: u32 = 300;
/// Milliseconds without an answer after which a request counts as failed.
pub const TIMEOUT_MS: u32 = 5_000;
/// Bytes of localStorage (keys and values, UTF-8) taken at most.
pub const MAX_STORAGE_BYTES: u32 = 2 * 1024 * 1024;
/// Milliseconds after which an event found in storage is given up: 7 days.
pub const MAX_EVENT_AGE_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// Where batches are posted, on the page's own origin.
pub const ENDPOINT: &str = "/api/v1/ingest/batch";

/// How the tabs of one origin share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MultiTabMode {
    /// One elected tab sends for all.
    #[default]
    Leader,
    /// Every tab sends its own events; the elected tab only takes over what dead tabs left.
    Independent,
}

/// What the engine runs with. Units are in the names of the page's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Names the project at the collector. Empty: the client is inert.
    pub api_key: String,
    /// URL of the collector's batch endpoint.
    pub endpoint: String,
    /// See [`FLUSH_INTERVAL_MS`].
    pub flush_interval_ms: u32,
    /// See [`FLUSH_AT`].
    pub flush_at: u32,
    /// See [`FLUSH_AT`].
    pub max_batch_size: u32,
    /// See [`MAX_QUEUE_SIZE`].
    pub max_queue_size: u32,
    /// See [`MAX_PAYLOAD_BYTES`].
    pub max_payload_bytes: u32,
    /// See [`MAX_RETRIES`].
    pub max_retries: u32,
    /// See [`RETRY_BASE_DELAY_MS`].
    pub retry_base_delay_ms: u32,
    /// See [`TIMEOUT_MS`].
    pub timeout_ms: u32,
    /// No flush by interval: only by count, call and page events.
    pub disable_timer: bool,
    /// Whether the rest is sent when the page is hidden or left.
    pub auto_flush_on_exit: bool,
    /// See [`MAX_STORAGE_BYTES`].
    pub max_storage_bytes: u32,
    /// See [`MAX_EVENT_AGE_MS`].
    pub max_event_age_ms: u64,
    /// See [`MultiTabMode`].
    pub multi_tab_mode: MultiTabMode,
}

/// The options that are numbers, in the order in which they are read: name, default, least, greatest.
const NUMBERS: &str = "\
flushInterval 2000 50 3600000
flushAt 50 1 1000
maxBatchSize 50 1 1000
maxQueueSize 10000 1 100000
maxPayloadBytes 60000 4096 4000000
maxRetries 3 1 20
retryBaseDelayMs 300 1 60000
timeout 5000 100 120000
maxStorageBytes 2097152 0 5000000
maxEventAgeMs 604800000 1000 42949672950";

/// What is told of an option that is not what is expected.
#[must_use]
pub fn wrong_type(name: &str, expected: &str) -> Output {
    wrong("config_wrong_type", name, expected)
}

fn wrong(code: &'static str, name: &str, expected: &str) -> Output {
    let message = join(&[
        "config.",
        name,
        " must be ",
        expected,
        "; the default is used",
    ]);
    Output::Report(Report::Error { code, message })
}

impl Config {
    /// All defaults, with the given key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: owned(api_key),
            endpoint: owned(ENDPOINT),
            flush_interval_ms: FLUSH_INTERVAL_MS,
            flush_at: FLUSH_AT,
            max_batch_size: FLUSH_AT,
            max_queue_size: MAX_QUEUE_SIZE,
            max_payload_bytes: MAX_PAYLOAD_BYTES,
            max_retries: MAX_RETRIES,
            retry_base_delay_ms: RETRY_BASE_DELAY_MS,
            timeout_ms: TIMEOUT_MS,
            disable_timer: false,
            auto_flush_on_exit: true,
            max_storage_bytes: MAX_STORAGE_BYTES,
            max_event_age_ms: MAX_EVENT_AGE_MS,
            multi_tab_mode: MultiTabMode::Leader,
        }
    }

    /// Reads every option through `get`, which is called once for each name and gives the value as text
    /// behind the first letter of its type (`n2000`, `btrue`, `skey`), or nothing where there is none. A
    /// number is whole, and left out where it is none from zero upwards. What could not be used is to be
    /// told; the default is in force instead.
    #[must_use]
    pub fn parse(get: impl Fn(&str) -> Option<String>) -> (Self, Vec<Output>) {
        let mut read = Reader {
            get,
            numbers: fields(NUMBERS, b'\n'),
            errors: Vec::new(),
        };
        // Without one nothing is recorded, and it is the facade that says so: it starts no engine.
        let api_key = read.text("apiKey").unwrap_or_default();
        // The numbers in the order of their table.
        let config = Self {
            api_key,
            endpoint: read.text("endpoint").unwrap_or_else(|| owned(ENDPOINT)),
            flush_interval_ms: read.number() as u32,
            flush_at: read.number() as u32,
            max_batch_size: read.number() as u32,
            max_queue_size: read.number() as u32,
            max_payload_bytes: read.number() as u32,
            max_retries: read.number() as u32,
            retry_base_delay_ms: read.number() as u32,
            timeout_ms: read.number() as u32,
            max_storage_bytes: read.number() as u32,
            max_event_age_ms: read.number(),
            disable_timer: read.flag("disableTimer", false),
            auto_flush_on_exit: read.flag("autoFlushOnExit", true),
            multi_tab_mode: read.mode(),
        };
        (config, read.errors)
    }
}

struct Reader<G> {
    get: G,
    numbers: Fields<'static>,
    errors: Vec<Output>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    /// The next one of [`NUMBERS`], no larger than its maximum.
    fn number(&mut self) -> u64 {
        let mut line = fields(self.numbers.next().unwrap_or(""), b' ');
        let name = line.next().unwrap_or("");
        let mut limits = [0; 3];
        line.numbers(&mut limits);
        let [default, min, max] = limits;
        let Some(value) = (self.get)(name) else {
            return default;
        };
        let number = parse_u64(part(&value, 1, value.len()));
        let code = match number {
            _ if !value.starts_with('n') => "config_wrong_type",
            Some(number) if (min..=max).contains(&number) => return number,
            _ => "config_out_of_range",
        };
        let mut expected = owned("a number from ");
        push_u64(&mut expected, min);
        expected.push_str(" to ");
        push_u64(&mut expected, max);
        self.errors.push(wrong(code, name, &expected));
        default
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        match (self.get)(name).as_deref() {
            Some("btrue") => return true,
            Some("bfalse") => return false,
            Some(_) => self.wrong(name, "true or false"),
            None => {}
        }
        default
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = (self.get)(name)?;
        let text = part(&value, 1, value.len());
        if value.starts_with('s') && !text.is_empty() {
            return Some(owned(text));
        }
        self.wrong(name, "a non-empty string");
        None
    }

    fn mode(&mut self) -> MultiTabMode {
        match (self.get)("multiTabMode").as_deref() {
            Some("sindependent") => return MultiTabMode::Independent,
            Some("sleader") | None => {}
            Some(_) => self.wrong("multiTabMode", "\"leader\" or \"independent\""),
        }
        MultiTabMode::default()
    }

    fn wrong(&mut self, name: &str, expected: &str) {
        self.errors.push(wrong_type(name, expected));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, &str)]) -> (Config, Vec<(&'static str, String)>) {
        let (config, errors) = Config::parse(|name| {
            let found = values.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let told = errors.into_iter().map(|output| match output {
            Output::Report(Report::Error { code, message }) => (code, message),
            other => panic!("{other:?}"),
        });
        (config, told.collect())
    }

    #[test]
    fn an_empty_configuration_is_all_defaults() {
        assert_eq!(parse(&[]), (Config::new(""), vec![]));
    }

    #[test]
    fn a_bad_value_costs_only_itself() {
        let (config, errors) = parse(&[
            ("apiKey", "sk"),
            ("flushInterval", "n"),
            ("maxRetries", "s3"),
            ("timeout", "n250"),
            ("multiTabMode", "sboth"),
            ("disableTimer", "?"),
        ]);
        assert_eq!(
            config,
            Config {
                timeout_ms: 250,
                ..Config::new("k")
            }
        );
        let codes: Vec<_> = errors.iter().map(|error| error.0).collect();
        assert_eq!(
            codes,
            [
                "config_out_of_range",
                "config_wrong_type",
                "config_wrong_type",
                "config_wrong_type"
            ]
        );
        let messages: Vec<_> = errors.iter().map(|error| &error.1).collect();
        assert_eq!(
            messages[..2],
            [
                "config.flushInterval must be a number from 50 to 3600000; the default is used",
                "config.maxRetries must be a number from 1 to 20; the default is used"
            ]
        );
    }
}
