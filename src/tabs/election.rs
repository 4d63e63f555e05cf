//! Which tab sends: a lease with terms over the channel.
//!
//! A claim carries a term; the higher term wins, the lower tab id breaks ties, and whoever hears of
//! a better claim steps down. Nobody holds a Web Lock (held, it costs the page its back/forward
//! cache in Firefox) and nobody beats a heart: liveness is asked, by whoever needs to know, and an
//! answer is a message event, which browsers do not throttle in hidden tabs as they do timers.
//! Correctness never depends on the leader being unique; idempotency keys carry that.

use crate::model::ids::TabId;
use crate::model::lists::remove_where;
use crate::model::rng::Rng;
use crate::model::time::Instant;
use crate::tabs::peer::{Message, Says};

/// A new tab waits this long for an answer before it leads, plus as much again at random.
pub const JOIN_MS: u64 = 100;
/// A visible tab, or one with batches at the leader, asks after the leader this often.
pub const ASK_MS: u64 = 3_000;
/// A hidden and idle tab asks this often (and browsers may stretch it to a minute).
pub const ASK_HIDDEN_MS: u64 = 30_000;
/// Silence after a question means the leader is gone.
pub const ANSWER_MS: u64 = 1_000;
/// The leader asks after a tab that has been silent this long.
pub const CHECK_MS: u64 = 4_000;
/// A wake-up this much later than asked for proves nothing but that this tab slept.
const OVERSLEPT_MS: u64 = 2_000;
/// A leader that works repeats its claim this often at most.
const ANNOUNCE_MS: u64 = 1_000;
/// Tabs remembered at most.
const MEMBERS_MAX: usize = 256;

/// What this tab is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has asked and waits for answers.
    Joining,
    /// It sends for all.
    Leader,
    /// It hands its batches to the leader.
    Follower,
    /// There is no channel: it sends for itself.
    Alone,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    tab: TabId,
    heard: Instant,
    /// Since when an answer is awaited.
    asked: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct Election {
    me: TabId,
    role: Role,
    term: u64,
    /// Of a follower, the tab it follows; otherwise this one.
    leader: TabId,
    /// Whether the page is.
    pub visible: bool,
    waiting: bool,
    /// Joining: when to claim. Follower: when to ask. Leader: when to check.
    act_at: Instant,
    /// Follower: when an answer is overdue.
    answer_by: Instant,
    announced: Instant,
    members: Vec<Member>,
    /// To be said: a bit for each kind, since none is worth saying twice at once.
    posts: u32,
    /// Who shall lead in this tab's place.
    heir: TabId,
    changed: bool,
    lost: bool,
}

impl Election {
    /// A tab that has no channel to ask on.
    #[must_use]
    pub fn alone(me: TabId, visible: bool) -> Self {
        Self {
            me,
            role: Role::Alone,
            term: 0,
            leader: me,
            visible,
            waiting: false,
            act_at: Instant::NEVER,
            answer_by: Instant::NEVER,
            announced: Instant(0),
            members: Vec::new(),
            posts: 0,
            heir: me,
            changed: false,
            lost: false,
        }
    }

    /// A tab that says hello now, or again after it was away.
    pub fn join(&mut self, now: Instant, rng: &mut Rng) {
        self.say(Says::Hello);
        self.seek_leader(now, JOIN_MS, rng);
    }

    /// A tab that goes away; it may `join` again.
    pub fn leave(&mut self) {
        self.members.clear();
        (self.act_at, self.answer_by) = (Instant::NEVER, Instant::NEVER);
        self.become_role(Role::Joining, self.me);
        (self.changed, self.lost) = (false, false);
    }

    /// Takes the next message to be said; the engine fills in the rest.
    pub fn next_post(&mut self) -> Option<Says> {
        let kinds = &[
            Says::Hello,
            Says::Claim,
            Says::Yield,
            Says::Here,
            Says::Ping,
            Says::Who,
        ];
        for says in kinds {
            let bit = 1 << *says as u32;
            if self.posts & bit != 0 {
                self.posts ^= bit;
                return Some(*says);
            }
        }
        None
    }

    /// The tab that [`Says::Yield`] is for.
    #[must_use]
    pub const fn heir(&self) -> TabId {
        self.heir
    }

    /// Whether the role or the leader changed since last asked.
    pub fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Whether a tab is gone since last asked: it said so, or did not answer the leader. A leader
    /// that did not answer may only be slow.
    pub fn take_lost(&mut self) -> bool {
        core::mem::take(&mut self.lost)
    }

