//! A message, read from its text: what a newer build added is skipped.

use super::{Named, Offer, Origin, Says};
use crate::{
    model::{drop_reason::DropReason, ending::Ending, gap::Gap, ids::TabId, time::UnixMillis},
    text::fields::{fields, parse_u64, split_once},
};

/// The tagged fields of a message, being read.
pub(super) struct Tags<'a>(pub(super) &'a str);

impl<'a> Tags<'a> {
    fn all(&self, tag: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = fields(self.0, b'\t').filter_map(|field| split_once(field, b'='));
        pairs.filter_map(move |(name, value)| (name == tag).then_some(value))
    }

    fn one(&self, tag: &'a str) -> Option<&'a str> {
        self.all(tag).next()
    }

    /// The numbers under a tag that has so many of them at least.
    pub(super) fn numbers<const N: usize>(&self, tag: &'a str) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        fields(self.one(tag)?, b' ').numbers(&mut numbers)?;
        Some(numbers)
    }

    pub(super) fn number(&self, tag: &'a str) -> u64 {
        self.numbers::<1>(tag).map_or(0, |[number]| number)
    }

    pub(super) fn to(&self) -> Option<TabId> {
        TabId::parse(self.one("to")?)
    }

    fn destination(&self) -> Option<String> {
        self.one("destination").map(ToOwned::to_owned)
    }

    pub(super) fn named(&self) -> Option<Named> {
        read_named(self.one("batch")?)
    }

    pub(super) fn settled(&self) -> Vec<(String, u64)> {
        let all = self.all("settled").filter_map(|value| {
            let (upto, destination) = split_once(value, b' ')?;
            Some((destination.to_owned(), parse_u64(upto)?))
        });
        all.collect()
    }

    pub(super) fn list(&self, tag: &'a str) -> Vec<u64> {
        let words = self.one(tag).into_iter();
        let words = words.flat_map(|list| fields(list, b' '));
        words.filter_map(parse_u64).collect()
    }

    pub(super) fn says(&self, kind: &str) -> Option<Says> {
        let tabs = self.number("tabs") as u32;
        Some(match kind {
            "hello" => Says::Hello {
                settled: self.settled(),
            },
            "here" => Says::Here { tabs },
            "claim" => Says::Claim,
            "ping" => Says::Ping {
                settled: self.settled(),
            },
            "pong" => Says::Pong {
                to: self.to()?,
                tabs,
                held: self.all("batch").filter_map(read_named).collect(),
            },
            "yield" => Says::Yield { to: self.to()? },
            "who" => Says::Who { to: self.to()? },
            "bye" => Says::Bye {
                settled: self.settled(),
            },
            "offer" => Says::Offer {
                to: self.to()?,
                offer: Box::new(self.offer()?),
            },
            "missing" => Says::Missing {
                to: self.to()?,
                batch: self.named()?,
            },
            "declined" => Says::Declined {
                to: self.to()?,
                destination: self.destination()?,
            },
            "sending" => Says::Sending {
                to: self.to()?,
                batch: self.named()?,
            },
            "settled" => Says::Settled {
                to: self.to()?,
                batch: self.named()?,
                count: self.number("count"),
                verdict: self.verdict()?,
            },
            "visitor" => Says::Visitor,
            "withdrawn" => Says::Withdrawn,
            _ => return None,
        })
    }

    /// A word that this build does not know is a newer one's reason: the batch is done with all the same.
    pub(super) fn verdict(&self) -> Option<Ending> {
        Some(match self.one("verdict")? {
            "delivered" => Ending::Delivered {
                refused: self.list("refused"),
                again: self.list("again"),
            },
            "split" => Ending::TooLarge,
            "kept" => Ending::Kept,
            code => Ending::Dropped(DropReason::from_code(code)),
        })
    }

    pub(super) fn offer(&self) -> Option<Offer> {
        let [at, count, settled, flags] = self.numbers("seal")?;
        let origin = self
            .one("sdk")
            .zip(self.one("context"))
            .zip(self.one("owed"));
        Some(Offer {
            batch: self.named()?,
            encoder: self.one("encoder")?.to_owned(),
            at: UnixMillis(at),
            count,
            maybe_sent: flags & 1 != 0,
            gaps: self.all("gap").filter_map(read_gap).collect(),
            settled,
            done: self.all("done").filter_map(read_range).collect(),
            origin: origin.map(|((sdk, context), owed)| Origin {
                sdk: sdk.to_owned(),
                context: context.to_owned(),
                owed: owed.to_owned(),
            }),
            events: self.events(),
        })
    }

    fn events(&self) -> Vec<(u64, String, String)> {
        let (mut page, mut events) = ("", Vec::new());
        for field in fields(self.0, b'\t') {
            match split_once(field, b'=') {
                Some(("page", value)) => page = value,
                Some(("event", value)) => {
                    if let Some((seq, text)) = split_once(value, b' ')
                        && let Some(seq) = parse_u64(seq)
                    {
                        events.push((seq, page.to_owned(), text.to_owned()));
                    }
                }
                _ => {}
            }
        }
        events
    }
}

fn read_named(value: &str) -> Option<Named> {
    let mut words = fields(value, b' ');
    let (from, to, stamp) = (words.number()?, words.number()?, words.number()?);
    Some(Named {
        destination: words.next()?.to_owned(),
        from,
        to,
        stamp: u32::try_from(stamp).ok()?,
    })
}

fn read_range(value: &str) -> Option<(u64, u64)> {
    let mut words = fields(value, b' ');
    Some((words.number()?, words.number()?))
}

fn read_gap(value: &str) -> Option<Gap> {
    let mut words = fields(value, b' ');
    Some(Gap {
        from: words.number()?,
        to: words.number()?,
        reason: DropReason::from_code(words.next()?),
    })
}
