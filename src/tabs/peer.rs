//! What tabs say to each other, and how it is written: one line of fields, each with its tag.
//!
//! Every message carries its sender's standing (term, whether it leads, whether it is visible, whether it can
//! reach the destinations), so that two leaders who hear anything at all of each other know it. Kinds and
//! tags that a build does not know are skipped, so that builds of different ages can share one origin; what a
//! build can do it says in its [capabilities](CAPABILITIES).
//!
//! ```text
//! 3 <kind> <from> <term> <standing: L leads, V visible, A able> <can> {<tag>=<value>}    separated by tabs
//! ```

mod reading;
mod writing;

use self::{reading::Tags, writing::Writer};
use crate::{
    journal::{cursor::Cursor, log::Log},
    model::{ending::Ending, gap::Gap, ids::TabId, time::UnixMillis},
    text::fields::fields,
};

/// Version of the way messages are written; it changes only if that of the first six fields does.
const VERSION: &str = "3";

/// It takes events and seals of others, and sends them ([`Says::Offer`]).
pub const TAKES_OFFERS: u32 = 1;
/// It says when it sends another's batch ([`Says::Sending`]).
pub const TELLS_SENDING: u32 = 2;
/// All that this build can do.
pub const CAPABILITIES: u32 = TAKES_OFFERS | TELLS_SENDING;

/// Where a tab stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The highest lease term it knows; its own if it leads.
    pub term: u64,
    /// Whether it leads.
    pub leads: bool,
    /// Whether its page is visible.
    pub visible: bool,
    /// Whether it can reach the destinations, for all it knows.
    pub able: bool,
    /// What its build can do.
    pub can: u32,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub from: TabId,
    /// Where that tab stands.
    pub standing: Standing,
    /// What it says.
    pub says: Says,
}

/// A sealed batch of the tab that the message is from or for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// For which destination.
    pub destination: String,
    /// First event.
    pub from: u64,
    /// Last event.
    pub to: u64,
    /// See [`Seal::stamp`](crate::journal::seal::Seal::stamp).
    pub stamp: u32,
}

impl Named {
    /// Whether it is still sealed there, to the byte.
    #[must_use]
    pub fn is_sealed_in(&self, cursor: &Cursor) -> bool {
        let mut seals = cursor.seals().iter();
        seals.any(|seal| seal.spans(self.from, self.to) && seal.stamp == self.stamp)
    }

    /// Whether what was said of a batch of so many events holds for all that is open of its range: there may be another
    /// batch of that range, cut anew since, or more may be open than it had.
    #[must_use]
    pub fn is_all_of(&self, cursor: &Cursor, log: &Log, events: u64) -> bool {
        let mut seals = cursor.seals().iter();
        let another = seals.any(|seal| seal.spans(self.from, self.to) && seal.stamp != self.stamp);
        self.is_sealed_in(cursor)
            || !another && cursor.count(log, self.from, self.to) as u64 <= events
    }
}

/// What a tab hands to the leader: a sealed batch, and those of its events that the leader has not had yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The batch.
    pub batch: Named,
    /// What encodes it.
    pub encoder: String,
    /// When it was sealed.
    pub at: UnixMillis,
    /// Events in it.
    pub count: u64,
    /// Whether it may have been sent before.
    pub maybe_sent: bool,
    /// The gaps that it tells.
    pub gaps: Vec<Gap>,
    /// Everything of this tab up to this number is settled everywhere.
    pub settled: u64,
    /// Ranges beyond that which are settled at this destination, or pass it by.
    pub done: Vec<(u64, u64)>,
    /// What is the same for all events of the tab; with the first of them only.
    pub origin: Option<Origin>,
    /// Events with number, page (JSON) and text.
    pub events: Vec<(u64, String, String)>,
}

