//! Who may read. A write key stands in every page that sends, so it opens nothing but the ingest
//! endpoints; whatever is answered or deleted wants a read key, which is a secret.
//!
//! A read key travels in the `Authorization` header only: addresses end up in logs and histories. For
//! an EventSource, which cannot set headers, there are tickets (`tickets`): one use, half a minute.

mod demo;
mod failures;
mod secret;
mod tickets;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;
use std::{error, fmt};

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use self::failures::Failures;
use self::secret::Secret;
use self::tickets::{TICKET_LIFE, Tickets};
use crate::args;
use crate::error::ApiError;
use crate::keys::{WriteKeys, bearer};
use crate::query::{bad, query};
use crate::routes::App;

pub(crate) use demo::{DemoKey, demo_key};

/// Why the collector does not start with the keys it was given.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum AccessError {
    /// The operating system gave no random bytes, so no key can be made.
    Random(getrandom::Error),
    /// A key that stands in pages cannot be a secret as well.
    AlsoWrites { key: String },
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(source) => write!(
                f,
                "no random bytes for a read key: {source}; give one with --read-key"
            ),
            Self::AlsoWrites { key } => write!(
                f,
                "{key} is a write key (--key), which stands in every page: choose another --read-key"
            ),
        }
    }
}

impl error::Error for AccessError {}

#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<ReadKey>,
    /// What a key without a project of its own reads.
    projects: BTreeSet<String>,
    /// The key that was made because none was given, to be told once.
    pub(crate) generated: Option<String>,
    failures: Failures,
    tickets: Tickets,
}

#[derive(Debug)]
struct ReadKey {
    key: Secret,
    project: Option<String>,
}

impl Access {
    pub(crate) fn new(given: Vec<args::ReadKey>, write: &WriteKeys) -> Result<Self, AccessError> {
        let mut access = Self {
            keys: Vec::new(),
            projects: write.projects().map(str::to_owned).collect(),
            generated: None,
            failures: Failures::default(),
            tickets: Tickets::default(),
        };
        if given.is_empty() {
            let key = secret::generate().map_err(AccessError::Random)?;
            access.add(key.clone(), None);
            access.generated = Some(key);
        }
        for args::ReadKey { project, key } in given {
            if write.project(&key).is_ok() {
                return Err(AccessError::AlsoWrites { key });
            }
            access.projects.extend(project.clone());
            access.add(key, project);
        }
        Ok(access)
    }

    /// A key of its own for the demo page: the operator's stay unknown to it.
    pub(crate) fn add_demo_key(&mut self) -> Result<DemoKey, AccessError> {
        let key = secret::generate().map_err(AccessError::Random)?;
        self.add(key.clone(), None);
        Ok(DemoKey::new(key))
    }

    fn add(&mut self, key: String, project: Option<String>) {
        let key = Secret::new(key);
        self.keys.push(ReadKey { key, project });
    }

    /// The projects that a key opens; none for a wrong one. Every key is compared, each in constant
    /// time, so that how long it takes says nothing about any of them.
    fn opened(&self, presented: &str) -> BTreeSet<&str> {
        let mut opened = BTreeSet::new();
        for ReadKey { key, project } in &self.keys {
            let same = bool::from(key.bytes().ct_eq(presented.as_bytes()));
            match project {
                _ if !same => {}
                Some(project) => {
                    opened.insert(project.as_str());
                }
                None => opened.extend(self.projects.iter().map(String::as_str)),
            }
        }
        opened
    }

    /// The project that a request may read, if its key is right.
    fn project(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        peer: IpAddr,
        now: Instant,
    ) -> Result<String, ApiError> {
        let presented = bearer(headers).ok_or(ApiError::UnknownReadKey)?;
        // Also a right key is refused now: else guessing could go on, and would only be told at its end.
        self.failures.check(peer, now)?;
        let opened = self.opened(presented);
        if opened.is_empty() {
            self.failures.count(peer, now);
            return Err(ApiError::UnknownReadKey);
        }
        choose(&opened, asked_project(uri)?)
    }
}

