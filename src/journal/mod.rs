//! One tab's events, and their durable copy in the store.

pub mod entries;
pub mod log;
pub mod record;
pub mod seal;
pub mod segments;
