//! Sending: when the next request may leave, and what its outcome means.

pub mod breaker;
pub mod retry;
