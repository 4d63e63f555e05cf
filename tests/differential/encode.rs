//! Prints what a format makes of some events, for tests that compare it with what the vendor's own SDK sends.
//!
//! Reads one JSON object, `{"format","options","sentAt","context","pages","events"}`, and writes a list of
//! `{"url","body"}`, one for each event. Keys and hosts are those of the tests.

use std::io::Read;

use sendoff::{
    model::{event::Entry, ids::TabId, time::UnixMillis},
    text::view::EventView,
    wire::{
        Batch, Source,
        formats::{Settings, by_name},
    },
};
use serde_json::{Value, json, value::RawValue};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    format: String,
    options: Box<RawValue>,
    sent_at: u64,
    context: Box<RawValue>,
    pages: Vec<Box<RawValue>>,
    events: Vec<Box<RawValue>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let asked: Asked = serde_json::from_str(&text)?;
    let settings = Settings {
        endpoint: "http://127.0.0.1".to_owned(),
        api_key: "key_test".to_owned(),
        options: asked.options.get().to_owned(),
    };
    let made = by_name(&asked.format, &settings).ok_or("no such format")?;
    let format = made.map_err(|error| error.message())?;
    let pages: Vec<_> = asked
        .pages
        .iter()
        .map(|page| page.get().to_owned())
        .collect();
    let tab = TabId::parse("000000000000000000a1").ok_or("not a tab")?;
    let mut requests = Vec::new();
    for (index, event) in asked.events.iter().enumerate() {
        let text = event.get().to_owned();
        let route = format.route(&EventView::of(&text)).ok_or("no route")?;
        let sent_at = UnixMillis(asked.sent_at);
        let entry = Entry {
            seq: index as u64 + 1,
            page: 0,
            text,
        };
        let body = format.encode(&Batch {
            id: "batch",
            source: Source {
                tab,
                sdk: "{}",
                context: asked.context.get(),
                pages: &pages,
            },
            sealed_at: sent_at,
            sent_at,
            route,
            gaps: &[],
            events: &[entry],
        });
        requests.push(json!({ "url": format.target(route, sent_at).url, "body": body }));
    }
    // A filter of a pipe: what it prints is what it is for.
    use std::io::Write;
    std::io::stdout().write_all(Value::from(requests).to_string().as_bytes())?;
    Ok(())
}
