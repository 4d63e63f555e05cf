//! Which tab sends: a lease with terms over the channel.
//!
//! A claim carries a term; the higher term wins, the lower tab id breaks ties, and whoever hears of
//! a better claim steps down. Nobody holds a Web Lock (held, it costs the page its back/forward
//! cache in Firefox) and nobody beats a heart: liveness is asked, by whoever needs to know, and everybody
//! overhears the answer, so that one question and one answer a period serve any number of tabs. An answer is
//! a message event, which browsers do not throttle in hidden tabs as they do timers.
//! Correctness never depends on the leader being unique; idempotency keys carry that.

mod hearing;
mod roll;

use crate::{
    model::{ids::TabId, rng::Rng, time::Instant},
    tabs::peer::{CAPABILITIES, Message, Says, Standing},
};

/// A new tab waits this long for an answer before it leads, plus as much again at random.
pub const JOIN_MS: u64 = 100;
/// A visible tab, or one with batches at the leader, asks after a leader that was silent this long.
pub const ASK_MS: u64 = 3_000;
/// A hidden and idle tab asks this often (and browsers may stretch it to a minute).
pub const ASK_HIDDEN_MS: u64 = 30_000;
/// Silence after a question means the asked tab is gone.
pub const ANSWER_MS: u64 = 1_000;
/// The leader looks for such tabs this often.
const ROLL_MS: u64 = 2_000;
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
    /// It hands its events to the leader.
    Follower,
    /// There is no channel: it sends for itself.
    Alone,
}

/// What is to be said; whoever posts it knows the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// [`Says::Hello`].
    Hello,
    /// [`Says::Here`].
    Here,
    /// [`Says::Claim`].
    Claim,
    /// [`Says::Ping`].
    Ping,
    /// [`Says::Who`].
    Who(TabId),
    /// [`Says::Yield`].
    Yield(TabId),
}

#[derive(Clone, Copy, Debug)]
struct Member {
    tab: TabId,
    heard: Instant,
    /// Since when an answer is awaited, if one is.
    asked: Option<Instant>,
    able: bool,
    can: u32,
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
    visible: bool,
    /// Whether this tab can reach the destinations, for all it knows.
    able: bool,
    waiting: bool,
    /// Joining: when to claim. Follower: when to ask. Leader: when to look after the others.
    act_at: Instant,
    /// Follower: when an answer is overdue.
    answer_by: Instant,
    /// The last question was asked again, as its answer was looked for too late.
    asked_again: bool,
    announced: Instant,
    members: Vec<Member>,
    words: Vec<Word>,
    /// The number of tabs that the leader told.
    tabs_told: usize,
    changed: bool,
    lost: bool,
    roll_call: bool,
}

impl Election {
    /// A tab that has no channel to ask on.
    #[must_use]
    pub const fn alone(me: TabId, visible: bool) -> Self {
        Self {
            me,
            role: Role::Alone,
            term: 0,
            leader: me,
            visible,
            able: true,
            waiting: false,
            act_at: Instant::NEVER,
            answer_by: Instant::NEVER,
            asked_again: false,
            announced: Instant(0),
            members: Vec::new(),
            words: Vec::new(),
            tabs_told: 1,
            changed: false,
            lost: false,
            roll_call: false,
        }
    }

    /// A tab that says hello now, or again after it was away.
    pub fn join(&mut self, now: Instant, rng: &mut Rng) {
        self.say(Word::Hello);
        self.seek_leader(now, JOIN_MS, rng);
    }

    /// A tab that goes away; it may `join` again.
    pub fn leave(&mut self) {
        self.members.clear();
        self.words.clear();
        (self.act_at, self.answer_by) = (Instant::NEVER, Instant::NEVER);
        self.become_role(Role::Joining, self.me);
        (self.changed, self.lost) = (false, false);
    }

    /// Takes what is to be said, in order.
    pub fn take_words(&mut self) -> Vec<Word> {
        core::mem::take(&mut self.words)
    }

    /// Whether the role or the leader changed since last asked.
    pub const fn take_changed(&mut self) -> bool {
        core::mem::replace(&mut self.changed, false)
    }

    /// Whether a tab is gone since last asked: it said so, or did not answer the leader. A leader
    /// that did not answer may only be slow.
    pub const fn take_lost(&mut self) -> bool {
        core::mem::replace(&mut self.lost, false)
    }

    /// Whether it is, or is about to be, time for [`call_roll`](Self::call_roll).
    #[must_use]
    pub fn wants_roll(&self, now: Instant) -> bool {
        self.roll_call || self.role == Role::Leader && self.act_at <= now
    }

    /// Whether it is time for [`call_roll`](Self::call_roll).
    pub const fn take_roll_call(&mut self) -> bool {
        core::mem::replace(&mut self.roll_call, false)
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

    /// Where this tab stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            term: self.term,
            leads: self.role == Role::Leader,
            visible: self.visible,
            able: self.able,
            can: CAPABILITIES,
        }
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

    /// What the leader can do, as far as it is known.
    #[must_use]
    pub fn leader_can(&self) -> u32 {
        let leader = self.members.iter().find(|one| one.tab == self.leader);
        leader.map_or(0, |leader| leader.can)
    }

