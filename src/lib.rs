//! `sendoff`: browser analytics that does not lose events.
//!
//! The crate is built in three layers, to be read in this order.
//!
//! * [`engine`] decides everything and does nothing: it is told what happened and what time it is
//!   ([`engine::io::Input`]), keeps its journal in a [`model::store::Store`] that it is handed, and answers with what is
//!   to be done ([`engine::io::Output`]). No clock, no randomness of its own, no browser: it compiles and runs natively,
//!   where simulations run thousands of tabs from a seed. It is made of parts that own their state and do not know each
//!   other: [`intake`] (calls become events), [`visitor`] (who it is), [`journal`] (what is kept, and how far each
//!   destination is), [`delivery`] (what is sent when), [`tabs`] (who sends), [`metrics`] (a
//!   second stream, of numbers).
//! * [`wire`] writes what goes to the destinations: one file per format.
//! * `web` (wasm32 only) is the thin shell between the engine and the browser, without policy. The browser itself is an
//!   object in `pkg-template/platform`, one file per API.
//!
//! Where a change goes: a new reason to drop an event, [`model::drop_reason`]; another rule for retries,
//! [`delivery::retry`]; a new format, a file in [`wire`] with the trait [`wire::Format`]; another place to run,
//! `pkg-template/platform`.
//!
//! Three terms run through all of it. A *tab* is one load of one page: it numbers its events 1, 2, 3 … and alone writes
//! its *journal* (segments of events in localStorage) while it lives. The *leader* is the one tab that sends for all. A
//! *sealed batch* is a range of one tab's events whose id and bytes never change again, whoever sends it and however
//! often.

#![warn(missing_docs)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod delivery;
pub mod engine;
pub mod intake;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod tabs;
pub mod text;
pub mod visitor;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod wire;