fn choose(opened: &BTreeSet<&str>, asked: Option<String>) -> Result<String, ApiError> {
    match asked {
        Some(project) if opened.contains(project.as_str()) => Ok(project),
        Some(project) => Err(ApiError::NotReadable { project }),
        None if opened.len() == 1 => Ok(opened.iter().copied().collect()),
        None => {
            let names: Vec<&str> = opened.iter().copied().collect();
            let names = names.join(", ");
            Err(bad(format!(
                "this key reads several projects: say ?project=, one of {names}"
            )))
        }
    }
}

#[derive(Deserialize)]
struct ProjectParam {
    project: Option<String>,
}

fn asked_project(uri: &Uri) -> Result<Option<String>, ApiError> {
    query(uri).map(|ProjectParam { project }| project)
}

/// Whom a connection is from; put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Requests that came over no connection share one address.
fn peer(extensions: &Extensions) -> IpAddr {
    extensions
        .get()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address)
}

/// The proof, as an argument of a handler, that the request came with a read key of this project.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) project: String,
}

impl FromRequestParts<Arc<App>> for Reading {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let peer = peer(&parts.extensions);
        let project = app
            .access
            .project(&parts.uri, &parts.headers, peer, Instant::now())?;
        Ok(Self { project })
    }
}

/// The same, but a ticket will do.
#[derive(Debug)]
pub(crate) struct Streaming {
    pub(crate) project: String,
}

#[derive(Deserialize)]
struct TicketParam {
    ticket: Option<String>,
}

impl FromRequestParts<Arc<App>> for Streaming {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let TicketParam { ticket } = query(&parts.uri)?;
        let Some(ticket) = ticket else {
            let Reading { project } = Reading::from_request_parts(parts, app).await?;
            return Ok(Self { project });
        };
        let project = app.access.tickets.redeem(&ticket, Instant::now());
        let project = project.ok_or(ApiError::UnknownTicket)?;
        Ok(Self { project })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    ticket: String,
    expires_in_ms: u128,
}

pub(crate) async fn issue_ticket(
    State(app): State<Arc<App>>,
    Reading { project }: Reading,
) -> Result<Response, ApiError> {
    let ticket = secret::generate().map_err(|e| ApiError::NoTicket {
        message: e.to_string(),
    })?;
    app.access
        .tickets
        .issue(ticket.clone(), project, Instant::now());
    let expires_in_ms = TICKET_LIFE.as_millis();
    let answer = Ticket {
        ticket,
        expires_in_ms,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(write: &[(&str, &str)], read: &[(&str, Option<&str>)]) -> Access {
        let own = |text: &str| text.to_owned();
        let write = write.iter().map(|(key, project)| args::Key {
            key: own(key),
            project: own(project),
        });
        let read = read.iter().map(|(key, project)| args::ReadKey {
            key: own(key),
            project: project.map(own),
        });
        Access::new(read.collect(), &WriteKeys::new(write.collect())).unwrap()
    }

    #[test]
    fn a_key_opens_its_project_or_all() {
        let access = access(
            &[("w1", "shop"), ("w2", "blog")],
            &[("all", None), ("one", Some("shop")), ("old", Some("gone"))],
        );
        let opened = |key| access.opened(key).into_iter().collect::<Vec<_>>();
        assert_eq!(opened("all"), ["blog", "gone", "shop"]);
        assert_eq!(opened("one"), ["shop"]);
        assert_eq!(opened("old"), ["gone"]);
        for wrong in ["", "w1", "al", "alll", "shop"] {
            assert!(opened(wrong).is_empty(), "{wrong:?}");
        }
        assert!(access.generated.is_none());
    }

    #[test]
    fn without_a_key_one_is_made() {
        let (one, two) = (access(&[], &[]), access(&[], &[]));
        let (one, two) = (one.generated.unwrap(), two.generated.unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
    }

    #[test]
    fn what_is_printed_of_it_shows_no_key() {
        let access = access(&[("w", "shop")], &[("the-secret", None)]);
        assert!(!format!("{access:?}").contains("the-secret"));
    }

    #[test]
    fn a_write_key_cannot_read() {
        let read = args::ReadKey {
            key: "demo".to_owned(),
            project: None,
        };
        let refused = Access::new(vec![read], &WriteKeys::new(vec![]));
        assert!(matches!(refused, Err(AccessError::AlsoWrites { .. })));
    }
}
