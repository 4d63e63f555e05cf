//! What other tabs say of themselves, and what a lease makes of it.

use super::{ANSWER_MS, ASK_MS, Election, JOIN_MS, Role, Word};
use crate::{
    model::{ids::TabId, rng::Rng, time::Instant},
    tabs::peer::{Message, Says, Standing},
};

impl Election {
    /// Compares standings: the better claim is followed, a worse one is answered by ours.
    pub(super) fn on_standing(&mut self, now: Instant, from: TabId, standing: Standing) {
        let term = self.term.max(standing.term);
        if !standing.leads {
            // Its own claim must beat every term it has heard of.
            if self.role != Role::Leader {
                self.term = term;
            } else if standing.term > self.term {
                // It knows a better leader than us: let that one hear of us, and answer.
                self.on_activity(now);
            }
            return;
        }
        let better = (standing.term, self.leader) > (self.term, from);
        if self.role == Role::Joining || self.leader == from || better {
            self.term = term;
            if self.become_role(Role::Follower, from) {
                self.schedule_ask(now);
            }
        } else if self.role == Role::Leader {
            // Not at every word it says: our last claim is on its way to it, or came before its
            // own hello, which was answered.
            self.on_activity(now);
        } else if self.answer_by == Instant::NEVER && self.leader_silent_ms(now) >= ANSWER_MS {
            // Somebody claims who does not know our leader: either that one is gone, or it will say so. Not asked at
            // every word: the answer of the one that claims is another worse claim.
            self.ask(now);
        }
    }

    pub(super) fn on_hello(&mut self, now: Instant, message: &Message) {
        match self.role {
            Role::Leader if message.standing.visible && !self.visible => {
                self.hand_over(now, message.from);
            }
            Role::Leader => self.say(Word::Here),
            // Two tabs that start together: the one with the lower id goes first.
            Role::Joining if message.from < self.me => self.act_at = now + 3 * JOIN_MS,
            Role::Joining | Role::Follower | Role::Alone => {}
        }
    }

    pub(super) fn on_ping(&mut self, now: Instant, message: &Message) {
        match self.role {
            // The answer of one that stays is the host's affair: it knows what it holds.
            Role::Leader if message.standing.visible && !self.visible => {
                self.hand_over(now, message.from);
            }
            // Somebody else has asked: its answer will do for us.
            Role::Follower if !self.waiting => {
                self.act_at = self.act_at.max(now + ANSWER_MS + ASK_MS);
            }
            _ => {}
        }
    }

    pub(super) fn on_yield(&mut self, now: Instant, to: TabId, rng: &mut Rng) {
        if to == self.me {
            self.claim(now);
        } else if self.role == Role::Follower {
            // Whoever was named will claim; if it does not, somebody must.
            self.seek_leader(now, 3 * JOIN_MS, rng);
        }
    }

    /// Whatever the leader says is a sign of life, to whomever it says it.
    pub(super) fn on_leader_heard(&mut self, now: Instant, message: &Message, rng: &mut Rng) {
        if self.role != Role::Follower || self.leader != message.from {
            return;
        }
        self.answer_by = Instant::NEVER;
        self.asked_again = false;
        let says = &message.says;
        if !message.standing.leads && !matches!(says, Says::Yield { .. }) {
            self.seek_soon(now, rng);
        } else if !self.waiting || matches!(says, Says::Pong { to, .. } if *to == self.me) {
            // Not all at the same time: whoever is first asks for everybody.
            self.schedule_ask(now);
            self.act_at = self.act_at + rng.below(ASK_MS);
        }
    }
}
