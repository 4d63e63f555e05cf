//! The nouns that everybody uses.

pub mod drop_reason;
pub mod event;
pub mod gap;
pub mod ids;
pub mod lists;
pub mod rng;
pub mod store;
pub mod time;
