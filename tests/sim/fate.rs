//! What becomes of a request that has left the browser.

use sendoff::engine::io::{Means, Nature, Outcome, Request, RetryAfter};
use sendoff::model::time::UnixMillis;

use crate::faults::{Down, Foreign, Poison};
use crate::model::Tracked;
use crate::network::Flight;
use crate::rng::hash;
use crate::tab::About;
use crate::world::{Event, World};

/// How long an answer with a date may be on its way.
const DATED_MS: u64 = 30_000;

/// What follows once the collector has processed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Answer,
    /// The answer says that it came by a redirection.
    AnswerMoved,
    /// Its body cannot be read in time.
    AnswerBodiless,
    Silence,
    Reset,
}

/// What the seed has in store for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Normal,
    Bodiless,
    Late,
    Twice,
    Lost,
    Reset,
    /// It never reaches its destination.
    Down(Down),
}

impl World {
    fn fate(&mut self, tab: usize, about: &About) -> Fate {
        let net = &self.nets[about.body.place];
        if self.faults.blocked || !self.online {
            return Fate::Down(Down::Refused);
        }
        if let Some((until, down)) = net.outage
            && self.now < until
        {
            return Fate::Down(down);
        }
        if self.is_poisoned(about) {
            let down = net.poison.map_or(Down::Refused, |poison| poison.down);
            return Fate::Down(down);
        }
        let rates = [
            (net.refused, Fate::Down(Down::Refused)),
            (net.status_503, Fate::Down(Down::Status(503))),
            (net.status_429, Fate::Down(Down::Status(429))),
            (net.status_408, Fate::Down(Down::Status(408))),
            (net.status_400, Fate::Down(Down::Status(400))),
            (net.hang, Fate::Down(Down::Hangs)),
            (net.foreign, Fate::Down(self.foreign(tab, about))),
            (net.bodiless, Fate::Bodiless),
            (net.lost, Fate::Lost),
            (net.reset, Fate::Reset),
            (net.late, Fate::Late),
            (net.twice, Fate::Twice),
        ];
        let hit = rates.into_iter().find(|(rate, _)| self.dice.chance(*rate));
        hit.map_or(Fate::Normal, |(_, fate)| fate)
    }

    /// Somebody else's answer. A blank one tells from the true one only where that has a dialect which the tab has
    /// heard.
    fn foreign(&self, tab: usize, about: &About) -> Down {
        let roll = hash(&self.network.next.to_le_bytes()) as usize;
        let foreign = Foreign::ALL[roll % Foreign::ALL.len()];
        let lane = &self.tabs[tab].seen.lanes[about.body.place];
        Down::Foreign(match foreign {
            Foreign::Fake if !lane.spoke => Foreign::Page,
            foreign => foreign,
        })
    }

    /// Whether somebody on the way dislikes an event of the body.
    fn is_poisoned(&self, about: &About) -> bool {
        let Some(poison) = self.nets[about.body.place].poison else {
            return false;
        };
        let events = &self.model.books[about.body.tab].events;
        about.body.seqs.iter().any(|seq| {
            let event = events.get(*seq as usize - 1);
            event.is_some_and(|event| self.dislikes(poison, event))
        })
    }

    /// Whether an event is one that does not get through; what follows the end of chaos does.
    pub(crate) fn dislikes(&self, poison: Poison, event: &Tracked) -> bool {
        event.at < self.healed_at && hash(event.properties.as_bytes()) % 1_000 < poison.rate
    }

    pub(crate) fn delay(&mut self, place: usize) -> u64 {
        let delay_ms_max = self.nets[place].delay_ms_max;
        1 + self.upto(delay_ms_max - 1)
    }

