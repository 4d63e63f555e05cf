//! Configuration, parsed once: a value that is out of range or of the wrong type gives a named
//! error and the default is used, so a typo costs an option and never the events.

use crate::wire::{json::push_u64, text::join};

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

/// One configured value as the host found it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Absent or `undefined`.
    Missing,
    /// A number, possibly NaN.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(String),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

/// A configured value that could not be used; the default is in force instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Stable name: `missing_api_key`, `config_wrong_type` or `config_out_of_range`.
    pub code: &'static str,
    /// What is wrong, and what is done about it.
    pub message: String,
}

impl ConfigError {
    /// An option that is not of the expected type.
    #[must_use]
    pub fn wrong_type(name: &str, expected: &str) -> Self {
        Self {
            code: "config_wrong_type",
            message: join(&[
                "config.",
                name,
                " must be ",
                expected,
                "; the default is used",
            ]),
        }
    }
}

impl Config {
    /// All defaults, with the given key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            endpoint: ENDPOINT.to_owned(),
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

    /// Reads every option through `get`, which is called once for each name.
    #[inline(never)]
    #[must_use]
    pub fn parse(get: &dyn Fn(&str) -> Value) -> (Self, Vec<ConfigError>) {
        let mut read = Reader {
            get,
            errors: Vec::new(),
        };
        let api_key = read.text("apiKey", "");
        if api_key.is_empty() && read.errors.is_empty() {
            // Without a key nothing can be delivered.
            read.errors.push(ConfigError {
                code: "missing_api_key",
                message: "config.apiKey is missing; nothing is recorded".to_owned(),
            });
        }
        let config = Self {
            api_key,
            endpoint: read.text("endpoint", ENDPOINT),
            flush_interval_ms: read.int("flushInterval", 50, 3_600_000, FLUSH_INTERVAL_MS),
            flush_at: read.int("flushAt", 1, 1_000, FLUSH_AT),
            max_batch_size: read.int("maxBatchSize", 1, 1_000, FLUSH_AT),
            max_queue_size: read.int("maxQueueSize", 1, 100_000, MAX_QUEUE_SIZE),
            max_payload_bytes: read.int("maxPayloadBytes", 4_096, 4_000_000, MAX_PAYLOAD_BYTES),
            max_retries: read.int("maxRetries", 1, 20, MAX_RETRIES),
            retry_base_delay_ms: read.int("retryBaseDelayMs", 1, 60_000, RETRY_BASE_DELAY_MS),
            timeout_ms: read.int("timeout", 100, 120_000, TIMEOUT_MS),
            disable_timer: read.flag("disableTimer", false),
            auto_flush_on_exit: read.flag("autoFlushOnExit", true),
            max_storage_bytes: read.int("maxStorageBytes", 0, 5_000_000, MAX_STORAGE_BYTES),
            max_event_age_ms: read.number(
                "maxEventAgeMs",
                1_000,
                u64::from(u32::MAX) * 10,
                MAX_EVENT_AGE_MS,
            ),
            multi_tab_mode: read.mode(),
        };
        (config, read.errors)
    }
}

struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Value,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn int(&mut self, name: &str, min: u32, max: u32, default: u32) -> u32 {
        // No larger than `max`.
        self.number(name, min.into(), max.into(), default.into()) as u32
    }

    fn number(&mut self, name: &str, min: u64, max: u64, default: u64) -> u64 {
        let value = (self.get)(name);
        let code = match value {
            Value::Missing => return default,
            // Whole numbers only; a comparison with NaN is false, so NaN is out of range.
            Value::Number(number) if number >= min as f64 && number <= max as f64 => {
                return number as u64;
            }
            Value::Number(_) => "config_out_of_range",
            _ => "config_wrong_type",
        };
        let mut expected = "a number from ".to_owned();
        push_u64(&mut expected, min);
        expected.push_str(" to ");
        push_u64(&mut expected, max);
        self.errors.push(ConfigError {
            code,
            ..ConfigError::wrong_type(name, &expected)
        });
        default
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        match (self.get)(name) {
            Value::Missing => default,
            Value::Bool(flag) => flag,
            _ => {
                self.wrong(name, "true or false");
                default
            }
        }
    }

    fn text(&mut self, name: &str, default: &str) -> String {
        match (self.get)(name) {
            Value::Text(text) if !text.is_empty() || default.is_empty() => return text,
            Value::Missing => {}
            _ => self.wrong(name, "a non-empty string"),
        }
        default.to_owned()
    }

    fn mode(&mut self) -> MultiTabMode {
        match (self.get)("multiTabMode") {
            Value::Text(text) if text == "independent" => return MultiTabMode::Independent,
            Value::Text(text) if text == "leader" => {}
            Value::Missing => {}
            _ => self.wrong("multiTabMode", "\"leader\" or \"independent\""),
        }
        MultiTabMode::default()
    }

    fn wrong(&mut self, name: &str, expected: &str) {
        self.errors.push(ConfigError::wrong_type(name, expected));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, Value)]) -> (Config, Vec<ConfigError>) {
        Config::parse(&|name| {
            let found = values.iter().find(|(key, _)| *key == name);
            found.map_or(Value::Missing, |(_, value)| value.clone())
        })
    }

    #[test]
    fn an_empty_configuration_is_inert_and_says_so_once() {
        let (config, errors) = parse(&[]);
        assert_eq!(config, Config::new(""));
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].code, "missing_api_key");
    }

    #[test]
    fn a_bad_value_costs_only_itself() {
        let (config, errors) = parse(&[
            ("apiKey", Value::Text("k".into())),
            ("flushInterval", Value::Number(f64::NAN)),
            ("maxRetries", Value::Text("3".into())),
            ("timeout", Value::Number(250.0)),
            ("multiTabMode", Value::Text("both".into())),
            ("disableTimer", Value::Other("object")),
        ]);
        assert_eq!(
            config,
            Config {
                timeout_ms: 250,
                ..Config::new("k")
            }
        );
        let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
        assert_eq!(
            codes,
            [
                "config_out_of_range",
                "config_wrong_type",
                "config_wrong_type",
                "config_wrong_type"
            ]
        );
        let messages: Vec<_> = errors.iter().map(|error| &error.message).collect();
        assert_eq!(
            messages[..2],
            [
                "config.flushInterval must be a number from 50 to 3600000; the default is used",
                "config.maxRetries must be a number from 1 to 20; the default is used"
            ]
        );
    }
}
