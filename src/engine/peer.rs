//! What tabs say to each other, and how it is written: one line of fields, a body last.
//!
//! Every message carries its sender's standing (term, whether it leads, whether it is visible), so
//! that two leaders who hear anything at all of each other know it.

use super::{ids::TabId, report::DropReason};
use crate::wire::{
    json::push_u64,
    text::{Fields, fields},
};

/// Version of the protocol; messages of another are not understood and ignored.
const VERSION: &str = "1";

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who says it.
    pub from: TabId,
    /// The highest lease term the sender knows; its own if it leads.
    pub term: u64,
    /// Whether the sender leads.
    pub leads: bool,
    /// Whether the sender's page is visible.
    pub visible: bool,
    /// What it says.
    pub says: Says<'a>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// I am new, or back. Every tab answers `Here`; the leader also repeats what it settled
    /// after `settled`.
    Hello {
        /// Everything of mine up to here is settled as far as I know.
        settled: u64,
    },
    /// I live.
    Here,
    /// I lead from now on. Every tab answers `Here` and offers what it has waiting.
    Claim,
    /// Leader, are you there? It answers `Pong`, or `Yield` if it is hidden and the asker is not.
    Ping {
        /// As in `Hello`.
        settled: u64,
    },
    /// I am, and I hold your batches up to `held`.
    Pong {
        /// Who asked.
        to: TabId,
        /// Last event of the last batch held.
        held: u64,
    },
    /// Lead in my place.
    Yield {
        /// Who shall.
        to: TabId,
    },
    /// Those who have been silent: are you there? They answer `Here`.
    Who,
    /// I am leaving. My journal holds my events up to `end`.
    Bye {
        /// Last event in my journal; 0 if nothing is left in it.
        end: u64,
        /// Some of them may be on their way already: ask the collector first.
        sent: bool,
    },
    /// Send this sealed batch of mine.
    Offer {
        /// First event.
        from: u64,
        /// Last event.
        to: u64,
        /// Events in it.
        count: u32,
        /// Part of its id.
        stamp: u32,
        /// It may have been sent before.
        maybe_sent: bool,
        /// The whole request body.
        body: &'a str,
    },
    /// Your batch is done with.
    Settled {
        /// Whose.
        to: TabId,
        /// Which, and how.
        ended: Ended,
    },
}

/// The end of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// First event.
    pub first: u64,
    /// Last event.
    pub last: u64,
    /// Part of its id.
    pub stamp: u32,
    /// Events that were in it: a tab that has more of that range keeps them.
    pub count: u64,
    /// How it ended.
    pub verdict: PeerVerdict,
}

/// How a batch of another tab ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerVerdict {
    /// Stored.
    Delivered {
        /// Events of it that the collector refused one by one.
        refused: u32,
    },
    /// The collector wants it in smaller pieces.
    TooLarge,
    /// Given up.
    Dropped(DropReason),
    /// The attempts of this go are used up; it is kept.
    Kept,
}

impl PeerVerdict {
    fn code(self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::TooLarge => "split",
            Self::Kept => "kept",
            Self::Dropped(reason) => reason.code(),
        }
    }

    const fn refused(self) -> u32 {
        match self {
            Self::Delivered { refused } => refused,
            _ => 0,
        }
    }

    fn from_code(code: &str, refused: u32) -> Option<Self> {
        Some(match code {
            "delivered" => Self::Delivered { refused },
            "split" => Self::TooLarge,
            "kept" => Self::Kept,
            _ => Self::Dropped(DropReason::from_code(code)?),
        })
    }
}

