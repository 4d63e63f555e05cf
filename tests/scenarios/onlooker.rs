//! What an onlooker sees of a world: accounts, reports, the disk, the collector's data.

use sendoff::engine::io::Means;
use sendoff::engine::report::{Report, Stats};
use sendoff::model::drop_reason::DropReason;

use super::World;
use crate::collector::Sent;

impl World {
    /// Bytes that a tab's keepalive requests and beacons have in flight.
    pub(crate) fn keepalive_bytes(&self, tab: usize) -> usize {
        let at = &self.tabs[tab];
        let kept = at
            .hanging
            .iter()
            .filter(|sent| sent.means == Means::Keepalive);
        kept.map(|sent| sent.body.len()).sum::<usize>() + at.beacon_bytes
    }

    pub(crate) fn stats(&self, tab: usize) -> Stats {
        self.tabs[tab].engine.stats()
    }

    pub(crate) fn role(&self, tab: usize) -> &'static str {
        self.stats(tab).role
    }

    /// Tabs that run and lead.
    pub(crate) fn leaders(&self) -> Vec<usize> {
        (0..self.tabs.len())
            .filter(|tab| self.tabs[*tab].runs && self.role(*tab) == "leader")
            .collect()
    }

    pub(crate) fn name(&self, tab: usize) -> &str {
        &self.tabs[tab].name
    }

    /// Numbers of a tab's events that the collector has.
    pub(crate) fn stored(&self, tab: usize) -> Vec<u64> {
        self.collector.seqs_of(self.name(tab))
    }

    /// What the collector was told that a tab gave up: first and last number, and why.
    pub(crate) fn explained(&self, tab: usize) -> Vec<(u64, u64, String)> {
        self.collector.tombstones_of(self.name(tab))
    }

    /// Keys of a tab's journal.
    pub(crate) fn journal(&self, tab: usize) -> Vec<String> {
        self.disk.keys_of(self.name(tab))
    }

    /// Bodies that the browser holds for the time when the tab is gone.
    pub(crate) fn held(&self, tab: usize) -> &[Sent] {
        &self.tabs[tab].deferred
    }

    /// What was sent since then.
    pub(crate) fn sent_since(&self, mark: usize) -> &[Sent] {
        &self.sent[mark..]
    }

    pub(crate) fn reports(&self, tab: usize) -> &[Report] {
        &self.tabs[tab].reports
    }

    /// Codes of what was reported as wrong.
    pub(crate) fn errors(&self, tab: usize) -> Vec<&'static str> {
        let errors = self.reports(tab).iter().filter_map(|report| match report {
            Report::Error { code, .. } => Some(*code),
            _ => None,
        });
        errors.collect()
    }

    /// What was reported as given up.
    pub(crate) fn drops(&self, tab: usize) -> Vec<(DropReason, u32)> {
        let drops = self.reports(tab).iter().filter_map(|report| match report {
            Report::Dropped { count, reason, .. } => Some((*reason, *count)),
            _ => None,
        });
        drops.collect()
    }

    /// Failed deliveries that were reported: status and events.
    pub(crate) fn failures(&self, tab: usize) -> Vec<(u16, u32)> {
        let failures = self.reports(tab).iter().filter_map(|report| match report {
            Report::DeliveryFailed { status, events, .. } => Some((*status, *events)),
            _ => None,
        });
        failures.collect()
    }

    /// The answers to a flush: delivered, pending, dropped.
    pub(crate) fn flushed(&self, tab: usize, flush: u32) -> Vec<(u32, u32, u32)> {
        let answers = self.reports(tab).iter().filter_map(|report| match report {
            Report::Flushed {
                id,
                delivered,
                pending,
                dropped,
            } if *id == flush => Some((*delivered, *pending, *dropped)),
            _ => None,
        });
        answers.collect()
    }
}
