//! Who the visitor is.

pub mod keeper;
