//! The simulation: whole browsers full of tabs, played from a seed.
//!
//! # Goal
//!
//! To show that no event is lost or doubled *in any order of things going wrong*: every tab runs the
//! real engine, and everything around it (clock, storage, channel, network, collector, browser) is
//! a model that misbehaves as the real ones do, thousands of times a second and the same way again
//! for the same seed.
//!
//! # Method
//!
//! A [seed](seed::Seed) makes a [profile](profile::Profile): how many tabs and processes, which
//! browser features, which faults and how often, which configuration. Then three phases:
//!
//! 1. **Chaos.** The [script](script) acts (opens, closes, navigates, crashes, freezes, hides,
//!    clears, fills, jumps clocks …) while pages track events and faults are on.
//! 2. **Heal.** Every fault ends and one visible tab is there.
//! 3. **Drain.** The world must become quiet in bounded time and steps; then it is watched for half
//!    a minute, and every event is accounted for.
//!
//! All that happens goes through one queue on one virtual clock, and every choice comes from its
//! seed by [generators](rng::Rng) of our own, so a failing seed is replayed exactly, with a readable trace:
//!
//! ```text
//! SIM_SEED=4711 cargo test --test sim -- --nocapture
//! SIM_SEED=single:12 cargo test --test sim -- --nocapture
//! SIM_SOAK=1 cargo test --test sim soak -- --ignored --nocapture     new seeds until one fails
//! SIM_COVERAGE=1 cargo test --test sim ten_thousand -- --nocapture   with the coverage table
//! ```
//!
//! The world looks at the engine only from outside: its outputs, its reports, its `stats()`. It does
//! not repeat the engine's logic; the [model](model) is a ledger of events, of what became of each at
//! each destination, and of its durable copy.
//!
//! [Destinations](places) are three, in some worlds two or one: the native one, one with [two routes and one that
//! answers in parts](formats). Each has a network, faults, outages and a collector of its own; in some worlds
//! they appear, disappear, are renamed or are encoded anew between visits. A tab of an
//! [older build](channel) is today's behind a filter.
//!
//! # Invariants
//!
//! After every call of an engine, or at the end of a run; for every destination by itself:
//!
//! 1. *Conservation.* `accepted + adopted = delivered + pending + handed_back + Σ dropped`; every
//!    valid call is accepted, no other is; every drop in the account has been reported, and so has whatever a
//!    destination is told was given up.
//! 2. *Truth.* Nothing is sent that was not tracked; name, user, page and properties are to
//!    the byte what the page said, and within a tab time does not run backwards. Tombstones name tracked events only.
//! 3. *Once in the data.* Every accepted event is stored under its one key, or it is known why not:
//!    its batch was refused, a tombstone names it, its own tab reported that many drops, memory alone
//!    held it (and its engine said so) when its tab died, or the very record it was in was destroyed by the user,
//!    another script or a killed browser and its tab died before writing it again.
//! 4. *Order.* No event of a tab is sent before its predecessors have been sent or given up.
//! 5. *Keys.* One event, one idempotency key, one sequence of bytes, whoever sends it, wherever.
//! 6. *Seals.* One batch id, one content, whoever sends it.
//! 7. *Leaders.* Two leaders that hear each other agree within 2 s; a quiet world has exactly one a project.
//! 8. *Patience.* No request before `Retry-After` has passed, nor within 5 s of the breaker's opening,
//!    which follows a few failures in a row; never 40 failures in a row in 10 s. Requests on the way out are
//!    exempt. None to a destination that the page has paused.
//! 9. *Bounds.* Waiting events, bytes and events of a body, bytes of storage, keepalive bytes in flight; the page
//!    can always write to its own storage once it has room.
//! 10. *Followers* send nothing, except on the way out, through deferred requests, and where their leader leaves a
//!     destination to them, or knows less than they.
//! 11. *Receipts.* What is reported as delivered has arrived.
//! 12. *Rest.* A healed world becomes quiet: nothing pending, no key left but the identity, no
//!     request sent any more.
//! 13. *Determinism.* The same seed gives the same trace.
//! 14. *Adoption.* With a visible tab and a healthy network, a crashed tab's events arrive within
//!     10 s and the time of a delivery.
//! 15. *Manners.* No key outside `sendoff:<project>:` is touched.
//! 16. *No spinning.* Outputs and wake-ups without time passing are bounded.
//! 17. *Answers.* `flush()` and `shutdown()` are answered once.
//! 18. *No silent holes.* In a destination's data every hole in a tab's numbers is explained by a
//!     tombstone, where its dialect has a place for them, unless the tab's record was destroyed or could not be
//!     written, or the destination refused for good the batch that had nothing but the tombstone in it, or
//!     whoever found the events too old may not have known the destination: then nothing was left to tell it.
//! 19. *Durable.* When a call returns, its events are in the store, if that can hold them.
//! 20. *Prompt.* With a healthy network, an event of a page that stays visible arrives within 10 s
//!     whatever happens to the tab that sends it. Where everything is late but nobody fails and nobody goes, the
//!     native destination, which can be asked, gets nothing twice; and of all that it gets in any kind of
//!     world, at most 2 % has arrived before and the network is not to blame.
//! 21. *Last words.* With a healthy network, what a page had when it was left in an orderly way arrives without a
//!     later visit, up to 63 KiB, whatever other tabs do.
//! 22. *Owners.* Nobody touches the journal of a tab that lives and is heard.
//! 23. *Routes.* An event goes where it is owed, by the route and as the type that its destination wants.
//! 24. *Neighbours.* Events that somebody on the way dislikes for good are set aside, and nobody else is.
//! 25. *Apart.* A destination that is down for good delays no other by more than 100 ms, and costs it no event.
//! 26. *Crowds.* Up to 40 tabs opened at once have everything delivered in 20 s, nothing twice; idle, they exchange
//!     one message a second at most, however many they are.
//!
//! A simulation that never meets a case proves nothing about it: [`coverage::CASES`] lists the cases
//! that have to occur.
//!
//! # What it does not cover
//!
//! The shell in `src/web` and the facade (they have browser tests), the collector's own code, sessions, consent and
//! attribution, metrics and the vendors' formats (`tests/scenarios/vendors.rs` has both), real browsers' scheduling. Storage that tears a single value in two is
//! represented by damaged values only.
//!
//! # That it can fail
//!
//! `make bugs` puts deliberate bugs into a copy of the engine, one at a time (`tests/bugs`), and none of them may
//! get through.

mod account;
mod bodies;
mod calls;
mod channel;
mod collector;
mod coverage;
mod crowd;
mod dates;
mod drive;
mod durable;
mod ending;
mod fate;
mod faults;
mod formats;
mod hands;
mod heal;
mod invariants;
mod leaving;
mod lifecycle;
mod model;
mod network;
mod places;
mod profile;
mod rng;
mod run;
mod script;
mod seed;
mod sites;
mod storage;
mod summary;
mod tab;
mod timely;
mod watch;
mod weights;
mod world;
