//! The tabs of one origin: who leads, and what they say to each other.

pub mod election;
pub mod peer;
