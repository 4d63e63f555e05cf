//! One tab's events, what has become of them at each destination, and their durable copy in the store.

pub mod cursor;
pub mod entries;
pub mod log;
pub mod lot;
pub mod reading;
pub mod record;
pub mod seal;
pub mod segments;
pub mod share;
pub mod stream;
