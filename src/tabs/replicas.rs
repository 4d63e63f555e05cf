//! The streams of other tabs: those of living ones as far as they were handed over, and those that dead ones
//! left behind. A batch of one is found by its tab, once, and carried as `(tab, destination, range)`.

use crate::{
    journal::{
        cursor::{Cursor, Owed},
        log::Log,
        lot::{Lot, Rights},
        seal::{BatchRef, Seal},
        segments::Journal,
        stream::Stream,
    },
    model::{ending::Ending, event::Entry, ids::TabId},
    tabs::{
        Flying,
        peer::{Named, Offer},
    },
};

/// Batches whose end is remembered for a tab that missed it.
const ENDED_MAX: usize = 512;
/// Searches of the store in a row that show nothing of a tab that is gone, until it counts as having left nothing.
const UNSEEN_MAX: u8 = 2;

/// Whether the tab of a stream lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does, and hands over what is to be sent.
    Live,
    /// It is gone: its stream was found in the store, or is all that is left of it.
    LeftBehind,
}

/// The stream of another tab.
#[derive(Debug)]
pub struct Replica {
    /// The stream. What is boxed moves as a pointer when one before it goes.
    pub stream: Box<Stream>,
    /// Whose.
    pub kind: Kind,
    /// Its tab turned out to be alive, or somebody else is to have it: let go of it when nothing of it is in
    /// flight.
    pub release: bool,
    /// Searches of the store that have not shown a journal of its tab, which is gone.
    unseen: u8,
}

/// How a batch of another tab ended, for that tab to ask again.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whose.
    pub tab: TabId,
    /// Which.
    pub batch: Named,
    /// Events that were in it.
    pub count: u64,
    /// How.
    pub ending: Ending,
}

/// What becomes of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is taken, or was already.
    Held,
    /// It has ended before: its tab is to be told again.
    Ended,
    /// Not all of its events are here.
    Missing,
    /// This tab does not send to that destination, or encodes otherwise.
    Declined,
    /// Not now: its tab will ask again.
    Busy,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Replicas {
    project: String,
    all: Vec<Replica>,
    /// Oldest first.
    ended: Vec<Ended>,
}

impl Replicas {
    /// None yet, of that project's tabs.
    #[must_use]
    pub fn new(project: &str) -> Self {
        Self {
            project: project.to_owned(),
            ..Self::default()
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Replica] {
        &self.all
    }

    /// All of them, with what may be done with each.
    pub fn lots(&mut self) -> impl Iterator<Item = Lot<'_>> {
        self.all.iter_mut().map(|replica| {
            let rights = match replica.kind {
                _ if replica.release => Rights::None,
                Kind::Live => Rights::Offered,
                Kind::LeftBehind => Rights::Adopted,
            };
            let stream = &mut *replica.stream;
            Lot { stream, rights }
        })
    }

    /// The one of that tab.
    pub fn find(&mut self, tab: TabId) -> Option<&mut Replica> {
        self.all
            .iter_mut()
            .find(|replica| replica.stream.tab() == tab)
    }

    /// Those that tabs which are gone left behind.
    pub fn left_behind(&self) -> impl Iterator<Item = &Replica> {
        self.all
            .iter()
            .filter(|replica| replica.kind == Kind::LeftBehind)
    }

    /// Whether anything of another tab waits here.
    #[must_use]
    pub fn have_work(&self) -> bool {
        self.all.iter().any(|replica| match replica.kind {
            Kind::Live => replica
                .stream
                .cursors
                .iter()
                .any(|cursor| !cursor.seals().is_empty()),
            Kind::LeftBehind => !replica.stream.is_done(),
        })
    }

    /// The tabs that handed something over that has not ended.
    #[must_use]
    pub fn live_with_work(&self) -> Vec<TabId> {
        let live = self.all.iter().filter(|replica| replica.kind == Kind::Live);
        let works = live.filter(|replica| {
            replica
                .stream
                .cursors
                .iter()
                .any(|cursor| !cursor.seals().is_empty())
        });
        works.map(|replica| replica.stream.tab()).collect()
    }