impl<'a> Message<'a> {
    /// As text for the channel.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = Writer(String::from(VERSION));
        let (name, numbers) = self.says.head();
        out.word(name).word(&self.from.text()).number(self.term);
        out.number(self.leads.into()).number(self.visible.into());
        match &self.says {
            Says::Pong { to, .. } | Says::Yield { to } | Says::Settled { to, .. } => {
                _ = out.word(&to.text())
            }
            _ => {}
        }
        for number in numbers {
            out.number(number);
        }
        match &self.says {
            Says::Offer { body, .. } => _ = out.word(body),
            Says::Settled { ended, .. } => _ = out.word(ended.verdict.code()),
            _ => {}
        }
        out.0
    }

    /// Reads a message; `None` if it is not one of this version.
    #[must_use]
    pub fn decode(text: &'a str) -> Option<Self> {
        let mut read = Reader(fields(text, b'\t'));
        if read.word()? != VERSION {
            return None;
        }
        let (name, from) = (read.word()?, read.tab()?);
        let (term, leads, visible) = (read.number()?, read.flag()?, read.flag()?);
        let says = match name {
            "hello" => Says::Hello {
                settled: read.number()?,
            },
            "here" => Says::Here,
            "claim" => Says::Claim,
            "ping" => Says::Ping {
                settled: read.number()?,
            },
            "pong" => Says::Pong {
                to: read.tab()?,
                held: read.number()?,
            },
            "yield" => Says::Yield { to: read.tab()? },
            "who" => Says::Who,
            "bye" => Says::Bye {
                end: read.number()?,
                sent: read.flag()?,
            },
            "offer" => Says::Offer {
                from: read.number()?,
                to: read.number()?,
                count: u32::try_from(read.number()?).ok()?,
                stamp: u32::try_from(read.number()?).ok()?,
                maybe_sent: read.flag()?,
                body: read.0.rest(),
            },
            "settled" => Says::Settled {
                to: read.tab()?,
                ended: read.ended()?,
            },
            _ => return None,
        };
        Some(Self {
            from,
            term,
            leads,
            visible,
            says,
        })
    }
}

impl Says<'_> {
    fn head(&self) -> (&'static str, Vec<u64>) {
        match self {
            Says::Hello { settled } => ("hello", vec![*settled]),
            Says::Here => ("here", vec![]),
            Says::Claim => ("claim", vec![]),
            Says::Ping { settled } => ("ping", vec![*settled]),
            Says::Pong { held, .. } => ("pong", vec![*held]),
            Says::Yield { .. } => ("yield", vec![]),
            Says::Who => ("who", vec![]),
            Says::Bye { end, sent } => ("bye", vec![*end, u64::from(*sent)]),
            Says::Offer {
                from,
                to,
                count,
                stamp,
                maybe_sent,
                ..
            } => {
                let (count, stamp) = (u64::from(*count), u64::from(*stamp));
                (
                    "offer",
                    vec![*from, *to, count, stamp, u64::from(*maybe_sent)],
                )
            }
            Says::Settled { ended, .. } => (
                "settled",
                vec![
                    ended.first,
                    ended.last,
                    ended.stamp.into(),
                    ended.count,
                    ended.verdict.refused().into(),
                ],
            ),
        }
    }
}

struct Writer(String);

impl Writer {
    fn word(&mut self, word: &str) -> &mut Self {
        self.0.push('\t');
        self.0.push_str(word);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0.push('\t');
        push_u64(&mut self.0, number);
        self
    }
}

struct Reader<'a>(Fields<'a>);

impl<'a> Reader<'a> {
    fn word(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn number(&mut self) -> Option<u64> {
        self.0.number()
    }

    fn flag(&mut self) -> Option<bool> {
        self.number().map(|number| number != 0)
    }

    fn ended(&mut self) -> Option<Ended> {
        let (first, last) = (self.number()?, self.number()?);
        let (stamp, count) = (u32::try_from(self.number()?).ok()?, self.number()?);
        let refused = u32::try_from(self.number()?).ok()?;
        let verdict = PeerVerdict::from_code(self.word()?, refused)?;
        Some(Ended {
            first,
            last,
            stamp,
            count,
            verdict,
        })
    }

    fn tab(&mut self) -> Option<TabId> {
        TabId::parse(self.word()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back() {
        let ended = |verdict| Ended {
            first: 1,
            last: 50,
            stamp: 8,
            count: 49,
            verdict,
        };
        let to = TabId::parse("000000000000000000ff").unwrap();
        let from = TabId::parse("0123456789abcdef0123").unwrap();
        for says in [
            Says::Hello { settled: 7 },
            Says::Here,
            Says::Claim,
            Says::Ping { settled: 0 },
            Says::Pong { to, held: 40 },
            Says::Yield { to },
            Says::Who,
            Says::Bye { end: 9, sent: true },
            Says::Offer {
                from: 1,
                to: 2,
                count: 2,
                stamp: 9,
                maybe_sent: false,
                body: "{\"a\":\"\\t\"}\tx",
            },
            Says::Settled {
                to,
                ended: ended(PeerVerdict::Dropped(DropReason::Rejected)),
            },
            Says::Settled {
                to,
                ended: ended(PeerVerdict::Delivered { refused: 3 }),
            },
        ] {
            let message = Message {
                from,
                term: 3,
                leads: true,
                visible: false,
                says,
            };
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    proptest::proptest! {
        #[test]
        fn foreign_text_is_ignored(text in ".*") {
            if let Some(message) = Message::decode(&text) {
                proptest::prop_assert!(text.starts_with("1\t"), "{message:?}");
            }
        }
    }
}
