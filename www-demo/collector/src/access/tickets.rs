//! Tickets for the stream: an address may be logged and a ticket stands in one, so it opens one
//! stream, once, soon, and nothing else.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use super::secret::Secret;

pub(super) const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Unused ones; beyond that the oldest is void.
const TICKETS_MAX: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Tickets(Mutex<VecDeque<Ticket>>);

#[derive(Debug)]
struct Ticket {
    secret: Secret,
    project: String,
    issued: Instant,
}

impl Tickets {
    pub(super) fn issue(&self, secret: String, project: String, now: Instant) {
        let mut tickets = self.lock();
        if tickets.len() >= TICKETS_MAX {
            tickets.pop_front();
        }
        tickets.push_back(Ticket {
            secret: Secret::new(secret),
            project,
            issued: now,
        });
    }

    /// The project it was issued for. It is void from now on.
    pub(super) fn redeem(&self, presented: &str, now: Instant) -> Option<String> {
        let mut tickets = self.lock();
        tickets.retain(|ticket| now.saturating_duration_since(ticket.issued) < TICKET_LIFE);
        let mut found = None;
        for (i, ticket) in tickets.iter().enumerate() {
            if bool::from(ticket.secret.bytes().ct_eq(presented.as_bytes())) {
                found = Some(i);
            }
        }
        tickets.remove(found?).map(|ticket| ticket.project)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_soon() {
        let (tickets, start) = (Tickets::default(), Instant::now());
        for name in ["a", "b"] {
            tickets.issue(name.to_owned(), format!("project of {name}"), start);
        }
        assert_eq!(tickets.redeem("c", start), None);
        assert_eq!(tickets.redeem("a", start).unwrap(), "project of a");
        assert_eq!(tickets.redeem("a", start), None, "used");
        assert_eq!(tickets.redeem("b", start + TICKET_LIFE), None, "too late");
    }

    #[test]
    fn unused_ones_are_bounded() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        for n in 0..=TICKETS_MAX {
            tickets.issue(n.to_string(), "p".to_owned(), now);
        }
        assert_eq!(tickets.redeem("0", now), None);
        assert!(tickets.redeem("1", now).is_some());
        assert!(tickets.redeem(&TICKETS_MAX.to_string(), now).is_some());
    }
}
