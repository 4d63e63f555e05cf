//! How the leader looks after the others.

use super::{ANSWER_MS, Election, Member, OVERSLEPT_MS, ROLL_MS, Role, Word};
use crate::model::{ids::TabId, time::Instant};

/// The leader asks after a tab that has work and was silent this long.
const CHECK_MS: u64 = 4_000;
/// The leader asks after a tab without work that was silent this long, one at a time.
const IDLE_CHECK_MS: u64 = 60_000;
/// And not more often than this, however many there are: nobody waits for what such a tab has.
const IDLE_CHECK_EACH_MS: u64 = 20_000;
/// A leader that is idle repeats it this often, for another one that it does not know of.
const IDLE_ANNOUNCE_MS: u64 = 30_000;

impl Election {
    /// The leader looks after the others: gives up on those that did not answer, and asks those that were
    /// silent; of those `with_work` soon, of the rest one at a time.
    pub fn call_roll(&mut self, now: Instant, with_work: &[TabId]) {
        if self.role != Role::Leader {
            return;
        }
        let before = self.members.len();
        self.members.retain(|member| !is_gone(member, now));
        self.lost |= self.members.len() < before;
        let mut idle_asked = false;
        let mut asked = Vec::new();
        let idle_ms = IDLE_CHECK_MS.max(IDLE_CHECK_EACH_MS * self.members.len() as u64);
        for member in &mut self.members {
            let silent_ms = now.since_ms(member.heard);
            let works = with_work.contains(&member.tab) && silent_ms >= CHECK_MS;
            let idle = !idle_asked && silent_ms >= idle_ms;
            if works || idle {
                idle_asked |= !works;
                member.asked = Some(now);
                asked.push(member.tab);
            }
        }
        let any = !asked.is_empty();
        asked.into_iter().for_each(|tab| self.say(Word::Who(tab)));
        if self.members.is_empty() {
            // Nobody to look after: a tab alone pays nothing.
            self.act_at = Instant::NEVER;
            return;
        }
        if now.since_ms(self.announced) >= IDLE_ANNOUNCE_MS {
            self.announce(now);
        }
        self.act_at = now + if any { ANSWER_MS } else { ROLL_MS };
    }
}

/// Whether the answer of a tab is overdue, and not only because this tab slept.
fn is_gone(member: &Member, now: Instant) -> bool {
    let unanswered_ms = member.asked.map_or(0, |asked| now.since_ms(asked));
    (ANSWER_MS..ANSWER_MS + OVERSLEPT_MS).contains(&unanswered_ms)
}