    /// A request leaves the browser; what becomes of it is drawn from the seed unless it is given.
    pub(crate) fn launch(
        &mut self,
        tab: usize,
        request: &Request,
        about: About,
        fate: Option<Fate>,
    ) {
        self.check_departure(tab, &about.body, about.exit);
        let fate = match fate {
            Some(fate) => fate,
            None => self.fate(tab, &about),
        };
        let (place, bytes) = (about.body.place, about.body.bytes);
        if matches!(request.means, Means::Keepalive | Means::Beacon) && !self.tab_gone(tab) {
            self.tabs[tab].keepalive_bytes += bytes;
        }
        let upload_ms = match self.nets[place].bytes_per_s {
            0 => 0,
            rate => (bytes * 1_000 / rate) as u64,
        };
        let flight = Flight {
            tab,
            request: request.id,
            means: request.means,
            about,
            started: self.now,
            uploaded_at: self.now + upload_ms,
            unheard: matches!(request.means, Means::Beacon | Means::Deferred),
            arrived: false,
            then: then(fate),
        };
        self.network.next += 1;
        let number = self.network.next;
        self.network.flights.insert(number, flight);
        self.log("fate", tab, number, || format!("{fate:?}"));
        let delay = self.delay(place) + upload_ms + self.nets[place].work_ms;
        self.schedule(number, tab, fate, delay);
    }

    fn schedule(&mut self, number: u64, tab: usize, fate: Fate, delay: u64) {
        match fate {
            Fate::Normal | Fate::Bodiless | Fate::Lost | Fate::Reset => {
                self.at(delay, Event::Arrive(number));
            }
            Fate::Twice => {
                self.coverage.hit("answered twice");
                self.at(delay, Event::Arrive(number));
                self.at(delay, Event::Arrive(number));
            }
            Fate::Late => {
                self.coverage.hit("answered late");
                let late = self.dice.between(500, 9_000);
                self.at(delay + late, Event::Arrive(number));
            }
            Fate::Down(Down::Hangs) => {}
            Fate::Down(Down::Foreign(Foreign::Moved)) => {
                self.coverage.hit("foreign answer");
                self.at(delay, Event::Arrive(number));
            }
            Fate::Down(Down::Refused) => self.at(delay, Event::Answer(number, Outcome::Network)),
            Fate::Down(Down::Status(code)) => {
                let outcome = self.status(code);
                self.at(delay, Event::Answer(number, outcome));
            }
            Fate::Down(Down::Foreign(foreign)) => {
                self.coverage.hit("foreign answer");
                self.log("foreign", tab, number, || format!("{foreign:?}"));
                self.at(delay, Event::Answer(number, foreign_answer(foreign)));
            }
        }
    }

    fn status(&mut self, code: u16) -> Outcome {
        let wanted = matches!(code, 429 | 503) && self.dice.chance(500);
        let now = self.now;
        let retry_after = wanted.then(|| {
            let seconds = self.dice.between(1, 15);
            if self.dice.chance(300) {
                // A date has no fractions of a second. Nobody sets the clock while it is on its way.
                self.dated_until = now + DATED_MS;
                let at = self.wall() + seconds * 1_000;
                RetryAfter::At(UnixMillis(at / 1_000 * 1_000))
            } else {
                RetryAfter::Millis(seconds * 1_000)
            }
        });
        Outcome::Status {
            code,
            retry_after,
            body: None,
            nature: Nature::Plain,
        }
    }
}

const fn then(fate: Fate) -> Then {
    match fate {
        Fate::Lost => Then::Silence,
        Fate::Reset => Then::Reset,
        Fate::Bodiless => Then::AnswerBodiless,
        Fate::Down(Down::Foreign(Foreign::Moved)) => Then::AnswerMoved,
        _ => Then::Answer,
    }
}

fn foreign_answer(foreign: Foreign) -> Outcome {
    let (nature, code, body) = match foreign {
        Foreign::Page => (Nature::Html, 200, Some("<html>Welcome to our hotel")),
        Foreign::Login | Foreign::Moved => (Nature::Redirected, 200, Some("<form>Who are you?")),
        Foreign::Opaque => (Nature::Opaque, 0, None),
        Foreign::Fake => (Nature::Plain, 200, Some("{}")),
    };
    Outcome::Status {
        code,
        retry_after: None,
        body: body.map(str::to_owned),
        nature,
    }
}
