//! From a call of the page to an event.

pub mod call;