    /// The batches of a living tab that are held here.
    #[must_use]
    pub fn held_of(&self, tab: TabId) -> Vec<Named> {
        let of = |replica: &&Replica| replica.kind == Kind::Live && replica.stream.tab() == tab;
        let cursors = self
            .all
            .iter()
            .filter(of)
            .flat_map(|replica| &replica.stream.cursors);
        let held = cursors.flat_map(|cursor| {
            let seals = cursor.seals().iter();
            seals.map(|seal| name(&cursor.destination, seal))
        });
        held.collect()
    }

    /// Takes a batch that a living tab hands over. `flies`: whether a batch is under way.
    pub fn take_offer(
        &mut self,
        tab: TabId,
        offer: &Offer,
        owed: &[Owed],
        flies: impl Fn(&BatchRef) -> bool,
    ) -> Reply {
        let Named {
            destination, stamp, ..
        } = &offer.batch;
        let same = |one: &Owed| one.name == *destination && one.encoder == offer.encoder;
        let Some(lane) = owed.iter().position(same) else {
            return Reply::Declined;
        };
        if self
            .ended_of(tab, |ended| {
                ended.batch.stamp == *stamp && ended.batch.destination == *destination
            })
            .next()
            .is_some()
        {
            return Reply::Ended;
        }
        if self.find(tab).is_none() {
            let Some(origin) = &offer.origin else {
                return Reply::Missing;
            };
            let log = Log::new(tab, origin.sdk.clone(), origin.context.clone());
            // Its own tab writes it; it is only ours to look at, should that tab be gone.
            let journal = Journal::new(&self.project, &tab.text(), 0);
            let cursors = owed.iter().map(|owed| {
                if origin.owed.split(' ').any(|name| name == owed.name) {
                    Cursor::new(owed)
                } else {
                    Cursor::at_end(owed)
                }
            });
            let stream = Stream::restored(log, journal, cursors.collect(), Vec::new());
            self.add(stream, Kind::Live);
        }
        match self.find(tab) {
            Some(replica) if replica.kind == Kind::Live && !replica.release => {
                take_in(&mut replica.stream, lane, offer, flies)
            }
            _ => Reply::Busy,
        }
    }

    /// Keeps a stream.
    pub fn add(&mut self, stream: Stream, kind: Kind) {
        self.all.push(Replica {
            stream: Box::new(stream),
            kind,
            release: false,
            unseen: 0,
        });
    }

    /// Brings a stream that was just found up to what is known here, and keeps it in place of what its tab
    /// handed over when it lived. Tells whether its record is to be written: gaps have come to light.
    pub fn adopt(&mut self, mut found: Stream) -> bool {
        let tab = found.tab();
        if let Some(index) = self
            .all
            .iter()
            .position(|replica| replica.stream.tab() == tab)
        {
            let known = self.all.remove(index);
            for entry in known.stream.log.after(found.log.last_seq()) {
                // What it handed over, and its journal does not show (yet).
                let page = found.log.page(known.stream.log.page_text(entry.page));
                let entry = Entry {
                    page,
                    ..entry.clone()
                };
                found.log.insert(entry);
            }
        }
        let mut gaps = false;
        for ended in self.ended.iter().filter(|ended| ended.tab == tab) {
            gaps |= settle_again(&mut found, ended);
        }
        self.add(found, Kind::LeftBehind);
        gaps
    }

    /// A tab that goes says how far each destination has settled its stream: it may have been told so by another leader
    /// than this tab, and what was handed over lags behind.
    pub fn catch_up(&mut self, tab: TabId, settled: &[(String, u64)], flies: &dyn Flying) {
        let Some(replica) = self.find(tab).filter(|one| one.kind == Kind::Live) else {
            return;
        };
        let upto = |cursor: &Cursor| {
            let mine = settled.iter().find(|(name, _)| *name == cursor.destination);
            mine.map_or(0, |(_, upto)| *upto)
        };
        pass(&mut replica.stream, upto, |batch| flies.batch(batch));
        replica.stream.forget();
    }

    /// Lets go of the streams of a tab, or of all that were left behind, as soon as no answer is awaited for them.
    pub fn release(&mut self, tab: Option<TabId>) {
        for replica in &mut self.all {
            let meant = tab.map_or(replica.kind == Kind::LeftBehind, |tab| {
                replica.stream.tab() == tab
            });
            replica.release |= meant && replica.kind == Kind::LeftBehind;
        }
    }