    fn leader_silent_ms(&self, now: Instant) -> u64 {
        let leader = self.members.iter().find(|one| one.tab == self.leader);
        leader.map_or(u64::MAX, |leader| now.since_ms(leader.heard))
    }

    /// Tabs heard and not known to be gone.
    pub fn members(&self) -> impl Iterator<Item = TabId> {
        self.members.iter().map(|member| member.tab)
    }

    /// How many tabs there are, this one among them, as far as is known here.
    #[must_use]
    pub fn tabs(&self) -> usize {
        (1 + self.members.len()).max(self.tabs_told)
    }

    /// Whether the tab is known to live.
    #[must_use]
    pub fn knows(&self, tab: TabId) -> bool {
        self.members.iter().any(|member| member.tab == tab)
    }

    /// Whether batches of this tab are with the leader.
    pub fn set_waiting(&mut self, now: Instant, waiting: bool) {
        if waiting && !self.waiting && self.role == Role::Follower {
            self.act_at = self.act_at.min(now + ASK_MS);
        }
        self.waiting = waiting;
    }

    /// Whether the page can be seen.
    #[must_use]
    pub const fn is_visible(&self) -> bool {
        self.visible
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

    /// Whether this tab reaches the destinations. A leader that never does lets somebody lead who has not
    /// been found unable, too: its page may have a policy, or an extension, that theirs has not.
    pub fn set_able(&mut self, now: Instant, able: bool) {
        if self.able == able {
            return;
        }
        self.able = able;
        let heir = self.members.iter().find(|member| member.able);
        if !able
            && self.role == Role::Leader
            && let Some(heir) = heir.map(|heir| heir.tab)
        {
            self.hand_over(now, heir);
        }
    }

    /// Somebody said something.
    pub fn on_message(&mut self, now: Instant, message: &Message, rng: &mut Rng) {
        let from = message.from;
        if self.role == Role::Alone || from == self.me {
            return;
        }
        if matches!(message.says, Says::Bye { .. }) {
            self.lost = true;
            self.lose(now, from, rng);
            return;
        }
        self.heard(now, message);
        if self.role == Role::Leader {
            self.act_at = self.act_at.min(now + ROLL_MS);
        }
        let followed = self.role == Role::Follower && self.leader == from;
        self.on_standing(now, message.from, message.standing);
        match &message.says {
            Says::Hello { .. } => self.on_hello(now, message),
            Says::Ping { .. } => self.on_ping(now, message),
            Says::Claim if !followed => self.say(Word::Here),
            Says::Here { tabs, .. } | Says::Pong { tabs, .. } if *tabs > 0 => {
                self.tabs_told = *tabs as usize;
            }
            Says::Who { to } if *to == self.me => self.say(Word::Here),
            Says::Yield { to } => self.on_yield(now, *to, rng),
            _ => {}
        }
        self.on_leader_heard(now, message, rng);
    }

    /// A deadline has passed.
    pub fn on_timeout(&mut self, now: Instant, rng: &mut Rng) {
        if self.answer_by <= now {
            let overdue_ms = now.since_ms(self.answer_by);
            self.answer_by = Instant::NEVER;
            if overdue_ms > OVERSLEPT_MS && !core::mem::replace(&mut self.asked_again, true) {
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
                Role::Leader => self.roll_call = true,
                Role::Alone => {}
            }
        }
    }

    fn lose(&mut self, now: Instant, tab: TabId, rng: &mut Rng) {
        self.members.retain(|member| member.tab != tab);
        if self.leader == tab && self.role == Role::Follower {
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
        self.act_at = now + ROLL_MS;
        self.announce(now);
    }

    fn announce(&mut self, now: Instant) {
        self.announced = now;
        self.say(Word::Claim);
    }

    fn hand_over(&mut self, now: Instant, heir: TabId) {
        self.become_role(Role::Follower, heir);
        self.say(Word::Yield(heir));
        self.answer_by = Instant::NEVER;
        // The heir may be gone, or never have heard of it.
        self.schedule_ask(now);
    }

    fn ask(&mut self, now: Instant) {
        if self.role == Role::Follower {
            self.say(Word::Ping);
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

    fn heard(&mut self, now: Instant, message: &Message) {
        let (tab, Standing { able, can, .. }) = (message.from, message.standing);
        if let Some(member) = self.members.iter_mut().find(|member| member.tab == tab) {
            (member.heard, member.asked) = (now, None);
            (member.able, member.can) = (able, can);
        } else if self.members.len() < MEMBERS_MAX {
            self.members.push(Member {
                tab,
                heard: now,
                asked: None,
                able,
                can,
            });
        }
    }

    fn say(&mut self, word: Word) {
        // None is worth saying twice at once.
        if !self.words.contains(&word) {
            self.words.push(word);
        }
    }

    /// Tells whether that is a change.
    fn become_role(&mut self, role: Role, leader: TabId) -> bool {
        let changes = (self.role, self.leader) != (role, leader);
        (self.role, self.leader) = (role, leader);
        self.changed |= changes;
        changes
    }
}
