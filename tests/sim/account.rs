//! Accounts for every event at every destination: it is in the data, or it is known why not. What is excused is
//! spent from what was reported for that tab and that destination.

use sendoff::model::drop_reason::DropReason;

use crate::{
    model::{Book, Fate, Hit, Tracked},
    places::PLACES,
    seed::Scenario,
    world::World,
};

/// Why an event may be missing at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// Its batch was answered 400 or 413, or it alone was refused.
    Refused,
    /// The destination was told.
    Tombstone,
    /// No durable copy of it was left when its tab was gone.
    Hit(Hit),
    /// A record of its tab looks like another version's.
    LeftAlone,
    /// An early log does not say for which destinations it is; whoever takes it over has only some of them.
    Unaddressed,
    /// Too old when it was found by a page that does not know its destination, and so has no account of it.
    ExpiredUnknown,
    /// No page is configured with its destination any more; it is still in the store.
    OwedElsewhere,
}

/// Requests with an event alone that have to fail before it may be set aside.
const ALONE_MIN: u32 = 2;

/// What any tab may have reported of any other's events.
struct Pool {
    expired: u64,
    set_aside: u64,
}

impl World {
    /// Every accepted event is in the data once, or there is a reason (3).
    pub(crate) fn check_account(&mut self) {
        for place in 0..PLACES.len() {
            let mut pool = Pool {
                expired: self.model.reported(place, DropReason::Expired),
                set_aside: self.model.reported(place, DropReason::SetAside),
            };
            for tab in 0..self.model.books.len() {
                self.account_for(tab, place, &mut pool);
            }
            self.check_tombstones(place);
            self.check_poison(place);
        }
    }

    /// Whoever dislikes an event for good costs that one alone (24).
    fn check_poison(&self, place: usize) {
        let poison = self.nets[place].poison;
        let Some(poison) = poison.filter(|_| self.profile.scenario == Scenario::Poison) else {
            return;
        };
        let set_aside = self.model.reported(place, DropReason::SetAside);
        let (mut disliked, name) = (0, PLACES[place].name);
        for (tab, book) in self.model.books.iter().enumerate() {
            for (seq, event) in (1..).zip(&book.events) {
                let fate = &event.fates[place];
                let dislikes = self.dislikes(poison, event);
                disliked += u64::from(dislikes && fate.owed);
                if fate.owed && !fate.stored && !dislikes {
                    self.fail(
                        24,
                        &format!("event {seq} of tab {tab} is lost at {name} for others' sake"),
                    );
                }
            }
        }
        if set_aside != disliked {
            self.fail(
                24,
                &format!(
                    "{disliked} events do not get through to {name}, {set_aside} were set aside"
                ),
            );
        }
    }

    fn account_for(&mut self, tab: usize, place: usize, pool: &mut Pool) {
        let (mut plain, mut counted) = (Vec::new(), Vec::new());
        for index in 0..self.model.books[tab].events.len() {
            match self.plain_excuse(tab, index, place) {
                Some(excuse) => plain.extend(excuse),
                None => counted.push(index),
            }
        }
        plain.into_iter().for_each(|one| self.cover_excuse(one));
        // Those first that nobody else can have reported.
        counted.sort_by_key(|index| {
            let event = &self.model.books[tab].events[*index];
            self.may_have_expired(event) || event.fates[place].alone >= ALONE_MIN
        });
        let mut given_up = self.model.books[tab].given_up(place);
        for index in counted {
            let event = &self.model.books[tab].events[index];
            let left = if given_up > 0 {
                &mut given_up
            } else if event.fates[place].alone >= ALONE_MIN && pool.set_aside > 0 {
                &mut pool.set_aside
            } else if self.may_have_expired(event) && pool.expired > 0 {
                &mut pool.expired
            } else {
                self.fail_missing(tab, index, place)
            };
            *left -= 1;
        }
    }

    /// What is known of an event by itself: nothing that needs an excuse, or one. `None`: it has to be among those
    /// that were reported.
    fn plain_excuse(&self, tab: usize, index: usize, place: usize) -> Option<Option<Excuse>> {
        let book = &self.model.books[tab];
        let event = &book.events[index];
        let fate = &event.fates[place];
        if !fate.owed || fate.stored {
            return Some(None);
        }
        let early = book.early && index < book.early_count as usize;
        match excuse(book, event, fate) {
            Some(excuse) => Some(Some(excuse)),
            None if self.is_owed_elsewhere(tab, index as u64 + 1, place) => {
                Some(Some(Excuse::OwedElsewhere))
            }
            None if early && self.profile.sites.len() > 1 => Some(Some(Excuse::Unaddressed)),
            None if self.may_have_expired_elsewhere(event) => Some(Some(Excuse::ExpiredUnknown)),
            None => None,
        }
    }

    fn fail_missing(&self, tab: usize, index: usize, place: usize) -> ! {
        let (event, seq) = (&self.model.books[tab].events[index], index + 1);
        let (at, name) = (event.at, PLACES[place].name);
        let (sent, left) = (event.sent.is_some(), event.fates[place].left);
        let what =
            format!("event {seq} of tab {tab}, tracked at {at} ms (sent: {sent}, left: {left})");
        self.fail(3, &format!("{what}, is missing at {name} without a reason"))
    }

    /// Whether whoever found it too old may not have known the destination, and could tell it nothing.
    pub(crate) fn may_have_expired_elsewhere(&self, event: &Tracked) -> bool {
        self.may_have_expired(event) && self.profile.sites.len() > 1
    }

    /// Age is told by two readings of a wall clock that may have jumped in between.
    fn may_have_expired(&self, event: &Tracked) -> bool {
        self.model.latest_wall > event.wall + self.profile.config.max_event_age_ms
    }

    /// What destinations are told was given up, some tab has reported, which must have known the destination. Reasons
    /// may become coarser on the way.
    fn check_tombstones(&self, place: usize) {
        let told = self.model.books.iter().flat_map(|book| &book.events);
        let told = told.filter(|event| {
            let fate = &event.fates[place];
            let known = fate.stored || fate.declined || fate.refused || event.hit.is_some();
            let expired = fate.buried == Some(DropReason::Expired);
            fate.buried.is_some() && !known && !(expired && self.may_have_expired_elsewhere(event))
        });
        let told = told.count() as u64;
        let reasons = DropReason::ALL.iter();
        let reported: u64 = reasons
            .map(|reason| self.model.reported(place, *reason))
            .sum();
        if told > reported {
            let name = PLACES[place].name;
            let what =
                format!("{name} was told of {told} events given up, the pages of {reported}");
            self.fail(1, &what);
        }
    }

    fn cover_excuse(&mut self, excuse: Excuse) {
        match excuse {
            Excuse::Hit(Hit::Volatile) => self.coverage.hit("event lost with volatile memory"),
            Excuse::OwedElsewhere => self.coverage.hit("kept for an unknown destination"),
            _ => {}
        }
    }
}

fn excuse(book: &Book, event: &Tracked, fate: &Fate) -> Option<Excuse> {
    if fate.refused || fate.declined {
        return Some(Excuse::Refused);
    }
    if fate.mourned {
        return Some(Excuse::Tombstone);
    }
    let gone = book.ended || book.early;
    if book.left_alone && gone {
        return Some(Excuse::LeftAlone);
    }
    event.hit.filter(|_| gone).map(Excuse::Hit)
}
