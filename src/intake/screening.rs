//! A call's texts without what is personal, before anything is made of them.

use std::borrow::Cow;

use crate::intake::{
    call::{Call, CallError},
    guard::{Guard, Pii},
};

/// The texts of a call that may hold something personal.
pub(super) struct Screened<'a> {
    name: Cow<'a, str>,
    properties: Cow<'a, str>,
    context: Cow<'a, str>,
    page: Cow<'a, str>,
    edits: Cow<'a, str>,
    /// Something personal was found.
    pub(super) found: bool,
}

impl<'a> Screened<'a> {
    /// # Errors
    /// Something personal is in it, and it is not to be had then.
    pub(super) fn of(call: &Call<'a>, guard: &Guard) -> Result<Self, CallError> {
        let config = guard.config();
        let properties = if call.kind.has_traits() {
            config.traits
        } else {
            config.values
        };
        let mut found = false;
        let mut check = |text, mode| screen(guard, text, mode, &mut found);
        Ok(Self {
            name: check(call.name, config.values)?,
            properties: check(call.properties, properties)?,
            context: check(call.context, config.values)?,
            page: check(call.page, config.values)?,
            edits: check(call.edits, properties)?,
            found,
        })
    }

    /// The call with these texts.
    pub(super) fn call<'b>(&'b self, call: &Call<'b>) -> Call<'b> {
        Call {
            name: &self.name,
            properties: &self.properties,
            context: &self.context,
            page: &self.page,
            edits: &self.edits,
            ..call.clone()
        }
    }
}

/// A text without what is personal; `found` says whether there was any.
pub(super) fn screen<'a>(
    guard: &Guard,
    json: &'a str,
    mode: Pii,
    found: &mut bool,
) -> Result<Cow<'a, str>, CallError> {
    if json.is_empty() || mode == Pii::Off {
        return Ok(Cow::Borrowed(json));
    }
    let checked = guard.json(json, mode);
    *found |= checked.found.is_some();
    if checked.rejected {
        return Err(CallError::Personal);
    }
    Ok(checked.text.map_or(Cow::Borrowed(json), Cow::Owned))
}
