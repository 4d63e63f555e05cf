//! Wrong read keys are counted by address, and an address with too many of them has to wait. The
//! table is bounded: whoever comes from many addresses gains no memory of ours.
//!
//! Behind a proxy all requests come from the proxy's address and share its count; `Forwarded` headers
//! are not believed, since anyone can write them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::ApiError;

const FAILURES_MAX: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
const ADDRESSES_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<BTreeMap<IpAddr, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    failures: u32,
}

impl Window {
    /// What is left of it; nothing once it is over.
    fn left(&self, now: Instant) -> Option<Duration> {
        let left = WINDOW.checked_sub(now.saturating_duration_since(self.began))?;
        (!left.is_zero()).then_some(left)
    }
}

impl Failures {
    pub(super) fn check(&self, peer: IpAddr, now: Instant) -> Result<(), ApiError> {
        let table = self.lock();
        let window = table.get(&network(peer));
        match window.filter(|window| window.failures >= FAILURES_MAX) {
            Some(window) => match window.left(now) {
                Some(left) => Err(ApiError::TooManyFailures {
                    seconds: left.as_secs() + 1,
                }),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    pub(super) fn count(&self, peer: IpAddr, now: Instant) {
        let mut table = self.lock();
        let fresh = Window {
            began: now,
            failures: 0,
        };
        let network = network(peer);
        if !table.contains_key(&network) && table.len() >= ADDRESSES_MAX {
            make_room(&mut table, now);
        }
        let window = table.entry(network).or_insert(fresh);
        if window.left(now).is_none() {
            *window = fresh;
        }
        window.failures = window.failures.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those whose window is over go; if all are in one, the one that began first goes.
fn make_room(table: &mut BTreeMap<IpAddr, Window>, now: Instant) {
    table.retain(|_, window| window.left(now).is_some());
    if table.len() < ADDRESSES_MAX {
        return;
    }
    let oldest = table.iter().min_by_key(|(_, window)| window.began);
    if let Some(address) = oldest.map(|(address, _)| *address) {
        table.remove(&address);
    }
}

/// One customer has a /64 of IPv6 addresses to choose from: they count as one.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    fn blocked(failures: &Failures, peer: IpAddr, now: Instant) -> bool {
        failures.check(peer, now).is_err()
    }

    #[test]
    fn too_many_in_a_window_and_it_has_to_wait_for_its_end() {
        let (failures, start) = (Failures::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            assert!(!blocked(&failures, v4(1), start));
            failures.count(v4(1), start);
        }
        assert!(blocked(&failures, v4(1), start));
        assert!(!blocked(&failures, v4(2), start), "another address");
        let almost = WINDOW - Duration::from_millis(1);
        assert!(blocked(&failures, v4(1), start + almost));
        let told = failures.check(v4(1), start + Duration::from_secs(10));
        assert!(matches!(
            told,
            Err(ApiError::TooManyFailures { seconds: 51 })
        ));
        assert!(!blocked(&failures, v4(1), start + WINDOW));
        failures.count(v4(1), start + WINDOW);
        assert!(!blocked(&failures, v4(1), start + WINDOW), "a new window");
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one() {
        let (failures, now) = (Failures::default(), Instant::now());
        for n in 0..FAILURES_MAX {
            let address = format!("2001:db8::{n:x}").parse().unwrap();
            failures.count(address, now);
        }
        assert!(blocked(&failures, "2001:db8::ffff".parse().unwrap(), now));
        assert!(!blocked(&failures, "2001:db8:0:1::1".parse().unwrap(), now));
    }

    #[test]
    fn the_table_does_not_grow_past_its_bound() {
        let (failures, start) = (Failures::default(), Instant::now());
        let last = u32::try_from(ADDRESSES_MAX).unwrap() + 100;
        for n in 0..last {
            failures.count(v4(n), start + Duration::from_micros(n.into()));
        }
        let table = failures.lock();
        assert_eq!(table.len(), ADDRESSES_MAX);
        assert!(!table.contains_key(&v4(0)), "the oldest gave way");
        assert!(table.contains_key(&v4(last - 1)));
    }
}
