//! Configuration, parsed once: a value that is out of range or of the wrong type gives a named
//! error and the default is used, so a typo costs an option and never the events.

mod reader;

use self::reader::Reader;
#[cfg(feature = "destinations")]
use crate::wire::formats::{self, Settings};
use crate::{
    delivery::{Rules, destination::Destination, retry::RetryRules},
    engine::{io::Host, report::Report},
    intake::IntakeConfig,
    text::fields::join,
    wire::{
        Format,
        native::Native,
        native_metrics::{NativeMetrics, endpoint_beside},
    },
};

/// Milliseconds that an event waits at most before a flush is tried.
pub const FLUSH_INTERVAL_MS: u32 = 2_000;
/// The number of waiting events that triggers a flush.
pub const FLUSH_AT: u32 = 50;
/// Events in one request at most. Bytes decide: a request costs the page's main thread 1.5 ms.
pub const MAX_BATCH_SIZE: u32 = 500;
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
/// Metrics waiting at most; beyond it the oldest is dropped.
pub const MAX_METRICS_QUEUE_SIZE: u32 = 500;
/// Milliseconds between two requests with metrics.
pub const METRICS_FLUSH_INTERVAL_MS: u32 = 30_000;
/// Where batches are posted, on the page's own origin.
pub const ENDPOINT: &str = "/api/v1/ingest/batch";
/// The name of the destination that `endpoint` and `apiKey` make.
pub const OWN: &str = "sendoff";

/// How the tabs of one origin share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MultiTabMode {
    /// One elected tab sends for all.
    #[default]
    Leader,
    /// Every tab sends its own events; the elected tab only takes over what dead tabs left.
    Independent,
}

/// What was wrong with the configuration. The default is used instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// An option is of another type than is expected.
    WrongType {
        /// Its name.
        option: String,
        /// What it must be.
        expected: String,
    },
    /// A number is too small or too large.
    OutOfRange {
        /// The option's name.
        option: String,
        /// What it must be.
        expected: String,
    },
    /// A destination cannot be made; it is left out.
    Destination {
        /// Its name, or what stands in its place.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ConfigError {
    /// Stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "config_wrong_type",
            Self::OutOfRange { .. } => "config_out_of_range",
            Self::Destination { .. } => "config_destination",
        }
    }

    /// What was wrong, where, and what is done about it.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::WrongType { option, expected } | Self::OutOfRange { option, expected } => {
                join(&[
                    "config.",
                    option,
                    " must be ",
                    expected,
                    "; the default is used",
                ])
            }
            Self::Destination { name, why } => {
                join(&["config.destinations: ", name, " ", why, "; it is left out"])
            }
        }
    }

    /// As the page is told.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::Error {
            code: self.code(),
            message: self.message(),
        }
    }
}

/// What the engine runs with. Units are in the names of the page's options.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names the project at the collector. Empty: the client is inert.
    pub api_key: String,
    /// URL of the collector's batch endpoint.
    pub endpoint: String,
    /// See [`FLUSH_INTERVAL_MS`].
    pub flush_interval_ms: u32,
    /// See [`FLUSH_AT`].
    pub flush_at: u32,
    /// See [`MAX_BATCH_SIZE`].
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
    /// Whether bodies are gzipped where the destination takes that without a preflight.
    pub gzip: bool,
    /// See [`MAX_STORAGE_BYTES`].
    pub max_storage_bytes: u32,
    /// See [`MAX_EVENT_AGE_MS`].
    pub max_event_age_ms: u64,
    /// URL that metrics are posted to; empty: beside [`endpoint`](Self::endpoint), its last part `metrics`.
    pub metrics_endpoint: String,
    /// Metrics go to an OpenTelemetry collector, whose address is [`metrics_endpoint`](Self::metrics_endpoint).
    pub metrics_otlp: bool,
    /// See [`MAX_METRICS_QUEUE_SIZE`].
    pub max_metrics_queue_size: u32,
    /// See [`METRICS_FLUSH_INTERVAL_MS`].
    pub metrics_flush_interval_ms: u32,
    /// See [`MultiTabMode`].
    pub multi_tab_mode: MultiTabMode,
    /// Mirrors the visitor record in a cookie of the site, for its other subdomains.
    pub cross_subdomain: bool,
    /// `navigator.globalPrivacyControl` keeps campaigns and referrers from being captured.
    pub respect_gpc: bool,
    /// So does `navigator.doNotTrack`.
    pub respect_dnt: bool,
    /// No id is stored: the anonymous one lives as long as the page.
    pub cookieless: bool,
    /// What the visitor allows is remembered with who he is.
    pub persist_consent: bool,
    /// What becomes of calls.
    pub intake: IntakeConfig,
    /// Where events go; none: to [`endpoint`](Self::endpoint) alone.
    pub destinations: Vec<DestinationConfig>,
}

