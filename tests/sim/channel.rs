//! The `BroadcastChannel` between the tabs: in order for each pair, with delay; lossy in some worlds
//! while faults last. A frozen tab hears everything when it thaws, a closed channel never.

use std::rc::Rc;

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

impl World {
    pub(crate) fn open_channel(&mut self, tab: usize) {
        let has_channel = self.profile.has_channel;
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
        self.log("post", from, text.len() as u64, || {
            text.chars().take(160).collect()
        });
        if self.tabs[from].channel.is_none() {
            return;
        }
        self.posts += 1;
        let text: Rc<str> = text.into();
        for to in 0..self.tabs.len() {
            let Some(opening) = self.tabs[to].channel else {
                continue;
            };
            if to == from || self.tabs[to].life == Life::Dead {
                continue;
            }
            if self.rng.chance(self.faults.channel_loss) {
                self.coverage.hit("channel lossy");
                continue;
            }
            let at = self.now + self.rng.below(self.faults.channel_delay_ms_max + 1);
            let last = self.channel_order.entry((from, to)).or_default();
            *last = at.max(*last);
            let delay = *last - self.now;
            let message = Message {
                from,
                to,
                opening,
                text: text.clone(),
            };
            self.at(delay, Event::Message(message));
        }
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
        self.deliver(to, Arrival::Peer { from, text });
    }
}
