//! Patterns of the page's own. No regular expressions: an engine for those is larger than all of sendoff.
//!
//! `*` is any run of word characters (letters, digits, `_`, all that is not ASCII), also none; `#` is a digit;
//! `?` is any one character; everything else is itself, whether large or small. What is found begins and ends at
//! the edge of a word, is as long as possible, and holds no `"` and no `\`.

use super::bytes::is_word;

/// What is longer is no match: together with the number of items it bounds the work at each place.
const MATCH_LENGTH_MAX: usize = 256;
/// The states of a pattern are the bits of one number.
const ITEMS_MAX: usize = 63;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Run,
    Digit,
    Any,
    Literal(char),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    items: Vec<Item>,
    /// The items that are runs, a bit each.
    runs: u64,
}

impl Pattern {
    /// Reads a pattern; `None` if it would match nothing at all. Only its first 63 items count.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut items = Vec::new();
        for letter in text.chars().take(ITEMS_MAX) {
            let item = match letter {
                '*' => Item::Run,
                '#' => Item::Digit,
                '?' => Item::Any,
                letter => Item::Literal(letter.to_ascii_lowercase()),
            };
            if item != Item::Run || items.last() != Some(&item) {
                items.push(item);
            }
        }
        let runs = items.iter().enumerate().fold(0, |bits, (place, item)| {
            bits | u64::from(*item == Item::Run) << place
        });
        items
            .iter()
            .any(|item| *item != Item::Run)
            .then_some(Self { items, runs })
    }

    /// How many bytes at the beginning of the text it matches.
    pub(super) fn length(&self, text: &str) -> Option<usize> {
        let accept = 1_u64 << self.items.len();
        // Bit n: the next character is for item n. A run may be empty, so behind it is as good as at it.
        let mut states = self.past_runs(1);
        let mut found = None;
        for (place, letter) in text.char_indices() {
            if states == 0 || place > MATCH_LENGTH_MAX || matches!(letter, '"' | '\\') {
                break;
            }
            states = self.past_runs(self.step(states, letter));
            let end = place + letter.len_utf8();
            if states & accept != 0 && !splits_word(text, end) {
                found = Some(end);
            }
        }
        found
    }

    /// It matches the text, all of it.
    pub(super) fn is(&self, text: &str) -> bool {
        self.length(text) == Some(text.len())
    }

    fn step(&self, states: u64, letter: char) -> u64 {
        let mut next = 0;
        for (place, item) in self.items.iter().enumerate() {
            let here = states & 1 << place;
            if here == 0 {
                continue;
            }
            next |= match item {
                Item::Run if is_run(letter) => here,
                Item::Digit if letter.is_ascii_digit() => here << 1,
                Item::Any => here << 1,
                Item::Literal(own) if *own == letter.to_ascii_lowercase() => here << 1,
                _ => 0,
            };
        }
        next
    }

    /// Two runs never stand side by side, so once is enough.
    const fn past_runs(&self, states: u64) -> u64 {
        states | (states & self.runs) << 1
    }
}

fn is_run(letter: char) -> bool {
    !letter.is_ascii() || letter.is_ascii_alphanumeric() || letter == '_'
}

fn splits_word(text: &str, end: usize) -> bool {
    let byte = |place: usize| {
        text.as_bytes()
            .get(place)
            .is_some_and(|&byte| is_word(byte))
    };
    byte(end.wrapping_sub(1)) && byte(end)
}