/// One entry of `destinations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationConfig {
    /// Letters, digits, `_`, `-` and `.`; each name once.
    pub name: String,
    /// `native`, `custom`, or a vendor's.
    pub format: String,
    /// Where it is.
    pub endpoint: String,
    /// The key that names the project there.
    pub api_key: String,
    /// Names of events that go there; none: all. A `*` at the end stands for anything.
    pub only: Vec<String>,
    /// Names of events that do not.
    pub except: Vec<String>,
    /// It takes the visitor's consent to marketing, not only to analytics.
    pub marketing: bool,
    /// The rest as a JSON object: what only the format knows.
    pub options: String,
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
            max_batch_size: MAX_BATCH_SIZE,
            max_queue_size: MAX_QUEUE_SIZE,
            max_payload_bytes: MAX_PAYLOAD_BYTES,
            max_retries: MAX_RETRIES,
            retry_base_delay_ms: RETRY_BASE_DELAY_MS,
            timeout_ms: TIMEOUT_MS,
            disable_timer: false,
            auto_flush_on_exit: true,
            gzip: false,
            max_storage_bytes: MAX_STORAGE_BYTES,
            max_event_age_ms: MAX_EVENT_AGE_MS,
            metrics_endpoint: String::new(),
            metrics_otlp: false,
            max_metrics_queue_size: MAX_METRICS_QUEUE_SIZE,
            metrics_flush_interval_ms: METRICS_FLUSH_INTERVAL_MS,
            multi_tab_mode: MultiTabMode::Leader,
            cross_subdomain: false,
            respect_gpc: true,
            respect_dnt: false,
            cookieless: false,
            persist_consent: false,
            intake: IntakeConfig::default(),
            destinations: Vec::new(),
        }
    }

    /// Reads a JSON object of the page's options. What could not be used is to be told; the default is in force
    /// instead. Options that the engine does not know are the facade's.
    #[must_use]
    pub fn parse(json: &str) -> (Self, Vec<ConfigError>) {
        let mut read = Reader {
            json,
            errors: Vec::new(),
        };
        // Without one nothing is recorded, and it is the facade that says so: it starts no engine.
        let mut config = Self::new(&read.text("apiKey").unwrap_or_default());
        if let Some(endpoint) = read.text("endpoint") {
            config.endpoint = endpoint;
        }
        let c = &mut config;
        read.small("flushInterval", 50..=3_600_000, &mut c.flush_interval_ms);
        read.small("flushAt", 1..=1_000, &mut c.flush_at);
        read.small("maxBatchSize", 1..=1_000, &mut c.max_batch_size);
        read.small("maxQueueSize", 1..=100_000, &mut c.max_queue_size);
        read.small(
            "maxPayloadBytes",
            4_096..=4_000_000,
            &mut c.max_payload_bytes,
        );
        read.small("maxRetries", 1..=20, &mut c.max_retries);
        read.small("retryBaseDelayMs", 1..=60_000, &mut c.retry_base_delay_ms);
        read.small("timeout", 100..=120_000, &mut c.timeout_ms);
        read.small("maxStorageBytes", 0..=5_000_000, &mut c.max_storage_bytes);
        read.number(
            "maxEventAgeMs",
            1_000..=42_949_672_950,
            &mut c.max_event_age_ms,
        );
        if let Some(endpoint) = read.text("metricsEndpoint") {
            c.metrics_endpoint = endpoint;
        }
        let format = read.word("metricsFormat", &["native", "otlp"]);
        c.metrics_otlp = format.is_some_and(|format| format == "otlp");
        read.small(
            "maxMetricsQueueSize",
            1..=10_000,
            &mut c.max_metrics_queue_size,
        );
        read.small(
            "metricsFlushInterval",
            1_000..=3_600_000,
            &mut c.metrics_flush_interval_ms,
        );
        read.flag("disableTimer", &mut c.disable_timer);
        read.flag("autoFlushOnExit", &mut c.auto_flush_on_exit);
        let compression = read.word("compression", &["none", "gzip"]);
        c.gzip = compression.is_some_and(|compression| compression == "gzip");
        if let Some(mode) = read.word("multiTabMode", &["leader", "independent"])
            && mode == "independent"
        {
            c.multi_tab_mode = MultiTabMode::Independent;
        }
        read.flag("crossSubdomain", &mut c.cross_subdomain);
        read.flag("cookieless", &mut c.cookieless);
        read.flag("persistConsent", &mut c.persist_consent);
        read.flag("respectGpc", &mut c.respect_gpc);
        read.flag("respectDnt", &mut c.respect_dnt);
        read.intake(&mut c.intake);
        config.destinations = read.destinations();
        (config, read.errors)
    }

    /// Where metrics go, and in which dialect: the native one, where the one that is asked for cannot be made.
    #[must_use]
    pub fn metrics_format(&self) -> (Box<dyn Format>, Option<ConfigError>) {
        let mut error = None;
        if self.metrics_otlp {
            let otlp = DestinationConfig {
                name: "metricsEndpoint".to_owned(),
                endpoint: self.metrics_endpoint.clone(),
                ..DestinationConfig::default()
            };
            match vendor_format("otlp_metrics", &otlp) {
                Ok(format) => return (format, None),
                Err(why) => {
                    let name = otlp.name;
                    error = Some(ConfigError::Destination { name, why });
                }
            }
        }
        let endpoint = if self.metrics_endpoint.is_empty() {
            endpoint_beside(&self.endpoint)
        } else {
            self.metrics_endpoint.clone()
        };
        (
            Box::new(NativeMetrics::new(&endpoint, &self.api_key)),
            error,
        )
    }

    /// What the delivery is to know.
    #[must_use]
    pub const fn rules(&self, host: &Host) -> Rules {
        Rules {
            retry: RetryRules {
                attempts: self.max_retries,
                base_ms: self.retry_base_delay_ms,
            },
            flush_on_exit: self.auto_flush_on_exit,
            has_deferred: host.has_deferred,
            has_keepalive: host.has_keepalive,
            gzip: self.gzip,
        }
    }

    /// The destinations, each with its dialect. One that cannot be made is left out and told.
    #[must_use]
    pub fn destinations(&self) -> (Vec<Destination>, Vec<ConfigError>) {
        let (mut made, mut errors) = (Vec::new(), Vec::new());
        for one in &self.destinations {
            match format_of(one, self) {
                Ok(format) => made.push(Destination {
                    name: one.name.clone(),
                    format,
                    only: one.only.clone(),
                    except: one.except.clone(),
                    marketing: one.marketing,
                }),
                Err(why) => errors.push(ConfigError::Destination {
                    name: one.name.clone(),
                    why,
                }),
            }
        }
        if made.is_empty() {
            made.push(Destination {
                name: OWN.to_owned(),
                format: Box::new(Native::new(&self.endpoint, &self.api_key)),
                only: Vec::new(),
                except: Vec::new(),
                marketing: false,
            });
        }
        (made, errors)
    }
}

