//! Scratch: the contract of version 2 on the engine of version 1, until that is rewritten. To be deleted then.
#![allow(missing_docs, clippy::all)]

use crate::engine::Engine as OldEngine;
use crate::engine::config::Config as OldConfig;
use crate::engine::io as old;
use crate::engine::report::{Fields, Report as OldReport};
use crate::model::store::Store;
use crate::model::time::{Instant, Now};
use crate::text::json::{push_string, push_u64};
use crate::text::view::{member, members};

pub use old::{Means, PageEvent, RequestId, RetryAfter};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Calls(String),
    Flush {
        id: u32,
    },
    Shutdown {
        id: u32,
        timeout_ms: u32,
    },
    Destroy,
    Answer {
        request: RequestId,
        outcome: Outcome,
    },
    Peer(String),
    Page(PageEvent),
    Stored,
    Destination {
        name: String,
        paused: bool,
    },
    Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    Plain,
    Html,
    Redirected,
    Opaque,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    TextPlain,
    Form,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Status {
        code: u16,
        retry_after: Option<RetryAfter>,
        body: Option<String>,
        nature: Nature,
    },
    Network,
    Refused,
    Queued,
    Activated,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub id: RequestId,
    pub means: Means,
    pub url: String,
    pub content_type: ContentType,
    pub body: String,
}

#[derive(Clone, Debug)]
pub enum Output {
    Send(Request),
    Cancel(RequestId),
    OpenChannel,
    CloseChannel,
    Post(String),
    Report(Report),
}

#[derive(Clone, Debug)]
pub struct Report(OldReport);

#[derive(Default)]
struct Object(String);

impl Object {
    fn name(&mut self, name: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        push_string(&mut self.0, name);
        self.0.push(':');
    }
    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Fields for Object {
    fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        push_u64(&mut self.0, value);
    }
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.name(name);
        match value {
            Some(text) => push_string(&mut self.0, text),
            None => self.0.push_str("null"),
        }
    }
    fn flag(&mut self, name: &'static str, value: bool) {
        self.name(name);
        self.0.push_str(if value { "true" } else { "false" });
    }
    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = String>) {
        self.name(name);
        self.0.push('[');
        for (n, value) in values.enumerate() {
            if n > 0 {
                self.0.push(',');
            }
            push_string(&mut self.0, &value);
        }
        self.0.push(']');
    }
    fn counts(&mut self, name: &'static str, names: &'static str, counts: &[u64]) {
        self.name(name);
        self.0.push('{');
        let mut first = true;
        for (line, count) in names.split('\n').zip(counts) {
            if *count == 0 {
                continue;
            }
            if !first {
                self.0.push(',');
            }
            first = false;
            push_string(&mut self.0, line.split(' ').next().unwrap_or(""));
            self.0.push(':');
            push_u64(&mut self.0, *count);
        }
        self.0.push('}');
    }
}

impl Report {
    pub fn to_json(&self) -> String {
        let mut object = Object::default();
        self.0.describe(&mut object);
        object.end()
    }
}

pub struct Config {
    config: OldConfig,
}

impl Config {
    pub fn parse(json: &str) -> (Self, Vec<old::Output>) {
        let (config, errors) = OldConfig::parse(|name| {
            let value = member(json, name)?;
            Some(match value.as_bytes().first() {
                Some(b'"') => format!("s{}", &value[1..value.len() - 1]),
                Some(b't' | b'f') => format!("b{value}"),
                Some(b'0'..=b'9') => format!("n{}", value.split('.').next().unwrap_or("")),
                Some(b'-') => "n".to_owned(),
                _ => "o".to_owned(),
            })
        });
        (Self { config }, errors)
    }
}

pub struct Host(old::Host);

impl Host {
    pub fn parse(facts: &str, seed: u64) -> Self {
        let text = |name: &str| {
            let value = member(facts, name).unwrap_or("");
            value.trim_matches('"').to_owned()
        };
        let flag = |name: &str| member(facts, name) == Some("true");
        Self(old::Host {
            tab: text("tab"),
            project: text("project"),
            seed,
            context: member(facts, "context").unwrap_or("{}").to_owned(),
            runtime: text("runtime"),
            anonymous_id: text("anonymousId"),
            has_channel: flag("channel"),
            has_deferred: flag("deferred"),
            has_storage: text("storage") != "memory",
            visible: flag("visible"),
            online: flag("online"),
        })
    }
}

pub struct Engine {
    engine: OldEngine,
    endpoint: String,
    session: String,
    user: String,
}

