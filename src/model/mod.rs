//! The nouns that everybody uses.

pub mod drop_reason;
pub mod edits;
pub mod ending;
pub mod event;
pub mod gap;
pub mod ids;
pub mod request;
pub mod rng;
pub mod spans;
pub mod store;
pub mod time;
