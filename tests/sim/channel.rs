//! The `BroadcastChannel` between the tabs of a project: with delay, and in order for each pair but where a world has
//! messages overtake each other; lossy in some worlds while faults last. A frozen tab hears everything when it
//! thaws, a closed channel never.
//!
//! A tab of an older build is today's engine behind a filter: its capability word lacks the bits that its build did
//! not know, and it neither says nor hears what came with them. A newer build says things that nobody knows.

use std::rc::Rc;

use sendoff::tabs::peer::{CAPABILITIES, TAKES_OFFERS, TELLS_SENDING};

use crate::tab::{Arrival, Life};
use crate::world::{Event, World};

/// A message on its way to one tab.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The opening of the receiver's channel it was meant for.
    pub(crate) opening: u32,
    pub(crate) text: Rc<str>,
}

/// What a build that lacks the newest capability, or all of them, does not have.
pub(crate) const LACKS: [u32; 2] = [
    1 << (u32::BITS - 1 - CAPABILITIES.leading_zeros()),
    CAPABILITIES,
];
/// The field of a message that says what its sender can do, and the one that says what kind it is.
const CAN: usize = 5;
const KIND: usize = 1;

impl World {
    pub(crate) fn open_channel(&mut self, tab: usize) {
        let has_channel = self.profile.platform.has_channel;
        let tab = &mut self.tabs[tab];
        if has_channel && tab.channel.is_none() {
            tab.channel_openings += 1;
            tab.channel = Some(tab.channel_openings);
        }
    }

    pub(crate) fn close_channel(&mut self, tab: usize) {
        self.tabs[tab].channel = None;
    }

    /// Performs `Output::Post`.
    pub(crate) fn post(&mut self, from: usize, text: &str) {
        let Some(text) = self.as_built(from, text) else {
            return;
        };
        self.log("post", from, text.len() as u64, || {
            text.chars().take(160).collect()
        });
        if self.tabs[from].channel.is_none() {
            return;
        }
        self.posts += 1;
        self.broadcast(from, &text);
        if self.profile.newer && self.dice.chance(50) {
            self.coverage.hit("unknown message");
            let name = &self.tabs[from].name;
            self.broadcast(
                from,
                &format!("3\tsing\t{name}\t1\tVA\t255\tto={name}\tsong=la la"),
            );
        }
    }

    fn broadcast(&mut self, from: usize, text: &str) {
        let text: Rc<str> = text.into();
        for to in 0..self.tabs.len() {
            let Some(opening) = self.tabs[to].channel else {
                continue;
            };
            let apart = self.tabs[to].project != self.tabs[from].project;
            if to == from || apart || self.tabs[to].life == Life::Dead {
                continue;
            }
            if self.dice.chance(self.faults.channel_loss) {
                self.coverage.hit("channel lossy");
                continue;
            }
            let delay = self.channel_delay(from, to);
            let message = Message {
                from,
                to,
                opening,
                text: text.clone(),
            };
            self.at(delay, Event::Message(message));
        }
    }

    fn channel_delay(&mut self, from: usize, to: usize) -> u64 {
        let at = self.now + self.upto(self.faults.channel_delay_ms_max);
        let last = self.channel_order.entry((from, to)).or_default();
        if self.faults.overtaking {
            if *last > at {
                self.coverage.hit("message overtaken");
            }
            *last = at.max(*last);
            return at - self.now;
        }
        *last = at.max(*last);
        *last - self.now
    }

    /// What a tab of its build says; `None` for what it does not know.
    fn as_built(&self, from: usize, text: &str) -> Option<String> {
        let lacks = self.tabs[from].lacks;
        if lacks == 0 && !self.profile.newer {
            return Some(text.to_owned());
        }
        let mut fields: Vec<String> = text.split('\t').map(str::to_owned).collect();
        if fields[KIND] == "sending" && lacks & TELLS_SENDING != 0 {
            return None;
        }
        let can: u32 = fields[CAN].parse().unwrap_or(0);
        fields[CAN] = (can & !lacks).to_string();
        if self.profile.newer && lacks == 0 {
            fields.push("later={\"x\":[1,2]}".to_owned());
        }
        Some(fields.join("\t"))
    }

    /// A message reaches its tab.
    pub(crate) fn hear(&mut self, message: Message) {
        let Message {
            from,
            to,
            opening,
            text,
        } = message;
        if self.tabs[to].channel != Some(opening) {
            self.coverage.hit("delivered to nobody");
            return;
        }
        let kind = text.split('\t').nth(KIND).unwrap_or("");
        if !knows(self.tabs[to].lacks, kind) {
            self.coverage.hit("older build");
            return;
        }
        self.deliver(to, Arrival::Peer { from, text });
    }
}

/// Whether a build knows what to do with a kind of message.
fn knows(lacks: u32, kind: &str) -> bool {
    match kind {
        "sending" => lacks & TELLS_SENDING == 0,
        "offer" => lacks & TAKES_OFFERS == 0,
        _ => true,
    }
}