fn old_record(record: &str) -> String {
    let mut parts = record.split('\t');
    let kind = parts.next().unwrap_or("");
    let at = parts.next().unwrap_or("").to_owned();
    let tags: Vec<(&str, &str)> = parts
        .skip(1)
        .filter_map(|tag| tag.split_once('='))
        .collect();
    let get = |name: &str| {
        let found = tags.iter().find(|(tag, _)| *tag == name);
        found.map_or("", |(_, value)| *value)
    };
    let at = if get("ts").is_empty() {
        at
    } else {
        get("ts").to_owned()
    };
    let event = |name: &str| ["t", &at, name, get("user"), get("anon"), get("props")].join("\t");
    match kind {
        "track" => event(get("name")),
        "page" => event("\"$page_view\""),
        "set_traits" => event("\"$set_traits\""),
        "group" => event("\"$group\""),
        "exposure" => event("\"$exposure\""),
        "identify" => ["i", &at, "", get("user"), "", get("props")].join("\t"),
        "alias" => ["a", &at, "", get("user"), get("prev"), ""].join("\t"),
        "refused" => ["x", &at, get("code"), get("detail")].join("\t"),
        _ => String::new(),
    }
}

fn old_calls(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(old_record).collect();
    lines.join("\n")
}

impl Engine {
    pub fn new(
        config: Config,
        errors: Vec<old::Output>,
        host: Host,
        now: Now,
        store: &mut dyn Store,
    ) -> Self {
        let endpoint = config.config.endpoint.clone();
        let engine = OldEngine::new(config.config, errors, host.0, now, store);
        Self {
            engine,
            endpoint,
            session: String::new(),
            user: "null".to_owned(),
        }
    }

    pub fn handle(&mut self, now: Now, input: Input, store: &mut dyn Store) {
        let text;
        let input = match input {
            Input::Calls(calls) => {
                for record in calls.split('\n').filter(|one| one.starts_with("identify")) {
                    if let Some(tag) = record.split('\t').find(|tag| tag.starts_with("user=")) {
                        self.user = tag[5..].to_owned();
                    }
                }
                text = old_calls(&calls);
                old::Input::Calls(&text)
            }
            Input::Flush { id } => old::Input::Flush { id },
            Input::Shutdown { id, timeout_ms } => old::Input::Shutdown { id, timeout_ms },
            Input::Destroy => old::Input::Destroy,
            Input::Answer { request, outcome } => old::Input::Response {
                request,
                outcome: match outcome {
                    Outcome::Status { nature, .. } if nature == Nature::Html => {
                        old::Outcome::Network
                    }
                    Outcome::Status {
                        code,
                        retry_after,
                        body,
                        ..
                    } => old::Outcome::Status {
                        code,
                        retry_after,
                        body,
                    },
                    Outcome::Network => old::Outcome::Network,
                    Outcome::Refused => old::Outcome::Refused,
                    Outcome::Queued => old::Outcome::Queued,
                    Outcome::Activated => old::Outcome::Activated,
                },
            },
            Input::Peer(said) => {
                text = said;
                old::Input::Peer(&text)
            }
            Input::Page(event) => old::Input::Page(event),
            Input::Stored | Input::Destination { .. } => return,
            Input::Timeout => old::Input::Timeout,
        };
        self.engine.handle(now, input, store);
    }

    pub fn take_outputs(&mut self) -> Vec<Output> {
        let outputs = self.engine.take_outputs();
        outputs
            .into_iter()
            .map(|output| match output {
                old::Output::Send(old::Request { id, means, body }) => Output::Send(Request {
                    id,
                    means,
                    url: self.endpoint.clone(),
                    content_type: ContentType::TextPlain,
                    body,
                }),
                old::Output::Cancel(id) => Output::Cancel(id),
                old::Output::OpenChannel => Output::OpenChannel,
                old::Output::CloseChannel => Output::CloseChannel,
                old::Output::Post(text) => Output::Post(text),
                old::Output::Report(report) => Output::Report(Report(report)),
            })
            .collect()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout()
    }

    pub fn stats_json(&self) -> String {
        let mut object = Object::default();
        self.engine.describe(&mut object);
        object.end()
    }

    pub fn visitor_json(&self) -> String {
        let mut json = "{\"anonymousId\":".to_owned();
        push_string(&mut json, self.engine.anonymous_id());
        json.push_str(",\"userId\":");
        json.push_str(&self.user);
        json.push_str(",\"sessionId\":");
        push_string(&mut json, &self.session);
        json.push('}');
        _ = members(&json);
        json
    }
}
