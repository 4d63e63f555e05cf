//! Which tab sends: a lease with terms over the channel.
//!
//! A claim carries a term; the higher term wins, the lower tab id breaks ties, and whoever hears of
//! a better claim steps down. Nobody holds a Web Lock (held, it costs the page its back/forward
//! cache in Firefox) and nobody beats a heart: liveness is asked, by whoever needs to know, and an
//! answer is a message event, which browsers do not throttle in hidden tabs as they do timers.
//! Correctness never depends on the leader being unique; idempotency keys carry that.

use super::{
    ids::TabId,
    lists::remove_where,
    peer::{Message, Says},
    rng::Rng,
    time::Instant,
};

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

/// What the election wants done. The engine fills in the sender's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Post this.
    Post(Says<'static>),
    /// The role or the leader changed.
    Changed,
    /// A tab is gone: it said so, or did not answer.
    Gone(TabId),
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
    leader: Option<TabId>,
    visible: bool,
    waiting: bool,
    /// Joining: when to claim. Follower: when to ask. Leader: when to check.
    act_at: Instant,
    /// Follower: when an answer is overdue.
    answer_by: Instant,
    announced: Instant,
    members: Vec<Member>,
    events: Vec<Event>,
}

impl Election {
    /// A tab that has no channel to ask on.
    #[must_use]
    pub fn alone(me: TabId) -> Self {
        Self {
            me,
            role: Role::Alone,
            term: 0,
            leader: None,
            visible: true,
            waiting: false,
            act_at: Instant::NEVER,
            answer_by: Instant::NEVER,
            announced: Instant(0),
            members: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A tab that says hello now, or again after it was away.
    pub fn join(&mut self, now: Instant, visible: bool, settled: u64, rng: &mut Rng) {
        self.visible = visible;
        self.become_role(Role::Joining, None);
        self.act_at = now + JOIN_MS + rng.below(JOIN_MS as u32);
        self.events.push(Event::Post(Says::Hello { settled }));
    }

    /// A tab that goes away; it may `join` again.
    pub fn leave(&mut self, end: u64, sent: bool) {
        self.events.push(Event::Post(Says::Bye { end, sent }));
        self.members.clear();
        (self.act_at, self.answer_by) = (Instant::NEVER, Instant::NEVER);
        self.become_role(Role::Joining, None);
    }

    /// Takes what is to be done.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
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
        self.leader
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
            let can_send = self.role != Role::Follower || self.leader == Some(member.tab);
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
    pub fn on_visible(&mut self, now: Instant, visible: bool, settled: u64) {
        self.visible = visible;
        if visible && self.role == Role::Follower {
            self.ask(now, settled);
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
        if let Says::Bye { .. } = message.says {
            self.on_bye(now, from, rng);
            return;
        }
        self.heard(now, from);
        if self.role == Role::Leader {
            self.act_at = self.act_at.min(now + CHECK_MS);
        }
        self.on_standing(now, message);
        match message.says {
            Says::Hello { .. } => self.on_hello(now, message),
            Says::Ping { .. } => self.on_ping(message),
            Says::Claim | Says::Who => self.events.push(Event::Post(Says::Here)),
            Says::Yield { to } => self.on_yield(now, to, rng),
            _ => {}
        }
        if self.leader == Some(from) {
            self.answer_by = Instant::NEVER;
            if !message.leads
                && self.role == Role::Follower
                && !matches!(message.says, Says::Yield { .. })
            {
                self.seek_leader(now, rng);
            }
        }
    }

    /// A deadline has passed.
    pub fn on_timeout(&mut self, now: Instant, settled: u64, rng: &mut Rng) {
        if self.answer_by <= now {
            let overdue_ms = now.since_ms(self.answer_by);
            self.answer_by = Instant::NEVER;
            if overdue_ms > OVERSLEPT_MS {
                self.ask(now, settled);
            } else {
                self.lose_leader(now, rng);
            }
        }
        if self.act_at <= now {
            self.act_at = Instant::NEVER;
            match self.role {
                Role::Joining => self.claim(now),
                Role::Follower => self.ask(now, settled),
                Role::Leader => self.check_members(now),
                Role::Alone => {}
            }
        }
    }

    /// Compares standings: the better claim is followed, a worse one is answered by ours.
    fn on_standing(&mut self, now: Instant, message: &Message<'_>) {
        let ours = (self.term, core::cmp::Reverse(self.leader));
        let theirs = (message.term, core::cmp::Reverse(Some(message.from)));
        let better = theirs > ours;
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
        if self.leader == Some(message.from)
            || better
            || (self.leader.is_none() && self.role != Role::Leader)
        {
            self.term = term;
            if self.leader != Some(message.from) || self.role != Role::Follower {
                self.become_role(Role::Follower, Some(message.from));
                self.schedule_ask(now);
            }
        } else if self.role == Role::Leader {
            self.announce(now);
        }
    }

    fn on_hello(&mut self, now: Instant, message: &Message<'_>) {
        match self.role {
            // Two tabs that start together: the one with the lower id goes first.
            Role::Joining if message.from < self.me => self.act_at = now + 3 * JOIN_MS,
            Role::Leader if message.visible && !self.visible => {
                self.yield_to(message.from);
                return;
            }
            _ => {}
        }
        self.events.push(Event::Post(Says::Here));
    }

    fn on_ping(&mut self, message: &Message<'_>) {
        match self.role {
            Role::Leader if message.visible && !self.visible => self.yield_to(message.from),
            // The engine answers for the leader: it knows what it holds.
            Role::Leader => {}
            _ => self.events.push(Event::Post(Says::Here)),
        }
    }

    fn yield_to(&mut self, to: TabId) {
        self.become_role(Role::Follower, Some(to));
        self.events.push(Event::Post(Says::Yield { to }));
        (self.act_at, self.answer_by) = (Instant::NEVER, Instant::NEVER);
    }

    fn on_yield(&mut self, now: Instant, to: TabId, rng: &mut Rng) {
        if to == self.me {
            self.claim(now);
        } else if self.role == Role::Follower {
            // Whoever was named will claim; if it does not, somebody must.
            self.become_role(Role::Joining, None);
            self.act_at = now + 3 * JOIN_MS + rng.below(JOIN_MS as u32);
        }
    }

    fn on_bye(&mut self, now: Instant, from: TabId, rng: &mut Rng) {
        self.forget(from);
        if self.leader == Some(from) {
            self.seek_leader(now, rng);
        }
    }

    fn lose_leader(&mut self, now: Instant, rng: &mut Rng) {
        if let Some(leader) = self.leader {
            self.forget(leader);
        }
        self.seek_leader(now, rng);
    }

    /// The leader is gone: visible tabs first, at random, claim its place.
    fn seek_leader(&mut self, now: Instant, rng: &mut Rng) {
        self.become_role(Role::Joining, None);
        self.answer_by = Instant::NEVER;
        let patience = if self.visible { 0 } else { JOIN_MS };
        self.act_at = now + patience + rng.below(JOIN_MS as u32);
    }

    fn claim(&mut self, now: Instant) {
        self.term += 1;
        self.answer_by = Instant::NEVER;
        self.become_role(Role::Leader, Some(self.me));
        self.check_in(now, CHECK_MS);
        self.announce(now);
    }

    fn announce(&mut self, now: Instant) {
        self.announced = now;
        self.events.push(Event::Post(Says::Claim));
    }

    fn ask(&mut self, now: Instant, settled: u64) {
        if self.role == Role::Follower {
            self.events.push(Event::Post(Says::Ping { settled }));
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
            self.forget(member.tab);
        }
        let mut asked = false;
        for member in &mut self.members {
            if now.since_ms(member.heard) >= CHECK_MS {
                (member.asked, asked) = (now, true);
            }
        }
        if asked {
            self.events.push(Event::Post(Says::Who));
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
        self.events.push(Event::Gone(tab));
    }

    fn become_role(&mut self, role: Role, leader: Option<TabId>) {
        if (self.role, self.leader) != (role, leader) {
            (self.role, self.leader) = (role, leader);
            self.events.push(Event::Changed);
        }
    }
}
