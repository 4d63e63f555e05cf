//! Which tab sends: a lease with terms over the channel.
//!
//! A claim carries a term; the higher term wins, the lower tab id breaks ties, and whoever hears of
//! a better claim steps down. Nobody holds a Web Lock (held, it costs the page its back/forward
//! cache in Firefox) and nobody beats a heart: liveness is asked, by whoever needs to know, and an
//! answer is a message event, which browsers do not throttle in hidden tabs as they do timers.
//! Correctness never depends on the leader being unique; idempotency keys carry that.

use super::{
    ids::TabId,
    map::Map,
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
    heard: Instant,
    asked: Option<Instant>,
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
    act_at: Option<Instant>,
    /// Follower: when an answer is overdue.
    answer_by: Option<Instant>,
    announced: Instant,
    members: Map<TabId, Member>,
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
            act_at: None,
            answer_by: None,
            announced: Instant(0),
            members: Map::default(),
            events: Vec::new(),
        }
    }

    /// A tab that says hello now, or again after it was away.
    pub fn join(&mut self, now: Instant, visible: bool, settled: u64, rng: &mut Rng) {
        self.visible = visible;
        self.become_role(Role::Joining, None);
        self.act_at = Some(now + JOIN_MS + rng.below(JOIN_MS));
        self.events.push(Event::Post(Says::Hello { settled }));
    }

    /// A tab that goes away; it may `join` again.
    pub fn leave(&mut self, end: u64, sent: bool) {
        self.events.push(Event::Post(Says::Bye { end, sent }));
        self.members.clear();
        (self.act_at, self.answer_by) = (None, None);
        self.become_role(Role::Joining, None);
    }

    /// Takes what is to be done.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// When `on_timeout` wants to be called; changes with every call.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.act_at, self.answer_by].into_iter().flatten().min()
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
        self.members.keys()
    }

    /// Whether the tab is known to live.
    #[must_use]
    pub fn knows(&self, tab: TabId) -> bool {
        self.members.contains(tab)
    }

    /// Whether somebody who can send (for a follower: the leader) was heard in the last `ms`.
    #[must_use]
    pub fn heard_within(&self, now: Instant, ms: u64) -> bool {
        let recent = |member: &Member| now.since_ms(member.heard) <= ms;
        match (self.role, self.leader) {
            (Role::Follower, Some(leader)) => self.members.get(leader).is_some_and(recent),
            _ => self.members.values().any(recent),
        }
    }

    /// Whether batches of this tab are with the leader.
    pub fn set_waiting(&mut self, now: Instant, waiting: bool) {
        if waiting && !self.waiting && self.role == Role::Follower {
            let soon = now + ASK_MS;
            self.act_at = Some(self.act_at.map_or(soon, |at| at.min(soon)));
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
        if self.members.len() < MEMBERS_MAX || self.knows(from) {
            self.members.insert(
                from,
                Member {
                    heard: now,
                    asked: None,
                },
            );
        }
        if self.role == Role::Leader && self.act_at.is_none() {
            self.act_at = Some(now + CHECK_MS);
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
            self.answer_by = None;
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
        if let Some(overdue) = self.answer_by.take_if(|at| *at <= now) {
            if now.since_ms(overdue) > OVERSLEPT_MS {
                self.ask(now, settled);
            } else {
                self.lose_leader(now, rng);
            }
        }
        if self.act_at.take_if(|at| *at <= now).is_some() {
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
            Role::Joining if message.from < self.me => self.act_at = Some(now + 3 * JOIN_MS),
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
        self.answer_by = None;
        self.act_at = None;
    }

    fn on_yield(&mut self, now: Instant, to: TabId, rng: &mut Rng) {
        if to == self.me {
            self.claim(now);
        } else if self.role == Role::Follower {
            // Whoever was named will claim; if it does not, somebody must.
            self.become_role(Role::Joining, None);
            self.act_at = Some(now + 3 * JOIN_MS + rng.below(JOIN_MS));
        }
    }

    fn on_bye(&mut self, now: Instant, from: TabId, rng: &mut Rng) {
        self.members.remove(from);
        self.events.push(Event::Gone(from));
        if self.leader == Some(from) {
            self.seek_leader(now, rng);
        }
    }

    fn lose_leader(&mut self, now: Instant, rng: &mut Rng) {
        if let Some(leader) = self.leader {
            self.members.remove(leader);
            self.events.push(Event::Gone(leader));
        }
        self.seek_leader(now, rng);
    }

    /// The leader is gone: visible tabs first, at random, claim its place.
    fn seek_leader(&mut self, now: Instant, rng: &mut Rng) {
        self.become_role(Role::Joining, None);
        self.answer_by = None;
        let patience = if self.visible { 0 } else { JOIN_MS };
        self.act_at = Some(now + patience + rng.below(JOIN_MS));
    }

    fn claim(&mut self, now: Instant) {
        self.term += 1;
        self.answer_by = None;
        self.become_role(Role::Leader, Some(self.me));
        self.act_at = (!self.members.is_empty()).then_some(now + CHECK_MS);
        self.announce(now);
    }

    fn announce(&mut self, now: Instant) {
        self.announced = now;
        self.events.push(Event::Post(Says::Claim));
    }

    fn ask(&mut self, now: Instant, settled: u64) {
        if self.role == Role::Follower {
            self.events.push(Event::Post(Says::Ping { settled }));
            self.answer_by = Some(now + ANSWER_MS);
            self.schedule_ask(now);
        }
    }

    fn schedule_ask(&mut self, now: Instant) {
        let every = if self.visible || self.waiting {
            ASK_MS
        } else {
            ASK_HIDDEN_MS
        };
        self.act_at = Some(now + every);
    }

    /// Asks after silent tabs, and gives up on those that did not answer.
    fn check_members(&mut self, now: Instant) {
        let silent = |member: &Member| now.since_ms(member.heard) >= CHECK_MS;
        let unanswered = |member: &Member| {
            member
                .asked
                .is_some_and(|at| (ANSWER_MS..ANSWER_MS + OVERSLEPT_MS).contains(&now.since_ms(at)))
        };
        let gone: Vec<TabId> = self
            .members
            .iter()
            .filter(|(_, m)| unanswered(m))
            .map(|(tab, _)| tab)
            .collect();
        for tab in gone {
            self.members.remove(tab);
            self.events.push(Event::Gone(tab));
        }
        let mut asked = false;
        for member in self.members.values_mut().filter(|member| silent(member)) {
            member.asked = Some(now);
            asked = true;
        }
        if asked {
            self.events.push(Event::Post(Says::Who));
        }
        let next = if asked { ANSWER_MS } else { CHECK_MS / 2 };
        self.act_at = (!self.members.is_empty()).then_some(now + next);
    }

    fn become_role(&mut self, role: Role, leader: Option<TabId>) {
        if (self.role, self.leader) != (role, leader) {
            (self.role, self.leader) = (role, leader);
            self.events.push(Event::Changed);
        }
    }
}