fn format_of(one: &DestinationConfig, config: &Config) -> Result<Box<dyn Format>, String> {
    let or = |text: &String, other: &String| {
        if text.is_empty() {
            other.clone()
        } else {
            text.clone()
        }
    };
    match one.format.as_str() {
        "native" => Ok(Box::new(Native::new(
            &or(&one.endpoint, &config.endpoint),
            &or(&one.api_key, &config.api_key),
        ))),
        // A function of the page's takes them: the host knows it by its name.
        "custom" => Ok(Box::new(Native::new(
            &join(&["custom:", &one.name]),
            &config.api_key,
        ))),
        other => vendor_format(other, one),
    }
}

#[cfg(feature = "destinations")]
fn vendor_format(format: &str, one: &DestinationConfig) -> Result<Box<dyn Format>, String> {
    let settings = Settings {
        endpoint: one.endpoint.clone(),
        api_key: one.api_key.clone(),
        options: one.options.clone(),
    };
    match formats::by_name(format, &settings) {
        Some(made) => made.map_err(|error| error.message().to_owned()),
        None => Err(join(&["has an unknown format: ", format])),
    }
}

#[cfg(not(feature = "destinations"))]
fn vendor_format(format: &str, _: &DestinationConfig) -> Result<Box<dyn Format>, String> {
    Err(join(&[
        "has the format ",
        format,
        ", which is in the entry sendoff/destinations",
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{NO_SEND_TIME, Route};

    fn codes(errors: &[ConfigError]) -> Vec<&'static str> {
        errors.iter().map(ConfigError::code).collect()
    }

    /// All that is configured, to be compared.
    fn all(config: &Config) -> String {
        format!("{config:?}")
    }

    #[test]
    fn what_a_destination_has_beside_the_common_options_is_its_formats() {
        let json = r#"{"apiKey":"k","destinations":[{"name":"a","format":"posthog","apiKey":"p",
            "only":["x"],"consent":"marketing","profiles":true}]}"#;
        let (config, errors) = Config::parse(json);
        assert!(errors.is_empty(), "{errors:?}");
        let one = &config.destinations[0];
        assert_eq!(
            (one.options.as_str(), one.marketing),
            ("{\"profiles\":true}", true)
        );
        let (made, errors) = config.destinations();
        if cfg!(feature = "destinations") {
            assert!(errors.is_empty(), "{errors:?}");
            assert_eq!(made[0].format.encoder(), "posthog/1");
        } else {
            assert_eq!(codes(&errors), ["config_destination"]);
            assert!(errors[0].message().contains("sendoff/destinations"));
        }
    }

    #[test]
    fn metrics_have_an_address_and_a_dialect_of_their_own() {
        let of = |options: &str| {
            let (config, errors) = Config::parse(&format!("{{\"apiKey\":\"k\"{options}}}"));
            assert!(errors.is_empty(), "{errors:?}");
            let (format, error) = config.metrics_format();
            let url = format.target(Route::default(), NO_SEND_TIME).url;
            (format.encoder(), url, error.map(|error| error.code()))
        };
        let native = |url: &str| ("native-metrics/1", url.to_owned(), None);
        assert_eq!(of(""), native("/api/v1/ingest/metrics"));
        assert_eq!(
            of(r#","endpoint":"https:\/\/c.example\/in""#),
            native("https://c.example/metrics")
        );
        assert_eq!(of(r#","metricsEndpoint":"/m""#), native("/m"));
        let otlp = of(r#","metricsFormat":"otlp","metricsEndpoint":"/otel""#);
        if cfg!(feature = "destinations") {
            assert_eq!(
                otlp,
                ("otlp-metrics/1", "/otel/v1/metrics".to_owned(), None)
            );
        } else {
            assert_eq!(otlp.2, Some("config_destination"));
        }
    }

    /// What the page has without an option: the engine's own defaults, and sessions.
    fn defaults(api_key: &str) -> Config {
        let mut config = Config::new(api_key);
        config.intake.sessions = true;
        config
    }

    #[test]
    fn an_empty_configuration_is_all_defaults() {
        for json in ["{}", ""] {
            let (config, errors) = Config::parse(json);
            assert_eq!((all(&config), errors.len()), (all(&defaults("")), 0));
        }
    }

    #[test]
    fn a_bad_value_costs_only_itself() {
        let (config, errors) = Config::parse(
            r#"{"apiKey":"k","flushInterval":-5,"maxRetries":"3","timeout":250.7,"multiTabMode":"both","disableTimer":1,
                "flushAt":1e9,"later":true}"#,
        );
        let timeout_ms = 250;
        let expected = Config {
            timeout_ms,
            ..defaults("k")
        };
        assert_eq!(all(&config), all(&expected));
        let (range, kind) = ("config_out_of_range", "config_wrong_type");
        assert_eq!(codes(&errors), [range, range, kind, kind, kind]);
        let messages: Vec<String> = errors.iter().map(ConfigError::message).collect();
        assert_eq!(
            messages[0],
            "config.flushInterval must be a number from 50 to 3600000; the default is used"
        );
        assert_eq!(
            messages[4],
            "config.multiTabMode must be \"leader\" or \"independent\"; the default is used"
        );
    }

    #[test]
    fn destinations_are_named_once_and_filtered_by_name() {
        let (config, errors) = Config::parse(
            r#"{"apiKey":"k","destinations":[{"name":"a","endpoint":"\/in","only":["order*"]},{"name":"a"},
                {"name":"b c"},{"name":"v","format":"no_such"}]}"#,
        );
        assert_eq!(codes(&errors), ["config_destination"; 2]);
        assert_eq!(config.destinations[0].endpoint, "/in");
        let (made, errors) = config.destinations();
        assert_eq!(codes(&errors), ["config_destination"]);
        let [a] = &made[..] else { panic!() };
        assert!(a.takes("order_paid") && !a.takes("page_view"));
    }

    #[test]
    fn without_any_there_is_the_collector() {
        let (made, errors) = Config::new("k").destinations();
        assert_eq!((made[0].name.as_str(), errors.len()), (OWN, 0));
    }
}
