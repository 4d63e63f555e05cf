//! Many tabs at once: they are served in time, and idle ones hardly speak.

use crate::collector::Collector;
use crate::world::World;

/// Pages track for so long.
pub(crate) const TRACK_MS: u64 = 4_000;
/// And by then everything has arrived, none of it twice.
pub(crate) const SERVED_MS: u64 = 20_000;
/// So long they do nothing.
const IDLE_MS: u64 = 120_000;

impl World {
    /// Everything has arrived; then, however many tabs there are, they exchange one message a second at most (26).
    pub(crate) fn check_crowd(&mut self) {
        let books = self.model.books.iter().enumerate();
        let waits = books.flat_map(|(tab, book)| {
            let open = (1..).zip(&book.events).filter(|(_, event)| event.is_open());
            open.map(move |(seq, _)| (tab, seq))
        });
        if let Some((tab, seq)) = waits.min() {
            let tabs = self.tabs.len();
            let what = format!("event {seq} of tab {tab}, one of {tabs}, has not arrived in time");
            self.fail(26, &what);
        }
        let twice: u64 = self.collectors.iter().map(duplicates).sum();
        if twice > 0 {
            self.fail(26, &format!("{twice} events have arrived twice"));
        }
        let (posts, end) = (self.posts, self.now + IDLE_MS);
        self.run_until(end);
        let said = self.posts - posts;
        if said > IDLE_MS / 1_000 {
            let (tabs, seconds) = (self.tabs.len(), IDLE_MS / 1_000);
            let what = format!("{tabs} idle tabs have said {said} things in {seconds} s");
            self.fail(26, &what);
        }
    }
}

const fn duplicates(collector: &Collector) -> u64 {
    collector.duplicates
}
