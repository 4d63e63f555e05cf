//! What tabs say to each other, and how it is written: one line of fields, a text last.
//!
//! Every message carries its sender's standing (term, whether it leads, whether it is visible), so
//! that two leaders who hear anything at all of each other know it.

use crate::engine::report::DropReason;
use crate::journal::record::push_numbers;
use crate::model::ids::TabId;
use crate::text::fields::{fields, owned};

/// Version of the protocol; messages of another are not understood and ignored.
const VERSION: &str = "2";

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
    pub says: Says,
    /// The tab that it is for, where it is for one; otherwise the sender.
    pub to: TabId,
    /// As many of them as [`Says`] tells.
    pub numbers: [u64; 5],
    /// The body of an offered batch, or the code of a [`PeerVerdict`].
    pub text: &'a str,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// I am new, or back. Every tab answers `Here`; the leader also repeats what it settled
    /// after. Number: everything of mine up to here is settled as far as I know.
    Hello,
    /// I live.
    Here,
    /// I lead from now on. Every tab answers `Here` and offers what it has waiting.
    Claim,
    /// Leader, are you there? It answers `Pong`, or `Yield` if it is hidden and the asker is not.
    /// Number: as in `Hello`.
    Ping,
    /// For whoever asked: I am. Number: the last event of the last batch of yours that I hold.
    Pong,
    /// For another tab: lead in my place.
    Yield,
    /// Those who have been silent: are you there? They answer `Here`.
    Who,
    /// I am leaving. Numbers: the last event in my journal, or 0 if nothing is left in it; and 1 if
    /// some of them may be on their way already: ask the collector first.
    Bye,
    /// For the tab that leads as far as I know (there may be two for a while, and one is to send
    /// it): send this sealed batch of mine. Numbers: first event, last event, events in it, its
    /// stamp, and 1 if it may have been sent before. Text: the whole request body.
    Offer,
    /// For its tab: your batch is done with. Numbers: first event, last event, its stamp, events that
    /// were in it (a tab that has more of that range keeps them), and events that the collector
    /// refused one by one. Text: how it ended.
    Settled,
}

/// What a kind of message is called, whether it is for one tab, and its numbers.
struct Shape {
    says: Says,
    name: &'static str,
    to: bool,
    numbers: usize,
}

impl Shape {
    const fn new(says: Says, name: &'static str, to: bool, numbers: usize) -> Self {
        Self {
            says,
            name,
            to,
            numbers,
        }
    }
}

