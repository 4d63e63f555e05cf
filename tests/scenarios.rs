#![cfg(not(target_arch = "wasm32"))]
//! Stories: what sendoff promises, one rule at a time, each told on a small world and read in a minute.
//!
//! # Goal
//!
//! To say in a few lines, for every rule of delivery, of storage, of tabs and of leaving, what happens
//! and what must not. Where the simulation shows that nothing goes wrong in any order, a story shows
//! what going right looks like, and names the rule when it breaks.
//!
//! # Method
//!
//! A [world](world::World) holds one to a few tabs, each the real engine; one [disk](disk::Disk) that they share; a
//! [collector](collector::Collector) that does as it is told, and else stores; and a clock that
//! only moves when a story turns it. After every call of an engine the world itself checks that the
//! account balances and that the keepalive budget of a page is kept. One file is no story: [`vendors`] plays small worlds from
//! seeds, with all formats as destinations, and metrics.
//!
//! # What it does not cover
//!
//! Things going wrong together and in every order (`tests/sim`), the bytes of the wire format
//! (`tests/wire.rs`), real browsers (`tests/web`, `tests/e2e`).

#[path = "scenarios/collector.rs"]
mod collector;
#[path = "scenarios/disk.rs"]
mod disk;
#[path = "scenarios/world.rs"]
mod world;

#[path = "scenarios/accounts.rs"]
mod accounts;
#[path = "scenarios/consent.rs"]
mod consent;
#[path = "scenarios/cost.rs"]
mod cost;
#[path = "scenarios/deferred.rs"]
mod deferred;
#[path = "scenarios/delivery.rs"]
mod delivery;
#[path = "scenarios/endings.rs"]
mod endings;
#[path = "scenarios/fixtures.rs"]
mod fixtures;
#[cfg(feature = "destinations")]
#[path = "wire_formats/form.rs"]
mod form;
#[path = "scenarios/metrics.rs"]
mod metrics;
#[path = "scenarios/outages.rs"]
mod outages;
#[path = "scenarios/storage.rs"]
mod storage;
#[path = "scenarios/tabs.rs"]
mod tabs;
#[cfg(feature = "destinations")]
#[path = "scenarios/vendors.rs"]
mod vendors;