    /// Lets go of what living tabs handed over, but for what is in flight: they hand it to whoever leads next.
    pub fn forget_offers(&mut self, flies: impl Fn(TabId) -> bool) {
        self.all
            .retain(|replica| replica.kind != Kind::Live || flies(replica.stream.tab()));
    }

    /// Lets go of everything at once.
    pub fn clear(&mut self) {
        self.all.clear();
        self.ended.clear();
    }

    /// Takes those out that are let go of, unless an answer is awaited for them.
    pub fn take_released(&mut self, flies: impl Fn(TabId) -> bool) -> Vec<Replica> {
        let gone = |replica: &mut Replica| replica.release && !flies(replica.stream.tab());
        self.all.extract_if(.., gone).collect()
    }

    /// The store was searched: tabs that handed something over, are `gone`, and have left nothing in the store,
    /// twice in a row. What they handed over is all there is.
    pub fn unseen(&mut self, gone: impl Fn(&TabId) -> bool) -> Vec<TabId> {
        let mut orphans = Vec::new();
        for replica in self
            .all
            .iter_mut()
            .filter(|replica| replica.kind == Kind::Live)
        {
            let tab = replica.stream.tab();
            replica.unseen = if gone(&tab) { replica.unseen + 1 } else { 0 };
            if replica.unseen >= UNSEEN_MAX {
                replica.kind = Kind::LeftBehind;
                orphans.push(tab);
            }
        }
        orphans
    }

    /// Remembers how a batch ended.
    pub fn remember(&mut self, ended: Ended) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.remove(0);
        }
        self.ended.push(ended);
    }

    /// How batches of a tab ended.
    pub fn ended_of(
        &self,
        tab: TabId,
        is: impl Fn(&Ended) -> bool,
    ) -> impl Iterator<Item = &Ended> {
        self.ended
            .iter()
            .filter(move |ended| ended.tab == tab && is(ended))
    }
}

/// The name of a sealed batch among tabs.
#[must_use]
pub fn name(destination: &str, seal: &Seal) -> Named {
    Named {
        destination: destination.to_owned(),
        from: seal.from,
        to: seal.to,
        stamp: seal.stamp,
    }
}

/// Whether a batch of a lane is.
fn is_under_way(
    cursor: &Cursor,
    tab: TabId,
    lane: usize,
    flies: impl Fn(&BatchRef) -> bool,
) -> bool {
    let mut seals = cursor.seals().iter();
    seals.any(|seal| flies(&seal.batch(tab, lane)))
}

/// Settles what is known to be, up to a number for each destination; but the bytes of a batch that is under way do not change.
fn pass(stream: &mut Stream, upto: impl Fn(&Cursor) -> u64, flies: impl Fn(&BatchRef) -> bool) {
    let tab = stream.tab();
    for lane in 0..stream.cursors.len() {
        if let Some((cursor, log)) = stream.lane(lane)
            && !is_under_way(cursor, tab, lane, &flies)
        {
            cursor.settle(log, 0, upto(cursor), None);
        }
    }
}

/// Adds what an offer brings to what its tab has handed over before.
fn take_in(
    stream: &mut Stream,
    lane: usize,
    offer: &Offer,
    flies: impl Fn(&BatchRef) -> bool,
) -> Reply {
    let tab = stream.tab();
    for (seq, page, text) in &offer.events {
        let page = stream.log.page(page);
        let (seq, text) = (*seq, text.clone());
        stream.log.insert(Entry { seq, page, text });
    }
    pass(stream, |_| offer.settled, &flies);
    let Named {
        from, to, stamp, ..
    } = offer.batch;
    let mut seal = Seal::new(from, to, offer.at, stamp);
    (seal.way.offered, seal.way.maybe_sent) = (true, offer.maybe_sent);
    let Some((cursor, log)) = stream.lane(lane) else {
        return Reply::Declined;
    };
    if cursor.seals().iter().any(|held| held.is_same(&seal)) {
        return Reply::Held;
    }
    if is_under_way(cursor, tab, lane, &flies) {
        return Reply::Busy;
    }
    // Not before: the bytes of a batch that is under way do not change.
    for (from, to) in &offer.done {
        cursor.restore_done(*from, *to);
    }
    cursor.replace_offered(seal, &offer.gaps);
    let whole = cursor.count(log, from, to) as u64 == offer.count && cursor.is_exact(log, &seal);
    if whole {
        stream.forget();
        return Reply::Held;
    }
    cursor.unseal(log);
    Reply::Missing
}