/// In the order of [`Says`].
static SHAPES: [Shape; 10] = [
    Shape::new(Says::Hello, "hello", false, 1),
    Shape::new(Says::Here, "here", false, 0),
    Shape::new(Says::Claim, "claim", false, 0),
    Shape::new(Says::Ping, "ping", false, 1),
    Shape::new(Says::Pong, "pong", true, 1),
    Shape::new(Says::Yield, "yield", true, 0),
    Shape::new(Says::Who, "who", false, 0),
    Shape::new(Says::Bye, "bye", false, 2),
    Shape::new(Says::Offer, "offer", true, 5),
    Shape::new(Says::Settled, "settled", true, 5),
];

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
    /// As it is written.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::TooLarge => "split",
            Self::Kept => "kept",
            Self::Dropped(reason) => reason.code(),
        }
    }

    /// Events that the collector refused one by one.
    #[must_use]
    pub const fn refused(self) -> u64 {
        match self {
            Self::Delivered { refused } => refused as u64,
            _ => 0,
        }
    }

    /// What a code stands for.
    #[must_use]
    pub fn from_code(code: &str, refused: u64) -> Option<Self> {
        Some(match code {
            "delivered" => Self::Delivered {
                refused: refused as u32,
            },
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
        let mut out = owned(VERSION);
        let Some(shape) = SHAPES.get(self.says as usize) else {
            return out;
        };
        push_word(&mut out, shape.name);
        push_word(&mut out, &self.from.text());
        let standing = [self.term, self.leads.into(), self.visible.into()];
        push_numbers(&mut out, '\t', &standing);
        if shape.to {
            push_word(&mut out, &self.to.text());
        }
        let numbers = self.numbers.get(..shape.numbers).unwrap_or_default();
        push_numbers(&mut out, '\t', numbers);
        if !self.text.is_empty() {
            push_word(&mut out, self.text);
        }
        out
    }

    /// Reads a message; `None` if it is not one of this version.
    #[must_use]
    pub fn decode(text: &'a str) -> Option<Self> {
        let mut read = fields(text, b'\t');
        if read.next()? != VERSION {
            return None;
        }
        let name = read.next()?;
        let shape = SHAPES.iter().find(|shape| shape.name == name)?;
        let from = TabId::parse(read.next()?)?;
        let mut standing = [0; 3];
        read.numbers(&mut standing)?;
        let [term, leads, visible] = standing;
        let to = if shape.to {
            TabId::parse(read.next()?)?
        } else {
            from
        };
        let mut numbers = [0; 5];
        read.numbers(numbers.get_mut(..shape.numbers)?)?;
        Some(Self {
            from,
            term,
            leads: leads != 0,
            visible: visible != 0,
            says: shape.says,
            to,
            numbers,
            text: read.rest(),
        })
    }
}

fn push_word(out: &mut String, word: &str) {
    out.push('\t');
    out.push_str(word);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back() {
        let to = TabId::parse("000000000000000000ff").unwrap();
        let from = TabId::parse("0123456789abcdef0123").unwrap();
        let standing = "0123456789abcdef0123\t3\t1\t0";
        for (says, to, numbers, text, written) in [
            (Says::Hello, from, [7, 0, 0, 0, 0], "", "hello\t<>\t7"),
            (Says::Here, from, [0; 5], "", "here\t<>"),
            (Says::Claim, from, [0; 5], "", "claim\t<>"),
            (Says::Ping, from, [0; 5], "", "ping\t<>\t0"),
            (
                Says::Pong,
                to,
                [40, 0, 0, 0, 0],
                "",
                "pong\t<>\t000000000000000000ff\t40",
            ),
            (
                Says::Yield,
                to,
                [0; 5],
                "",
                "yield\t<>\t000000000000000000ff",
            ),
            (Says::Who, from, [0; 5], "", "who\t<>"),
            (Says::Bye, from, [9, 1, 0, 0, 0], "", "bye\t<>\t9\t1"),
            (
                Says::Offer,
                to,
                [1, 2, 2, 9, 0],
                "{\"a\":\"\\t\"}\tx",
                "offer\t<>\t000000000000000000ff\t1\t2\t2\t9\t0\t{\"a\":\"\\t\"}\tx",
            ),
            (
                Says::Settled,
                to,
                [1, 50, 8, 49, 3],
                "delivered",
                "settled\t<>\t000000000000000000ff\t1\t50\t8\t49\t3\tdelivered",
            ),
        ] {
            let message = Message {
                from,
                term: 3,
                leads: true,
                visible: false,
                says,
                to,
                numbers,
                text,
            };
            let written = format!("{VERSION}\t{}", written.replace("<>", standing));
            assert_eq!(message.encode(), written);
            assert_eq!(Message::decode(&written), Some(message));
        }
    }

    #[test]
    fn every_verdict_reads_back() {
        for verdict in [
            PeerVerdict::Delivered { refused: 3 },
            PeerVerdict::TooLarge,
            PeerVerdict::Dropped(DropReason::Rejected),
            PeerVerdict::Kept,
        ] {
            let read = PeerVerdict::from_code(verdict.code(), verdict.refused());
            assert_eq!(read, Some(verdict));
        }
    }

    proptest::proptest! {
        #[test]
        fn foreign_text_is_ignored(text in ".*") {
            if let Some(message) = Message::decode(&text) {
                proptest::prop_assert!(text.starts_with("2\t"), "{message:?}");
            }
        }
    }
}
