//! What a vendor's event looks like, as data: a recipe has a line for each member, and one small reader serves
//! all formats. So a format's file shows the shape that leaves, and a page downloads words instead of code.
//!
//! | line | what it writes |
//! |---|---|
//! | `<source> <name>` | the member `name`, if the source has a value |
//! | `{ <name>` … `}` | a member that is an object |
//! | `? <name>` … `}` | the same, left out if it stays empty |
//! | `[ <name>` … `}` | a member that is a list of one object |
//! | `@ <name>` … `}` | a member that is a list of OTLP's attributes |
//! | `!<source>` | the end of the recipe, unless the source has a value |
//! | `/` | the end of this item, and the beginning of another |
//! | `*<source> <prefix>` | the members of an object, under their own names behind the prefix |
//! | `~ <member> <name>` | below `*`: that member under another name; `-` leaves it out |
//! | `+<source>` | the members of an object that are not there yet |
//!
//! A source is what [`Event::find`] takes. What a recipe leaves open the next one goes on with.

use crate::{
    text::fields::{fields, split_once},
    wire::{
        build::{Shape, Writer},
        canonical::Event,
    },
};

/// Writes what the recipe says of the event.
pub(super) fn follow(out: &mut Writer, event: &Event<'_>, recipe: &str) {
    let mut lines = fields(recipe, b'\n');
    while let Some(line) = lines.next() {
        let (source, name) = split_once(line, b' ').unwrap_or((line, ""));
        let path = source.get(1..).unwrap_or("");
        match source.as_bytes().first() {
            None | Some(b'~') => {}
            Some(b'{') => out.object(name, Shape::Object),
            Some(b'?') => out.object(name, Shape::Optional),
            Some(b'[') => out.object(name, Shape::Listed),
            Some(b'@') => out.object(name, Shape::Attributes),
            Some(b'}') => out.end(),
            Some(b'/') => {
                out.end();
                out.begin();
            }
            Some(b'!') if event.find(path).is_empty() => return,
            Some(b'!') => {}
            Some(b'*') => spread(out, event.find(path), lines.rest(), name),
            Some(b'+') => out.missing(event.find(path)),
            Some(_) => match event.find(source) {
                "" => {}
                json => out.ours(name, json),
            },
        }
    }
}

/// The members of an object by the table that the rest of the recipe begins with.
fn spread(out: &mut Writer, object: &str, rest: &str, prefix: &str) {
    let mut table = String::new();
    for line in fields(rest, b'\n') {
        let Some(entry) = line.strip_prefix("~ ") else {
            break;
        };
        table.push_str(entry);
        table.push('\n');
    }
    out.renamed(object, &table, prefix);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{event::Entry, ids::TabId},
        wire::Source,
    };

    #[test]
    fn every_kind_of_line() {
        let entry = Entry {
            seq: 1,
            page: 0,
            text: r#"{"name":"n","properties":{"a":1,"b":2,"c":{"d":3}}}"#.to_owned(),
        };
        let source = Source {
            tab: TabId::parse("000000000000000000a1").unwrap(),
            sdk: "{}",
            context: "{}",
            pages: &[],
        };
        let recipe = "name event\nnothing nowhere\n=\"x\" literal\nproperties.c.d deep\n\
            { in\n*properties p_\n~ a A name\n~ b -\n}\n? none\n*groups\n}\n[ list\n=1 one\n}\n@ attributes\n=true yes\n}\n+properties\n+={\"late\":1}";
        let mut out = Writer::default();
        out.begin();
        follow(&mut out, &Event::of(&entry, &source), recipe);
        out.end();
        let expected = r#"{"event":"n","literal":"x","deep":3,"in":{"A name":1,"p_c":{"d":3}},"list":[{"one":1}],"attributes":[{"key":"yes","value":{"boolValue":true}}],"a":1,"b":2,"c":{"d":3},"late":1}"#;
        assert_eq!(out.done(), expected);
    }
}
