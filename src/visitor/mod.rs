//! Who the visitor is.

pub mod identity;