/// Settles in a stream that was found what ended here: what was refused for good its tab may not have lived to
/// write down as a gap. Tells whether it is one.
fn settle_again(found: &mut Stream, ended: &Ended) -> bool {
    let Named { from, to, .. } = ended.batch;
    let named = |cursor: &&mut Cursor| cursor.destination == ended.batch.destination;
    let Some(cursor) = found.cursors.iter_mut().find(named) else {
        return false;
    };
    // What ended was cut when some of the range was settled already, and that has been opened again since.
    if !ended.batch.is_all_of(cursor, &found.log, ended.count) {
        return false;
    }
    match &ended.ending {
        Ending::Delivered { again, .. } if again.is_empty() => {
            cursor.settle(&found.log, from, to, None);
            false
        }
        Ending::Dropped(reason) if cursor.count(&found.log, from, to) > 0 => {
            cursor.settle(&found.log, from, to, Some(*reason));
            true
        }
        Ending::Delivered { .. } | Ending::Dropped(_) | Ending::TooLarge | Ending::Kept => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::cursor::Telling,
        model::{drop_reason::DropReason, time::UnixMillis},
        tabs::peer::Origin,
    };

    fn owed() -> Vec<Owed> {
        let one = |name: &str| Owed {
            name: name.into(),
            encoder: "test/1",
            tells_gaps: true,
        };
        vec![one("own"), one("other")]
    }

    fn tab() -> TabId {
        TabId::parse("00000000000000000001").unwrap()
    }

    /// The stream of a tab that lives, with so many events.
    fn own(events: usize) -> Stream {
        let mut log = Log::new(tab(), "{}".into(), "{}".into());
        (0..events).for_each(|_| log.push(0, "{\"e\":1}".into()));
        Stream::new(log, Journal::new("p", "t", 0), &owed())
    }

    fn offer(stream: &mut Stream, lane: usize, range: (u64, u64), ships: (u64, u64)) -> Offer {
        let (cursor, log) = stream.lane(lane).unwrap();
        let telling = Telling::Next;
        let seal = cursor.sealing(log, range.0, range.1, UnixMillis(5), telling);
        let gaps = cursor.gaps_of(telling);
        let count = cursor.count(log, range.0, range.1) as u64;
        let events = log.range(ships.0, ships.1).iter();
        Offer {
            batch: name(&cursor.destination, &seal),
            encoder: "test/1".into(),
            at: seal.at,
            count,
            maybe_sent: false,
            gaps,
            settled: 0,
            done: Vec::new(),
            origin: (ships.0 == 1).then(|| Origin {
                sdk: "{}".into(),
                context: "{}".into(),
                owed: "own other".into(),
            }),
            events: events
                .map(|entry| (entry.seq, String::new(), entry.text.clone()))
                .collect(),
        }
    }

    #[test]
    fn events_are_handed_over_once_and_batches_for_each_destination() {
        let (mut own, mut replicas) = (own(20), Replicas::default());
        let nothing_flies = |_: &BatchRef| false;
        let first = offer(&mut own, 0, (1, 10), (1, 10));
        assert_eq!(
            replicas.take_offer(tab(), &first, &owed(), nothing_flies),
            Reply::Held
        );
        assert_eq!(
            replicas.take_offer(tab(), &first, &owed(), nothing_flies),
            Reply::Held
        );
        let second = offer(&mut own, 1, (1, 10), (0, 0));
        assert_eq!(
            replicas.take_offer(tab(), &second, &owed(), nothing_flies),
            Reply::Held
        );
        assert_eq!(replicas.held_of(tab()).len(), 2);
        let unseen = offer(&mut own, 1, (11, 20), (12, 20));
        assert_eq!(
            replicas.take_offer(tab(), &unseen, &owed(), nothing_flies),
            Reply::Missing
        );
        let whole = offer(&mut own, 1, (11, 20), (11, 20));
        assert_eq!(
            replicas.take_offer(tab(), &whole, &owed(), |_| true),
            Reply::Held
        );
    }

    #[test]
    fn gaps_go_along_and_what_is_not_the_same_is_not_taken() {
        let (mut own, mut replicas) = (own(10), Replicas::default());
        let (cursor, log) = own.lane(0).unwrap();
        cursor.give_up(log, 1, 3, DropReason::Overflow);
        let mut with_gap = offer(&mut own, 0, (4, 10), (1, 10));
        assert_eq!(with_gap.gaps.len(), 1);
        assert_eq!(
            replicas.take_offer(tab(), &with_gap, &owed(), |_| false),
            Reply::Held
        );
        with_gap.batch.stamp ^= 1;
        assert_eq!(
            replicas.take_offer(tab(), &with_gap, &owed(), |_| true),
            Reply::Busy
        );
        assert_eq!(
            replicas.take_offer(tab(), &with_gap, &owed(), |_| false),
            Reply::Missing
        );
        with_gap.encoder = "test/2".into();
        assert_eq!(
            replicas.take_offer(tab(), &with_gap, &owed(), |_| false),
            Reply::Declined
        );
    }

    #[test]
    fn the_bytes_of_a_batch_that_is_under_way_do_not_change() {
        let (mut own, mut replicas) = (own(10), Replicas::default());
        let mut handed = offer(&mut own, 0, (1, 10), (1, 10));
        replicas.take_offer(tab(), &handed, &owed(), |_| false);
        (handed.settled, handed.events) = (4, Vec::new());
        let open = |replicas: &mut Replicas| replicas.find(tab()).unwrap().stream.pending(0);
        replicas.take_offer(tab(), &handed, &owed(), |_| true);
        assert_eq!(open(&mut replicas), 10);
        replicas.take_offer(tab(), &handed, &owed(), |_| false);
        assert_eq!(open(&mut replicas), 6);
    }

    /// Nothing is under way, or everything.
    struct Flies(bool);

    impl Flying for Flies {
        fn batch(&self, _: &BatchRef) -> bool {
            self.0
        }
        fn tab(&self, _: TabId) -> bool {
            self.0
        }
    }

    #[test]
    fn what_a_tab_that_goes_knows_to_be_settled_is_not_sent_again() {
        let (mut own, mut replicas) = (own(10), Replicas::default());
        let handed = offer(&mut own, 0, (1, 10), (1, 10));
        replicas.take_offer(tab(), &handed, &owed(), |_| false);
        let settled = [("own".to_owned(), 10), ("other".to_owned(), 4)];
        let open = |replicas: &mut Replicas| {
            let stream = &replicas.find(tab()).unwrap().stream;
            (stream.pending(0), stream.pending(1))
        };
        replicas.catch_up(tab(), &settled, &Flies(true));
        assert_eq!(open(&mut replicas).0, 10, "an answer is awaited");
        replicas.catch_up(tab(), &settled, &Flies(false));
        assert_eq!(open(&mut replicas), (0, 6));
        assert!(replicas.held_of(tab()).is_empty());
    }

    #[test]
    fn what_a_dead_tab_handed_over_and_its_journal_does_not_show_is_kept() {
        let (mut own, mut replicas) = (own(10), Replicas::default());
        let handed = offer(&mut own, 0, (1, 10), (1, 10));
        replicas.take_offer(tab(), &handed, &owed(), |_| false);
        let mut found = self::own(6);
        found.cursors[0].settle(&found.log.clone(), 1, 2, None);
        replicas.remember(Ended {
            tab: tab(),
            batch: Named {
                destination: "own".into(),
                from: 3,
                to: 4,
                stamp: 7,
            },
            count: 2,
            ending: Ending::Dropped(DropReason::Rejected),
        });
        assert!(replicas.adopt(found), "a gap has come to light");
        let [adopted] = replicas.all() else { panic!() };
        assert_eq!(
            (adopted.stream.pending(0), adopted.stream.pending(1)),
            (6, 10)
        );
        assert_eq!(adopted.kind, Kind::LeftBehind);
        replicas.release(None);
        assert_eq!(
            replicas.take_released(|_| true).len(),
            0,
            "an answer is awaited"
        );
        assert_eq!(replicas.take_released(|_| false).len(), 1);
    }
}