    /// When `on_timeout` wants to be called; changes with every call.
    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.act_at.min(self.answer_by)
    }

    /// What this tab is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The highest term seen; its own where it leads.
    #[must_use]
    pub const fn term(&self) -> u64 {
        self.term
    }

    /// The leading tab, if known.
    #[must_use]
    pub const fn leader(&self) -> Option<TabId> {
        match self.role {
            Role::Leader | Role::Follower => Some(self.leader),
            Role::Joining | Role::Alone => None,
        }
    }

    /// Tabs known to live.
    pub fn members(&self) -> impl Iterator<Item = TabId> {
        self.members.iter().map(|member| member.tab)
    }

    /// Whether the tab is known to live.
    #[must_use]
    pub fn knows(&self, tab: TabId) -> bool {
        self.members.iter().any(|member| member.tab == tab)
    }

    /// Whether somebody who can send (for a follower: the leader) was heard in the last `ms`.
    #[must_use]
    pub fn heard_within(&self, now: Instant, ms: u64) -> bool {
        self.members.iter().any(|member| {
            let can_send = self.role != Role::Follower || self.leader == member.tab;
            can_send && now.since_ms(member.heard) <= ms
        })
    }

    /// Whether batches of this tab are with the leader.
    pub fn set_waiting(&mut self, now: Instant, waiting: bool) {
        if waiting && !self.waiting && self.role == Role::Follower {
            self.act_at = self.act_at.min(now + ASK_MS);
        }
        self.waiting = waiting;
    }

    /// The page was shown or hidden. A tab that becomes visible asks, so a hidden leader yields.
    pub fn on_visible(&mut self, now: Instant, visible: bool) {
        self.visible = visible;
        if visible {
            self.ask(now);
        }
    }

    /// The leader does something: it repeats its claim now and then, for whoever may have missed it.
    pub fn on_activity(&mut self, now: Instant) {
        if self.role == Role::Leader && now.since_ms(self.announced) >= ANNOUNCE_MS {
            self.announce(now);
        }
    }

    /// Somebody said something.
    pub fn on_message(&mut self, now: Instant, message: &Message<'_>, rng: &mut Rng) {
        let from = message.from;
        if self.role == Role::Alone || from == self.me {
            return;
        }
        if message.says == Says::Bye {
            self.lost = true;
            self.lose(now, from, rng);
            return;
        }
        self.heard(now, from);
        if self.role == Role::Leader {
            self.act_at = self.act_at.min(now + CHECK_MS);
        }
        self.on_standing(now, message);
        match message.says {
            Says::Hello | Says::Ping => self.on_question(now, message),
            Says::Claim | Says::Who => self.say(Says::Here),
            Says::Yield => self.on_yield(now, message.to, rng),
            _ => {}
        }
        if self.leader == from {
            self.answer_by = Instant::NEVER;
            if !message.leads && message.says != Says::Yield {
                self.seek_soon(now, rng);
            }
        }
    }

    /// A deadline has passed.
    pub fn on_timeout(&mut self, now: Instant, rng: &mut Rng) {
        if self.answer_by <= now {
            let overdue_ms = now.since_ms(self.answer_by);
            self.answer_by = Instant::NEVER;
            if overdue_ms > OVERSLEPT_MS {
                self.ask(now);
            } else {
                self.lose(now, self.leader, rng);
            }
        }
        if self.act_at <= now {
            self.act_at = Instant::NEVER;
            match self.role {
                Role::Joining => self.claim(now),
                Role::Follower => self.ask(now),
                Role::Leader => self.check_members(now),
                Role::Alone => {}
            }
        }
    }

    /// Compares standings: the better claim is followed, a worse one is answered by ours.
    fn on_standing(&mut self, now: Instant, message: &Message<'_>) {
        let term = self.term.max(message.term);
        if !message.leads {
            // Its own claim must beat every term it has heard of.
            if self.role != Role::Leader {
                self.term = term;
            } else if message.term > self.term {
                // It knows a better leader than us: let that one hear of us, and answer.
                self.on_activity(now);
            }
            return;
        }
        if self.role == Role::Joining
            || self.leader == message.from
            || (message.term, self.leader) > (self.term, message.from)
        {
            self.term = term;
            if self.become_role(Role::Follower, message.from) {
                self.schedule_ask(now);
            }
        } else {
            // Not at every word it says: our last claim is on its way to it, or came before its
            // own hello, which was answered.
            self.on_activity(now);
        }
    }

    fn on_question(&mut self, now: Instant, message: &Message<'_>) {
        let asks = message.says == Says::Ping;
        match self.role {
            Role::Leader if message.visible && !self.visible => {
                self.become_role(Role::Follower, message.from);
                self.heir = message.from;
                self.say(Says::Yield);
                (self.act_at, self.answer_by) = (Instant::NEVER, Instant::NEVER);
                return;
            }
            // The engine answers for the leader: it knows what it holds.
            Role::Leader if asks => return,
            // Two tabs that start together: the one with the lower id goes first.
            Role::Joining if !asks && message.from < self.me => self.act_at = now + 3 * JOIN_MS,
            _ => {}
        }
        self.say(Says::Here);
    }

    fn on_yield(&mut self, now: Instant, to: TabId, rng: &mut Rng) {
        if to == self.me {
            self.claim(now);
        } else if self.role == Role::Follower {
            // Whoever was named will claim; if it does not, somebody must.
            self.seek_leader(now, 3 * JOIN_MS, rng);
        }
    }

    fn lose(&mut self, now: Instant, tab: TabId, rng: &mut Rng) {
        self.forget(tab);
        if self.leader == tab {
            self.seek_soon(now, rng);
        }
    }

    /// The leader is gone: visible tabs first, at random, claim its place.
    fn seek_soon(&mut self, now: Instant, rng: &mut Rng) {
        self.seek_leader(now, if self.visible { 0 } else { JOIN_MS }, rng);
    }

    /// Waits for a leader that long, and a little more at random, before it leads.
    fn seek_leader(&mut self, now: Instant, patience_ms: u64, rng: &mut Rng) {
        self.become_role(Role::Joining, self.me);
        self.answer_by = Instant::NEVER;
        self.act_at = now + patience_ms + rng.below(JOIN_MS);
    }

    fn claim(&mut self, now: Instant) {
        self.term += 1;
        self.answer_by = Instant::NEVER;
        self.become_role(Role::Leader, self.me);
        self.check_in(now, CHECK_MS);
        self.announce(now);
    }

    fn announce(&mut self, now: Instant) {
        self.announced = now;
        self.say(Says::Claim);
    }

    fn ask(&mut self, now: Instant) {
        if self.role == Role::Follower {
            self.say(Says::Ping);
            self.answer_by = now + ANSWER_MS;
            self.schedule_ask(now);
        }
    }

    fn schedule_ask(&mut self, now: Instant) {
        let every = if self.visible || self.waiting {
            ASK_MS
        } else {
            ASK_HIDDEN_MS
        };
        self.act_at = now + every;
    }

    /// Asks after silent tabs, and gives up on those that did not answer.
    fn check_members(&mut self, now: Instant) {
        let gone = |member: &Member| {
            let unanswered_ms = now.since_ms(member.asked);
            (ANSWER_MS..ANSWER_MS + OVERSLEPT_MS).contains(&unanswered_ms)
        };
        while let Some(member) = self.members.iter().find(|member| gone(member)) {
            self.lost = true;
            self.forget(member.tab);
        }
        let mut asked = false;
        for member in &mut self.members {
            if now.since_ms(member.heard) >= CHECK_MS {
                (member.asked, asked) = (now, true);
            }
        }
        if asked {
            self.say(Says::Who);
        }
        self.check_in(now, if asked { ANSWER_MS } else { CHECK_MS / 2 });
    }

    /// When the leader checks next, if there is anybody.
    fn check_in(&mut self, now: Instant, ms: u64) {
        self.act_at = if self.members.is_empty() {
            Instant::NEVER
        } else {
            now + ms
        };
    }

    fn heard(&mut self, now: Instant, tab: TabId) {
        for member in &mut self.members {
            if member.tab == tab {
                (member.heard, member.asked) = (now, Instant::NEVER);
                return;
            }
        }
        if self.members.len() < MEMBERS_MAX {
            self.members.push(Member {
                tab,
                heard: now,
                asked: Instant::NEVER,
            });
        }
    }

    fn forget(&mut self, tab: TabId) {
        remove_where(&mut self.members, |member| member.tab == tab);
    }

    const fn say(&mut self, says: Says) {
        self.posts |= 1 << says as u32;
    }

    /// Tells whether that is a change.
    fn become_role(&mut self, role: Role, leader: TabId) -> bool {
        let changes = (self.role, self.leader) != (role, leader);
        (self.role, self.leader) = (role, leader);
        self.changed |= changes;
        changes
    }
}
