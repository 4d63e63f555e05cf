//! The context of an event: what its batch says of all, with what the event says of itself instead,
//! member by member.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::fields;

type Members = BTreeMap<String, Box<RawValue>>;

/// The context of a batch, read member-wise only once an event needs it.
pub(super) struct BatchContext<'a> {
    text: Option<&'a str>,
    members: Option<Members>,
}

impl<'a> BatchContext<'a> {
    pub(super) fn new(context: Option<&'a RawValue>) -> Self {
        Self {
            text: context.map(RawValue::get),
            members: None,
        }
    }

    /// What is stored with an event that has this context of its own, or none.
    pub(super) fn with(&mut self, own: Option<&RawValue>) -> Result<Option<String>, String> {
        let Some(own) = fields::object("context", own)? else {
            return Ok(self.text.map(str::to_owned));
        };
        let Some(text) = self.text else {
            return Ok(Some(own.to_owned()));
        };
        let members = match &self.members {
            Some(members) => members,
            None => self.members.insert(read("the batch's context", text)?),
        };
        let mut merged: BTreeMap<&str, &RawValue> = members
            .iter()
            .map(|(name, value)| (name.as_str(), &**value))
            .collect();
        let own = read("context", own)?;
        merged.extend(own.iter().map(|(name, value)| (name.as_str(), &**value)));
        let merged = serde_json::to_string(&merged);
        merged.map(Some).map_err(|e| format!("context: {e}"))
    }
}

fn read(what: &str, text: &str) -> Result<Members, String> {
    serde_json::from_str(text).map_err(|e| format!("{what} cannot be read member by member: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(batch: Option<&str>, own: Option<&str>) -> Result<Option<String>, String> {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let (batch, own) = (batch.map(raw), own.map(raw));
        BatchContext::new(batch.as_deref()).with(own.as_deref())
    }

    #[test]
    fn the_events_own_members_win() {
        let batch = r#"{"page":{"url":"a","title":"x"},"locale":"de"}"#;
        let own = r#"{"page":{"url":"b"},"extra":1.50}"#;
        let expected = r#"{"extra":1.50,"locale":"de","page":{"url":"b"}}"#;
        assert_eq!(
            merged(Some(batch), Some(own)),
            Ok(Some(expected.to_owned()))
        );
        assert_eq!(merged(Some(batch), None), Ok(Some(batch.to_owned())));
        assert_eq!(merged(None, Some(own)), Ok(Some(own.to_owned())));
        assert_eq!(merged(None, None), Ok(None));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(merged(None, Some("[]")).is_err());
        assert!(merged(Some("{}"), Some("5")).is_err());
        let unreadable = r#"{"\ud800":1}"#;
        assert!(merged(Some(unreadable), None).is_ok(), "kept as it is");
        let told = merged(Some(unreadable), Some("{}"));
        assert!(told.unwrap_err().starts_with("the batch's context"));
    }
}
