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
//! A [seed](profile::Seed) makes a [profile](profile::Profile): how many tabs and processes, which
//! browser features, which faults and how often, which configuration. Then three phases:
//!
//! 1. **Chaos.** The [script](script) acts (opens, closes, navigates, crashes, freezes, hides,
//!    clears, fills, jumps clocks …) while pages track events and faults are on.
//! 2. **Heal.** Every fault ends and one visible tab is there.
//! 3. **Drain.** The world must become quiet in bounded time and steps; then it is watched for half
//!    a minute, and every event is accounted for.
//!
//! All that happens goes through one queue on one virtual clock, and every choice comes from one
//! [generator](rng::Rng), so a failing seed is replayed exactly, with a readable trace:
//!
//! ```text
//! SIM_SEED=4711 cargo test --test sim -- --nocapture
//! SIM_SEED=single:12 cargo test --test sim -- --nocapture
//! SIM_SOAK=1 cargo test --test sim soak -- --ignored --nocapture     new seeds until one fails
//! SIM_COVERAGE=1 cargo test --test sim ten_thousand -- --nocapture   with the coverage table
//! ```
//!
//! The world looks at the engine only from outside: its outputs, its reports, its `stats()`. It does
//! not repeat the engine's logic; the [model](model) is a ledger of events and of what may excuse
//! the loss of one.
//!
//! # Invariants
//!
//! After every call of an engine, or at the end of a run:
//!
//! 1. *Conservation.* `accepted + adopted = delivered + pending + handed_back + Σ dropped`; every
//!    valid call is accepted, no other is; every drop in the account has been reported.
//! 2. *Truth.* Nothing is sent that was not tracked; name, user, timestamp and properties are to
//!    the byte what the page said. Tombstones name tracked events only.
//! 3. *Once in the data.* Every accepted event is stored under its one key, or it is known why not:
//!    its batch was refused, a tombstone names it, a drop of that many was reported, memory alone
//!    held it (`stats().volatile`) when its tab died, or its record was destroyed by the user, another
//!    script or a killed browser and its tab died before delivering it.
//! 4. *Order.* No event of a tab is sent before its predecessors have been sent or given up.
//! 5. *Keys.* One event, one idempotency key, one sequence of bytes, whoever sends it.
//! 6. *Seals.* One batch id, one body, whoever sends it.
//! 7. *Leaders.* Two leaders that hear each other agree within 2 s; a quiet world has exactly one.
//! 8. *Patience.* No request before `Retry-After` has passed, nor within 5 s of the breaker's opening,
//!    which follows a few failures in a row; never 40 failures in 10 s. Requests on the way out are
//!    exempt.
//! 9. *Bounds.* Waiting events, bytes of storage, keepalive bytes in flight; the page can always write
//!    to its own storage once it has room.
//! 10. *Followers* send nothing, except on the way out and through deferred requests.
//! 11. *Receipts.* What is reported as delivered has arrived.
//! 12. *Rest.* A healed world becomes quiet: nothing pending, no key left but the identity, no
//!     request sent any more.
//! 13. *Determinism.* The same seed gives the same trace.
//! 14. *Adoption.* With a visible tab and a healthy network, a crashed tab's events arrive within
//!     10 s and the time of a delivery.
//! 15. *Manners.* No key outside `sendoff:<project>:` is touched.
//! 16. *No spinning.* Outputs and wake-ups without time passing are bounded.
//! 17. *Answers.* `flush()` and `shutdown()` are answered once.
//! 18. *No silent holes.* In the collector's data every hole in a tab's numbers is explained by a
//!     tombstone, unless the tab's records were destroyed or memory alone held them, or the collector
//!     refused for good the batch that had nothing but the tombstone in it.
//! 19. *Durable.* When a call returns, its events are in the store, if that can hold them.
//! 20. *Prompt.* With a healthy network, an event of a page that stays visible arrives within 10 s
//!     whatever happens to the tab that sends it; and of all that arrives then at most 2 % has
//!     arrived before. Where everything is late but nobody fails and nobody goes, nothing has.
//!
//! A simulation that never meets a case proves nothing about it: [`coverage::CASES`] lists the cases
//! that have to occur.
//!
//! # What it does not cover
//!
//! The shell in `src/web` and the facade (they have browser tests), the collector's own code, several
//! projects in one page, real browsers' scheduling. Storage that tears a single value in two is
//! represented by damaged values only. Messages on the channel are lost but never reordered.
//!
//! # That it can fail: deliberate bugs
//!
//! Each was put into a copy of the engine by itself, and the worlds were run until an invariant
//! broke: which one, and at which seed of which scenario first.
//!
//! | bug | invariant | first seed |
//! |---|---|---|
//! | acknowledge before the answer: a failed batch counts as delivered | 11 | general 0 |
//! | a beacon that was queued counts as delivered | 11 | general 105 |
//! | every receipt counts as known | 11 | general 1 |
//! | the last event of an adopted log is forgotten | 3 | general 1 |
//! | an adopted log is removed when it is taken over | 3 | general 1 |
//! | an adopter removes every key of the tab, read or not | 3 | general 521 |
//! | the idempotency key does not depend on the number | 5 | general 0 |
//! | a seal is forgotten on retry: sentAt is the time of sending | 6 | general 0 |
//! | Retry-After is ignored | 8 | general 1 |
//! | Retry-After as a date is read as zero | 8 | general 3 |
//! | the breaker never opens | 8 | general 25 |
//! | the breaker is not asked | 8 | general 25 |
//! | a leader does not step down for a better claim | 16 | general 0 |
//! | a lost leader is not replaced | 12 | general 7 |
//! | a follower sends for itself | 10 | general 0 |
//! | after a quota error events count as stored | 3 | general 2 |
//! | space given back takes the events from memory too | 1 | general 2 |
//! | calls are not journalled until the next | 19 | general 1 |
//! | segments are removed when sent, not when settled | 3 | general 1 |
//! | a cleared store goes unnoticed | 3 | general 7 |
//! | holes are not reported | 18 | general 18 |
//! | an offer is taken by every tab that thinks it leads | 20 | starved 0 |
//! | a journal is adopted however fresh it is | 20 | starved 0 |

mod account;
mod bodies;
mod calls;
mod channel;
mod collector;
mod coverage;
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
mod storage;
mod tab;
mod timely;
mod watch;
mod world;