/// What is the same for all events of a tab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// JSON object: which SDK recorded them.
    pub sdk: String,
    /// JSON object: their context.
    pub context: String,
    /// Names of the destinations that they are for, with blanks between.
    pub owed: String,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// I am new, or back. The leader answers [`Here`](Self::Here) and repeats what it settled.
    Hello {
        /// How far each destination has settled what is mine, as far as I know.
        settled: Vec<(String, u64)>,
    },
    /// I live. With it the leader says how many tabs there are.
    Here {
        /// Tabs that the leader knows, itself among them; 0 from others.
        tabs: u32,
    },
    /// I lead from now on. Whoever did not know answers [`Here`](Self::Here) and offers what it has waiting.
    Claim,
    /// Leader, are you there? It answers [`Pong`](Self::Pong), or [`Yield`](Self::Yield) if it is hidden and the
    /// asker is not. All others hear both, and need not ask.
    Ping {
        /// As in [`Hello`](Self::Hello).
        settled: Vec<(String, u64)>,
    },
    /// I am.
    Pong {
        /// Who asked.
        to: TabId,
        /// As in [`Here`](Self::Here).
        tabs: u32,
        /// The batches of the asker that I hold.
        held: Vec<Named>,
    },
    /// Lead in my place.
    Yield {
        /// Who shall.
        to: TabId,
    },
    /// Are you there?
    Who {
        /// Who is asked.
        to: TabId,
    },
    /// I am leaving.
    Bye {
        /// As in [`Hello`](Self::Hello): what is held of mine beyond it is all that is left to be done for me.
        settled: Vec<(String, u64)>,
    },
    /// Send this for me. For the tab that leads as far as I know: there may be two for a while, and one is to
    /// send it.
    Offer {
        /// The leader.
        to: TabId,
        /// What is handed over.
        offer: Box<Offer>,
    },
    /// I do not have all events of the batch that you offered: hand them over again.
    Missing {
        /// Whose batch.
        to: TabId,
        /// Which.
        batch: Named,
    },
    /// I do not send to this destination, or encode otherwise than you do: send it yourself.
    Declined {
        /// Whose batch.
        to: TabId,
        /// The destination.
        destination: String,
    },
    /// Your batch is under way.
    Sending {
        /// Whose batch.
        to: TabId,
        /// Which.
        batch: Named,
    },
    /// Your batch is done with.
    Settled {
        /// Whose batch.
        to: TabId,
        /// Which.
        batch: Named,
        /// Events that were in it: a tab that has more of that range keeps them.
        count: u64,
        /// How it ended.
        verdict: Ending,
    },
    /// The visitor record has changed: read it again.
    Visitor,
    /// The visitor has withdrawn his consent: nothing is kept or sent any more.
    Withdrawn,
}

