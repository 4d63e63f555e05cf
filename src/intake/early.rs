//! Early logs of the first version, whose records had their fields by position.
//!
//! ```text
//! t  timestamp  name  userId?  anonymousId?  properties?     track
//! i  timestamp        userId                 traits?         identify
//! a  timestamp        newUserId  previousId?                 alias
//! ```

use crate::text::fields::{fields, join};

/// A record as this version has it; one that is none of the first version's stays as it is.
#[must_use]
pub fn current(record: &str) -> String {
    let mut words = fields(record, b'\t');
    let kind = match words.next() {
        Some("t") => "track",
        Some("i") => "identify",
        Some("a") => "alias",
        _ => return record.to_owned(),
    };
    let mut out = join(&[kind, "\t", words.next().unwrap_or(""), "\t0"]);
    let other = if kind == "alias" { "prev" } else { "anon" };
    for (tag, value) in ["name", "user", other, "props"].into_iter().zip(words) {
        if !value.is_empty() {
            out.push_str(&join(&["\t", tag, "=", value]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_the_first_version_are_read() {
        for (old, new) in [
            (
                "t\t5\t\"n\"\t\t\"a\"\t{\"x\":1}",
                "track\t5\t0\tname=\"n\"\tanon=\"a\"\tprops={\"x\":1}",
            ),
            ("i\t5\t\t\"u\"\t\t", "identify\t5\t0\tuser=\"u\""),
            (
                "a\t5\t\t\"u\"\t\"p\"\t",
                "alias\t5\t0\tuser=\"u\"\tprev=\"p\"",
            ),
            ("track\t5\t0\tname=\"n\"", "track\t5\t0\tname=\"n\""),
        ] {
            assert_eq!(current(old), new);
        }
    }
}
