//! What holds for any event: its JSON is read by a parser, no object has a name twice, and whatever the page and the
//! engine said is somewhere in it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sendoff::text::view::{EventView, items, member, members};
use serde_json::{Map, Value, json};

use crate::fixture::{FORMATS, encode, entry, format};
use crate::form::json_of;

/// Names that formats give to members of their own, and names that are hard to write.
const NAMES: [&str; 24] = [
    "token",
    "distinct_id",
    "time",
    "ip",
    "alias",
    "$ignore",
    "$insert_id",
    "$current_url",
    "title",
    "referrer",
    "url",
    "value",
    "sample_rate",
    "session_id",
    "company",
    "name",
    "experiment",
    "variant",
    "session.id",
    "page.title",
    "user.id",
    "a \"b\" \\",
    "é\u{1f600}",
    "",
];

/// A value whose parts are found again: each text in it is another.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        "[a-z]{12}".prop_map(Value::from),
        "[a-z]{8}.{0,6}[a-z]{8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{9}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_properties() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        prop::sample::select(NAMES.as_slice()).prop_map(str::to_owned),
        ".{0,8}"
    ];
    prop::collection::btree_map(name, any_value(), 0..8).prop_map(|map| map.into_iter().collect())
}

/// An event of any kind as canonical text, and whether it is one whose surroundings every format has a place for.
fn any_event() -> impl Strategy<Value = (String, bool)> {
    let name = prop_oneof![
        "[a-zA-Z \"é]{1,20}",
        prop::sample::select(
            [
                "$page_view",
                "$identify",
                "$set_traits",
                "$alias",
                "$group",
                "$exposure",
                "$session",
                "$opt_out"
            ]
            .as_slice()
        )
        .prop_map(str::to_owned)
    ];
    let user = prop::option::of("u[a-z]{9}");
    (name, any_properties(), user, any::<bool>()).prop_map(|(name, mut properties, user, rich)| {
        if name == "$alias" {
            properties = Map::from_iter([("previousId".to_owned(), json!("previousprevious"))]);
        }
        if name == "$group" {
            properties.insert("groupType".to_owned(), json!("company"));
            properties.insert("groupId".to_owned(), json!("groupgroup"));
        }
        let happened = !matches!(&*name, "$identify" | "$set_traits" | "$alias" | "$group");
        let mut event = json!({
            "idempotencyKey": "019bc1a0-2222-7abc-8def-0123456789ab", "seq": 7, "name": name, "userId": user,
            "anonymousId": "anon_anonanon", "timestamp": "2026-01-15T12:00:00.000Z", "properties": properties,
        });
        if rich {
            event["sessionId"] = json!("sessionsession");
            event["value"] = json!(123_454_321);
            event["sampleRate"] = json!(0.062_51);
            event["groups"] = json!({"company": "companycompany", "token": "tokentoken"});
            event["attribution"] = json!({"first": {"utm_source": "firstfirst"}, "last": {"gclid": "lastlast"}});
            event["context"] = json!({"plan": "planplan", "locale": "localelocale"});
        }
        (event.to_string(), happened && rich)
    })
}

/// The texts and numbers that a value holds, as JSON writes them.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|item| leaves(item, into)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, into)),
        Value::Number(_) | Value::String(_) => into.push(value.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The names that one object of the text has twice; in a list of OTLP's attributes, the keys.
fn doubled(text: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    for (name, value) in members(text) {
        if !seen.insert(name) {
            return Some(name.to_owned());
        }
        if name == "attributes" {
            let mut keys = BTreeSet::new();
            let twice = items(value)
                .into_iter()
                .find(|item| !keys.insert(member(item, "key")));
            if let Some(item) = twice {
                return Some(item.to_owned());
            }
        }
        if let Some(inner) = doubled(value) {
            return Some(inner);
        }
    }
    items(text).into_iter().find_map(doubled)
}

/// Of the events' surroundings, what every format has to say of what happened.
const SURROUNDINGS: [&str; 10] = [
    "sessionsession",
    "123454321",
    "0.06251",
    "companycompany",
    "tokentoken",
    "lastlast",
    "firstfirst",
    "planplan",
    "localelocale",
    "https://shop.example/cart?x=1",
];

proptest! {
    #[test]
    fn nothing_is_lost_and_no_name_is_doubled((text, happened) in any_event()) {
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let mut said = Vec::new();
        leaves(&parsed["properties"], &mut said);
        for name in FORMATS.iter().filter(|name| **name != "otlp_metrics") {
            let format = format(name, "");
            let route = format.route(&EventView::of(&text)).unwrap();
            let body = json_of(&encode(&*format, route, &[entry(&text)]));
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{}: {}", name, body);
            prop_assert_eq!(doubled(&body), None, "{}: {}", name, body);
            for leaf in &said {
                let found = body.contains(leaf.as_str());
                prop_assert!(found, "{} lost {}: {}", name, leaf, body);
            }
            let all = SURROUNDINGS.iter().filter(|_| happened);
            for word in all {
                prop_assert!(body.contains(word), "{} lost {}: {}", name, word, body);
            }
        }
    }

    #[test]
    fn a_body_is_not_longer_than_its_format_says((text, _) in any_event(), count in 1_usize..4) {
        for name in FORMATS.iter().filter(|name| !name.starts_with("otlp")) {
            let format = format(name, "");
            let route = format.route(&EventView::of(&text)).unwrap();
            let events = vec![entry(&text); count];
            let body = json_of(&encode(&*format, route, &events));
            let limits = format.limits();
            let most = limits.overhead_bytes + count * (text.len() + limits.event_overhead_bytes);
            prop_assert!(body.len() <= most, "{}: {} > {}: {}", name, body.len(), most, body);
        }
    }
}
