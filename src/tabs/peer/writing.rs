//! A message as text.

use super::{Named, Offer, Says};
use crate::{model::ending::Ending, text::json::push_u64};

/// The fields of a message, being written.
pub(super) struct Writer(pub(super) String);

impl Writer {
    pub(super) fn word(&mut self, word: &str) {
        self.0.push('\t');
        self.0.push_str(word);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.word("");
        push_u64(&mut self.0, number);
    }

    pub(super) fn tag(&mut self, tag: &str, value: &str) {
        self.word(tag);
        self.0.push('=');
        self.0.push_str(value);
    }

    pub(super) fn numbers(&mut self, tag: &str, numbers: &[u64]) {
        self.tag(tag, "");
        for (index, number) in numbers.iter().enumerate() {
            if index > 0 {
                self.0.push(' ');
            }
            push_u64(&mut self.0, *number);
        }
    }

    pub(super) fn named(&mut self, batch: &Named) {
        self.numbers("batch", &[batch.from, batch.to, batch.stamp.into()]);
        self.0.push(' ');
        self.0.push_str(&batch.destination);
    }

    pub(super) fn settled(&mut self, settled: &[(String, u64)]) {
        for (destination, upto) in settled {
            self.numbers("settled", &[*upto]);
            self.0.push(' ');
            self.0.push_str(destination);
        }
    }

    pub(super) fn says(&mut self, says: &Says) {
        match says {
            Says::Hello { settled } | Says::Ping { settled } | Says::Bye { settled } => {
                self.settled(settled);
            }
            Says::Here { tabs } => self.numbers("tabs", &[(*tabs).into()]),
            Says::Pong { tabs, held, .. } => {
                self.numbers("tabs", &[(*tabs).into()]);
                held.iter().for_each(|batch| self.named(batch));
            }
            Says::Offer { offer, .. } => self.offer(offer),
            Says::Declined { destination, .. } => self.tag("destination", destination),
            Says::Missing { batch, .. } | Says::Sending { batch, .. } => self.named(batch),
            Says::Settled {
                batch,
                count,
                verdict,
                ..
            } => {
                self.named(batch);
                self.numbers("count", &[*count]);
                self.verdict(verdict);
            }
            Says::Claim
            | Says::Yield { .. }
            | Says::Who { .. }
            | Says::Visitor
            | Says::Withdrawn => {}
        }
    }

    pub(super) fn verdict(&mut self, verdict: &Ending) {
        let word = match verdict {
            Ending::Delivered { refused, again } => {
                self.list("refused", refused);
                self.list("again", again);
                "delivered"
            }
            Ending::TooLarge => "split",
            Ending::Dropped(reason) => reason.code(),
            Ending::Kept => "kept",
        };
        self.tag("verdict", word);
    }

    pub(super) fn list(&mut self, tag: &str, numbers: &[u64]) {
        if !numbers.is_empty() {
            self.numbers(tag, numbers);
        }
    }

    pub(super) fn offer(&mut self, offer: &Offer) {
        self.named(&offer.batch);
        self.tag("encoder", &offer.encoder);
        let flags = u64::from(offer.maybe_sent);
        self.numbers("seal", &[offer.at.0, offer.count, offer.settled, flags]);
        for gap in &offer.gaps {
            self.numbers("gap", &[gap.from, gap.to]);
            self.0.push(' ');
            self.0.push_str(gap.reason.code());
        }
        for (from, to) in &offer.done {
            self.numbers("done", &[*from, *to]);
        }
        if let Some(origin) = &offer.origin {
            self.tag("sdk", &origin.sdk);
            self.tag("context", &origin.context);
            self.tag("owed", &origin.owed);
        }
        let mut page = None;
        for (seq, on, text) in &offer.events {
            if page != Some(on) {
                self.tag("page", on);
                page = Some(on);
            }
            self.numbers("event", &[*seq]);
            self.0.push(' ');
            self.0.push_str(text);
        }
    }
}