impl Says {
    /// The tab that it is for, where it is for one.
    #[must_use]
    pub const fn to(&self) -> Option<TabId> {
        match self {
            Self::Pong { to, .. }
            | Self::Yield { to }
            | Self::Who { to }
            | Self::Offer { to, .. }
            | Self::Missing { to, .. }
            | Self::Declined { to, .. }
            | Self::Sending { to, .. }
            | Self::Settled { to, .. } => Some(*to),
            Self::Hello { .. }
            | Self::Here { .. }
            | Self::Claim
            | Self::Ping { .. }
            | Self::Bye { .. }
            | Self::Visitor
            | Self::Withdrawn => None,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Here { .. } => "here",
            Self::Claim => "claim",
            Self::Ping { .. } => "ping",
            Self::Pong { .. } => "pong",
            Self::Yield { .. } => "yield",
            Self::Who { .. } => "who",
            Self::Bye { .. } => "bye",
            Self::Offer { .. } => "offer",
            Self::Missing { .. } => "missing",
            Self::Declined { .. } => "declined",
            Self::Sending { .. } => "sending",
            Self::Settled { .. } => "settled",
            Self::Visitor => "visitor",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Message {
    /// As text for the channel.
    #[must_use]
    pub fn encode(&self) -> String {
        let Standing {
            term,
            leads,
            visible,
            able,
            can,
        } = self.standing;
        let mut out = Writer(VERSION.to_owned());
        out.word(self.says.kind());
        out.word(&self.from.text());
        out.number(term);
        let letters = [(leads, 'L'), (visible, 'V'), (able, 'A')];
        let letters = letters.iter().filter(|(is, _)| *is);
        out.word(&letters.map(|(_, letter)| *letter).collect::<String>());
        out.number(can.into());
        if let Some(to) = self.says.to() {
            out.tag("to", &to.text());
        }
        out.says(&self.says);
        out.0
    }

    /// Reads a message; `None` if it is none that this build understands.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut words = fields(text, b'\t');
        if words.next()? != VERSION {
            return None;
        }
        let kind = words.next()?;
        let from = TabId::parse(words.next()?)?;
        let term = words.number()?;
        let letters = words.next()?;
        let has = |letter| letters.contains(letter);
        let standing = Standing {
            term,
            leads: has('L'),
            visible: has('V'),
            able: has('A'),
            can: words.number()? as u32,
        };
        let says = Tags(words.rest()).says(kind)?;
        Some(Self {
            from,
            standing,
            says,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::drop_reason::DropReason;

    fn tab(name: &str) -> TabId {
        TabId::parse(name).unwrap()
    }

    fn named() -> Named {
        Named {
            destination: "own".into(),
            from: 1,
            to: 50,
            stamp: 9,
        }
    }

    fn offer() -> Offer {
        Offer {
            batch: named(),
            encoder: "native/2".into(),
            at: UnixMillis(7),
            count: 2,
            maybe_sent: true,
            gaps: vec![Gap {
                from: 3,
                to: 4,
                reason: DropReason::Overflow,
            }],
            settled: 0,
            done: vec![(2, 2)],
            origin: Some(Origin {
                sdk: "{\"name\":\"sendoff\"}".into(),
                context: "{\"a\":\"b=c\"}".into(),
                owed: "own other".into(),
            }),
            events: vec![
                (1, "{\"url\":\"/\"}".into(), "{\"a\":\"x = y\"}".into()),
                (2, "{\"url\":\"/\"}".into(), "{}".into()),
                (5, "{\"url\":\"/b\"}".into(), "{}".into()),
            ],
        }
    }

    fn everything() -> Vec<Says> {
        let to = tab("000000000000000000ff");
        let settled = vec![("own".to_owned(), 7), ("posthog".to_owned(), 0)];
        vec![
            Says::Hello {
                settled: settled.clone(),
            },
            Says::Here { tabs: 3 },
            Says::Claim,
            Says::Ping {
                settled: settled.clone(),
            },
            Says::Pong {
                to,
                tabs: 2,
                held: vec![named(), named()],
            },
            Says::Yield { to },
            Says::Who { to },
            Says::Bye { settled },
            Says::Offer {
                to,
                offer: Box::new(offer()),
            },
            Says::Missing { to, batch: named() },
            Says::Declined {
                to,
                destination: "own".into(),
            },
            Says::Sending { to, batch: named() },
            Says::Settled {
                to,
                batch: named(),
                count: 50,
                verdict: Ending::Delivered {
                    refused: vec![3],
                    again: vec![7, 8],
                },
            },
            Says::Settled {
                to,
                batch: named(),
                count: 50,
                verdict: Ending::Dropped(DropReason::Rejected),
            },
            Says::Visitor,
            Says::Withdrawn,
        ]
    }

    fn message(says: Says) -> Message {
        let standing = Standing {
            term: 3,
            leads: true,
            visible: false,
            able: true,
            can: CAPABILITIES,
        };
        Message {
            from: tab("0123456789abcdef0123"),
            standing,
            says,
        }
    }

    #[test]
    fn every_message_reads_back() {
        for says in everything() {
            let message = message(says);
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn what_a_newer_build_adds_is_skipped() {
        for says in everything() {
            let message = message(says);
            let newer = format!("{}\tlater={{\"x\":1}}\tevents_of_2031", message.encode());
            assert_eq!(Message::decode(&newer), Some(message));
        }
        let unknown = "3\tsing\t0123456789abcdef0123\t3\tLQ\t9\tto=x";
        assert_eq!(Message::decode(unknown), None);
    }

    #[test]
    fn an_unknown_verdict_is_a_batch_that_is_done_with() {
        let settled = "3\tsettled\t0123456789abcdef0123\t3\tL\t3\tto=000000000000000000ff\tbatch=1 5 9 own\tcount=5\tverdict=solar_flare";
        let says = Message::decode(settled).unwrap().says;
        let Says::Settled { verdict, .. } = says else {
            panic!("{says:?}")
        };
        assert_eq!(verdict, Ending::Dropped(DropReason::Unknown));
    }

    proptest::proptest! {
        #[test]
        fn foreign_text_is_ignored(text in ".*") {
            if let Some(message) = Message::decode(&text) {
                proptest::prop_assert!(text.starts_with("3\t"), "{message:?}");
            }
        }
    }
}
