//! An event but for its number and key.

use crate::{
    model::{edits::OPENING, ids::TabId, time::UnixMillis},
    text::json::{push_timestamp, push_u64},
};

/// See the module. Texts are JSON; what is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// JSON string.
    pub name: String,
    /// JSON string or `null`.
    pub user: String,
    /// JSON string.
    pub anonymous: String,
    /// When it happened.
    pub at: UnixMillis,
    /// JSON object.
    pub properties: String,
    /// Id of its session (a JSON string) and its number there, 0 for one that is not counted.
    pub session: Option<(String, u64)>,
    /// JSON number.
    pub value: String,
    /// The rate at which such events are kept, below 1.
    pub rate: Option<f64>,
    /// JSON object.
    pub groups: String,
    /// JSON object.
    pub attribution: String,
    /// JSON object.
    pub context: String,
    /// JSON list: see [`edits`](crate::model::edits).
    pub edits: String,
}

impl Draft {
    /// The canonical text of the event that gets this number.
    #[must_use]
    pub fn encode(&self, tab: TabId, seq: u64) -> String {
        // It is kept as it is, so: room for all of it, and little more.
        let texts =
            self.name.len() + self.user.len() + self.anonymous.len() + self.properties.len();
        let more = self.groups.len()
            + self.attribution.len()
            + self.context.len()
            + self.value.len()
            + self.edits.len();
        let mut out = String::with_capacity(160 + texts + if more > 0 { more + 80 } else { 0 });
        if self.edits.is_empty() {
            out.push('{');
        } else {
            out.push_str(OPENING);
            out.push_str(&self.edits);
            out.push(',');
        }
        out.push_str("\"idempotencyKey\":\"");
        tab.push_key(&mut out, seq, self.at);
        out.push_str("\",\"seq\":");
        push_u64(&mut out, seq);
        out.push_str(",\"name\":");
        out.push_str(&self.name);
        out.push_str(",\"userId\":");
        out.push_str(&self.user);
        out.push_str(",\"anonymousId\":");
        out.push_str(&self.anonymous);
        out.push_str(",\"timestamp\":\"");
        push_timestamp(&mut out, self.at.0);
        out.push_str("\",\"properties\":");
        out.push_str(&self.properties);
        if let Some((id, number)) = &self.session {
            out.push_str(",\"sessionId\":");
            out.push_str(id);
            if *number > 0 {
                out.push_str(",\"sessionSeq\":");
                push_u64(&mut out, *number);
            }
        }
        push_member(&mut out, ",\"value\":", &self.value);
        if let Some(rate) = self.rate {
            out.push_str(",\"sampleRate\":");
            push_rate(&mut out, rate);
        }
        push_member(&mut out, ",\"groups\":", &self.groups);
        push_member(&mut out, ",\"attribution\":", &self.attribution);
        push_member(&mut out, ",\"context\":", &self.context);
        out.push('}');
        out
    }
}

fn push_member(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        out.push_str(name);
        out.push_str(value);
    }
}

/// A rate from 0.01 up to 1, in millionths: written by hand because formatting a float would be a large part of
/// the wasm.
fn push_rate(out: &mut String, rate: f64) {
    let mut millionths = (rate * 1e6 + 0.5) as u64;
    let mut digits = String::new();
    for _ in 0..6 {
        let digit = (millionths % 10) as u8;
        millionths /= 10;
        digits.insert(0, char::from(b'0' + digit));
    }
    push_u64(out, millionths);
    let digits = digits.trim_end_matches('0');
    if !digits.is_empty() {
        out.push('.');
        out.push_str(digits);
    }
}
