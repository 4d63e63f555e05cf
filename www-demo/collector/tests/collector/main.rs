//! Starts the real binary on a free port and talks HTTP to it: what is promised to clients is tested
//! where clients are, and rows are looked at with `collector sql`, from outside the process.
//!
//! Not covered: a power cut (fsync is asked for, see `db/schema.rs`, but a test cannot pull a plug).

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod clocks;
mod cors;
mod durability;
mod erasure;
mod faults;
mod fields;
mod ingest;
mod keys;
mod limits;
mod metrics;
mod migration;
mod reads;
mod shutdown;
mod statics;
mod stream;
mod support;
mod users;
mod warehouse;
