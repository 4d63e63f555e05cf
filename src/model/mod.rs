//! The nouns that everybody uses.

pub mod ids;
pub mod lists;
pub mod rng;
pub mod store;
pub mod time;
