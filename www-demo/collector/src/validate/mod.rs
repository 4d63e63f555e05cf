//! Judges each event of a batch by itself: the good ones are stored, the bad ones are answered with
//! their index and what is wrong with them.
//!
//! The limits are wider than the SDK's own (64-character names, 120-byte user ids, depth 8, 32 KB of
//! properties), so an event the SDK accepted is never refused here over a matter of counting.

mod context;
mod fields;
mod metrics;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::context::BatchContext;
use self::fields::{Fault, excerpt, optional_id, optional_string, ordinal, string};
use crate::db::{ERASED_USER, Event, Refused, SEQ_MAX};
use crate::envelope::ID_BYTES_MAX;

pub(crate) use metrics::metrics;

const NAME_BYTES_MAX: usize = 512;
const USER_ID_BYTES_MAX: usize = 512;

/// One bad event, as the client is told.
#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) index: usize,
    pub(crate) error: &'static str,
    pub(crate) message: String,
}

impl Rejection {
    /// Of a good event, whose user was erased.
    pub(crate) fn of_erased(index: usize) -> Self {
        let message = "the events of this user were erased, and later ones are refused: a visitor who \
                       comes back needs new ids (reset)";
        Self {
            index,
            error: ERASED_USER,
            message: message.to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent<'a> {
    #[serde(borrow)]
    idempotency_key: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    anonymous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    session_seq: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    sample_rate: Option<&'a RawValue>,
    #[serde(borrow)]
    groups: Option<&'a RawValue>,
    #[serde(borrow)]
    attribution: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

/// What is stored, what the client is told, and what the warehouse keeps of the refused ones.
#[derive(Debug, Default)]
pub(crate) struct Judged<T> {
    pub(crate) good: Vec<T>,
    pub(crate) rejections: Vec<Rejection>,
    pub(crate) refused: Vec<Refused>,
}

/// Judges each by itself; `read` is given the index and the text of one.
fn judge<T>(
    raw: &[&RawValue],
    mut read: impl FnMut(usize, &RawValue) -> Result<T, Fault>,
) -> Judged<T> {
    let (mut good, mut rejections, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (index, text) in raw.iter().enumerate() {
        match read(index, text) {
            Ok(one) => good.push(one),
            Err((error, message)) => {
                refused.push(Refused {
                    index,
                    seq: readable_seq(text),
                    error,
                });
                rejections.push(Rejection {
                    index,
                    error,
                    message,
                });
            }
        }
    }
    Judged {
        good,
        rejections,
        refused,
    }
}

/// The events of a batch whose context is `context`.
pub(crate) fn events(raw: &[&RawValue], context: Option<&RawValue>) -> Judged<Event> {
    let mut context = BatchContext::new(context);
    judge(raw, |index, text| event(index, text, &mut context))
}

fn event(index: usize, text: &RawValue, batch: &mut BatchContext<'_>) -> Result<Event, Fault> {
    let raw: RawEvent<'_> = serde_json::from_str(text.get()).map_err(|e| {
        (
            "bad_event",
            format!("the event is not an object of known shape: {e}"),
        )
    })?;
    let key = string("idempotencyKey", raw.idempotency_key, ID_BYTES_MAX)
        .map_err(|m| ("bad_idempotency_key", m))?;
    let name = string("name", raw.name, NAME_BYTES_MAX).map_err(|m| ("bad_name", m))?;
    let user_id = optional_string("userId", raw.user_id, USER_ID_BYTES_MAX)
        .map_err(|m| ("bad_user_id", m))?;
    let anonymous_id = optional_string("anonymousId", raw.anonymous_id, ID_BYTES_MAX)
        .map_err(|m| ("bad_anonymous_id", m))?;
    let properties = object("properties", raw.properties, "bad_properties")?;
    Ok(Event {
        index,
        idempotency_key: key,
        seq: ordinal("seq", raw.seq).map_err(|m| ("bad_seq", m))?,
        previous_id: previous_id(&name, properties.as_deref(), anonymous_id.as_deref()),
        name,
        user_id,
        anonymous_id,
        timestamp: fields::timestamp(raw.timestamp).map_err(|m| ("bad_timestamp", m))?,
        properties: properties.unwrap_or_else(|| "{}".to_owned()),
        session_id: optional_id("sessionId", raw.session_id).map_err(|m| ("bad_session_id", m))?,
        session_seq: ordinal("sessionSeq", raw.session_seq).map_err(|m| ("bad_session_seq", m))?,
        value: fields::number("value", raw.value).map_err(|m| ("bad_value", m))?,
        sample_rate: sample_rate(raw.sample_rate)?,
        groups: groups(raw.groups)?,
        attribution: object("attribution", raw.attribution, "bad_attribution")?,
        context: batch.with(raw.context).map_err(|m| ("bad_context", m))?,
    })
}

fn object(
    field: &str,
    raw: Option<&RawValue>,
    code: &'static str,
) -> Result<Option<String>, Fault> {
    let text = fields::object(field, raw).map_err(|m| (code, m))?;
    Ok(text.map(str::to_owned))
}

fn sample_rate(raw: Option<&RawValue>) -> Result<Option<f64>, Fault> {
    let fault = |message| ("bad_sample_rate", message);
    match fields::number("sampleRate", raw).map_err(fault)? {
        Some(rate) if rate <= 0.0 || rate > 1.0 => Err(fault(format!(
            "sampleRate is not above 0 and at most 1: {rate}"
        ))),
        rate => Ok(rate),
    }
}

/// Types of groups, and the id of the one that the user belongs to.
fn groups(raw: Option<&RawValue>) -> Result<Option<String>, Fault> {
    let fault = |message| ("bad_groups", message);
    let Some(text) = fields::object("groups", raw).map_err(fault)? else {
        return Ok(None);
    };
    let read = serde_json::from_str::<std::collections::BTreeMap<String, String>>(text);
    read.map_err(|_| {
        fault(format!(
            "groups is not an object of texts: {}",
            excerpt(text)
        ))
    })?;
    Ok(Some(text.to_owned()))
}

/// Of an `$alias`: who its user was before. An alias that does not say means the anonymous visitor.
fn previous_id(name: &str, properties: Option<&str>, anonymous: Option<&str>) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Properties {
        previous_id: String,
    }
    if name != "$alias" {
        return None;
    }
    let said = properties.and_then(|text| serde_json::from_str::<Properties>(text).ok());
    let said = said.map(|properties| properties.previous_id);
    let said = said.filter(|id| !id.is_empty());
    said.or_else(|| anonymous.map(str::to_owned))
}

/// The sequence number of a refused event, if it can be read: it lets the query for lost events
/// tell "refused" from "lost".
fn readable_seq(text: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Seq {
        seq: i64,
    }
    serde_json::from_str::<Seq>(text.get())
        .ok()
        .map(|s| s.seq)
        .filter(|seq| (1..=SEQ_MAX).contains(seq))
}
