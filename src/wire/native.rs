//! sendoff's own format: one JSON envelope a batch.
//!
//! ```json
//! {"sentAt":"…","batchId":"<tab>:<from>-<to>.<stamp>","sdk":{…},"apiKey":"…","tab":"…","context":{…},
//!  "dropped":[{"from":51,"to":60,"reason":"overflow"}],
//!  "events":[{"idempotencyKey":"…","seq":1,"name":"…","userId":null,"anonymousId":"…",
//!             "timestamp":"…","properties":{…}}]}
//! ```
//!
//! `tab` and `seq` number a tab's events without gaps and `dropped` accounts for the gaps there are, so
//! whoever owns the data can see what is missing. `sentAt` is when the batch was sealed, so that one that is
//! repeated is repeated to the byte; the time of the attempt is in the query string. `context` is that of the
//! first event: an event tracked on another page has a `context` of its own, with the members that differ.

use crate::{
    model::{event::Entry, gap::Gap, time::UnixMillis},
    text::{
        fields::{after, after_byte, fields, split_once},
        json::{push_string, push_timestamp, push_u64},
        view::{EventView, member},
    },
    wire::{
        Answer, Batch, ContentType, Format, Gzip, Limits, NO_SEND_TIME, Route, Source, Target,
        Verdict, verdict_of_status,
    },
};

/// The collector takes that many events in one batch.
const EVENTS_MAX: usize = 1_000;
/// Bytes around events, gaps, context and the naming of the SDK: key and tab among them.
const OVERHEAD_BYTES: usize = 240;

/// See the module.
#[derive(Clone, Debug)]
pub struct Native {
    endpoint: String,
    api_key: String,
}

impl Native {
    /// For a collector.
    #[must_use]
    pub fn new(endpoint: &str, api_key: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            api_key: api_key.to_owned(),
        }
    }

    fn open(&self, source: &Source<'_>, at: UnixMillis, batch_id: &str, page: &str) -> String {
        let mut out = "{\"sentAt\":\"".to_owned();
        push_timestamp(&mut out, at.0);
        out.push('"');
        if !batch_id.is_empty() {
            out.push_str(",\"batchId\":");
            push_string(&mut out, batch_id);
        }
        out.push_str(",\"sdk\":");
        out.push_str(source.sdk);
        out.push_str(",\"apiKey\":");
        push_string(&mut out, &self.api_key);
        out.push_str(",\"tab\":");
        push_string(&mut out, &source.tab.text());
        out.push_str(",\"context\":");
        push_context(&mut out, source.context, page);
        out
    }
}

impl Format for Native {
    fn encoder(&self) -> &'static str {
        "native/2"
    }

    fn tells_gaps(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        Limits {
            events: EVENTS_MAX,
            bytes: usize::MAX,
            overhead_bytes: OVERHEAD_BYTES + self.api_key.len(),
            event_overhead_bytes: 0,
        }
    }

    fn route(&self, _: &EventView<'_>) -> Option<Route> {
        Some(Route::default())
    }

    fn gzip(&self) -> Gzip {
        Gzip::ByHeader
    }

    fn target(&self, _: Route, now: UnixMillis) -> Target {
        let mut url = self.endpoint.clone();
        let content_type = ContentType::Text;
        if now == NO_SEND_TIME {
            return Target { url, content_type };
        }
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str("sentAt=");
        push_u64(&mut url, now.0);
        Target { url, content_type }
    }

    fn encode(&self, batch: &Batch<'_>) -> String {
        let page_of = |entry: &Entry| {
            batch
                .source
                .pages
                .get(entry.page)
                .map_or("", String::as_str)
        };
        let first = batch.events.first();
        let page = first.map_or("", page_of);
        let mut out = self.open(&batch.source, batch.sealed_at, batch.id, page);
        push_dropped(&mut out, batch.gaps);
        out.push_str(",\"events\":[");
        for (index, event) in batch.events.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            if first.is_some_and(|first| first.page == event.page) {
                out.push_str(&event.text);
            } else {
                push_with_page(&mut out, &event.text, page_of(event));
            }
        }
        out.push_str("]}");
        out
    }

    fn read_answer(&self, events: usize, answer: &Answer<'_>) -> Verdict {
        match verdict_of_status(answer) {
            Verdict::Delivered => {
                let mut refused = refused_events(answer.body);
                refused.retain(|index| *index < events);
                if refused.is_empty() {
                    return Verdict::Delivered;
                }
                let again = Vec::new();
                Verdict::Partial { refused, again }
            }
            verdict => verdict,
        }
    }

    fn is_dialect(&self, body: &str) -> Option<bool> {
        Some(member(body, "accepted").is_some())
    }

    /// A receipt query: which of these batches does the collector have? It stands in the answer's `known`; a
    /// collector that does not know the question does not answer it, and is sent the batch.
    fn ask(&self, source: &Source<'_>, now: UnixMillis, batch_ids: &[String]) -> Option<String> {
        let page = source.pages.last().map_or("", String::as_str);
        let mut out = self.open(source, now, "", page);
        out.push_str(",\"receipts\":[");
        for (index, id) in batch_ids.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_string(&mut out, id);
        }
        out.push_str("],\"events\":[]}");
        Some(out)
    }

    fn knows(&self, body: &str, batch_id: &str) -> Option<bool> {
        let (list, _) = split_once(list_of(body, "\"known\"")?, b']')?;
        // No id holds a quote.
        Some(fields(list, b'"').any(|field| field == batch_id))
    }
}

/// The context that is the same for all events with the page in it.
fn push_context(out: &mut String, context: &str, page: &str) {
    let Some(body) = context.strip_suffix('}').filter(|_| !page.is_empty()) else {
        out.push_str(context);
        return;
    };
    out.push_str(body);
    out.push_str(if body == "{" {
        "\"page\":"
    } else {
        ",\"page\":"
    });
    out.push_str(page);
    out.push('}');
}

/// An event whose page is not the batch's: what the page itself gave as context goes last, and so wins.
fn push_with_page(out: &mut String, event: &str, page: &str) {
    if page.is_empty() {
        out.push_str(event);
        return;
    }
    let own = member(event, "context");
    let rest = match own {
        // The canonical text ends with it.
        Some(own) => event
            .strip_suffix('}')
            .and_then(|text| text.strip_suffix(own)),
        None => event.strip_suffix('}'),
    };
    out.push_str(rest.unwrap_or(event));
    if own.is_none() {
        out.push_str(",\"context\":");
    }
    out.push_str("{\"page\":");
    out.push_str(page);
    let members = own.and_then(|own| own.strip_prefix('{')?.strip_suffix('}'));
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        out.push(',');
        out.push_str(members);
    }
    out.push_str("}}");
}

pub(super) fn push_dropped(out: &mut String, gaps: &[Gap]) {
    for (index, gap) in gaps.iter().enumerate() {
        out.push_str(if index == 0 { ",\"dropped\":[" } else { "," });
        out.push_str("{\"from\":");
        push_u64(out, gap.from);
        out.push_str(",\"to\":");
        push_u64(out, gap.to);
        out.push_str(",\"reason\":");
        push_string(out, gap.reason.code());
        out.push('}');
    }
    if !gaps.is_empty() {
        out.push(']');
    }
}

/// What follows the opening bracket of a member's list.
fn list_of<'a>(answer: &'a str, member: &str) -> Option<&'a str> {
    after_byte(after_byte(after(answer, member)?, b':')?, b'[')
}

/// Which events of a batch the collector refused one by one, by the `rejected` of its answer.
fn refused_events(answer: &str) -> Vec<usize> {
    let list = member(answer, "rejected").unwrap_or("");
    let refused = crate::text::view::items(list).into_iter();
    let indices = refused.filter_map(|one| crate::text::fields::parse_u64(member(one, "index")?));
    indices.map(|index| index as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TabId;

    fn source<'a>(pages: &'a [String]) -> Source<'a> {
        Source {
            tab: TabId::parse("00000000000000000001").unwrap(),
            sdk: "{\"name\":\"sendoff\"}",
            context: "{\"locale\":\"en\"}",
            pages,
        }
    }

    fn encoded(events: &[(usize, &str)]) -> serde_json::Value {
        let pages = ["{\"url\":\"/a\"}".to_owned(), "{\"url\":\"/b\"}".to_owned()];
        let events: Vec<Entry> = (1..)
            .zip(events)
            .map(|(seq, (page, text))| Entry {
                seq,
                page: *page,
                text: (*text).to_owned(),
            })
            .collect();
        let body = Native::new("/in", "key").encode(&Batch {
            id: "id",
            source: source(&pages),
            sealed_at: UnixMillis(0),
            sent_at: UnixMillis(9),
            route: Route::default(),
            gaps: &[],
            events: &events,
        });
        serde_json::from_str(&body).unwrap()
    }

    #[test]
    fn an_event_of_another_page_carries_the_members_that_differ() {
        let body = encoded(&[
            (0, "{\"seq\":1}"),
            (1, "{\"seq\":2}"),
            (1, "{\"seq\":3,\"context\":{\"a\":1}}"),
            (1, "{\"seq\":4,\"context\":{}}"),
        ]);
        assert_eq!(body["context"]["page"]["url"], "/a");
        assert_eq!(body["context"]["locale"], "en");
        assert!(body["events"][0].get("context").is_none());
        for index in 1..4 {
            assert_eq!(
                body["events"][index]["context"]["page"]["url"], "/b",
                "{index}"
            );
        }
        assert_eq!(body["events"][2]["context"]["a"], 1);
    }

    #[test]
    fn the_attempt_is_dated_in_the_query() {
        let target = |endpoint: &str| {
            let native = Native::new(endpoint, "key");
            native.target(Route::default(), UnixMillis(7)).url
        };
        assert_eq!(target("/in"), "/in?sentAt=7");
        assert_eq!(target("/in?a=1"), "/in?a=1&sentAt=7");
    }

    #[test]
    fn an_answer_names_what_it_refused() {
        let read = |body| {
            let answer = Answer {
                status: 200,
                body,
                retry_after_ms: None,
            };
            Native::new("/in", "key").read_answer(3, &answer)
        };
        assert_eq!(read("{\"accepted\":3,\"rejected\":[]}"), Verdict::Delivered);
        assert_eq!(read(""), Verdict::Delivered);
        let body = "{\"accepted\":1, \"rejected\" : [{\"index\" : 2,\"message\":\"\\\"index\\\":7\"},{\"index\":9}]}";
        let (refused, again) = (vec![2], vec![]);
        assert_eq!(read(body), Verdict::Partial { refused, again });
    }

    #[test]
    fn receipts_are_asked_for_and_read() {
        let native = Native::new("/in", "key");
        let ids = ["a".to_owned(), "b".to_owned()];
        let asked = native.ask(&source(&[]), UnixMillis(0), &ids).unwrap();
        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        assert_eq!(asked["receipts"], serde_json::json!(["a", "b"]));
        let answer = "{\"accepted\":0,\"known\": [\"a\"]}";
        assert_eq!(native.knows(answer, "a"), Some(true));
        assert_eq!(native.knows(answer, "b"), Some(false));
        assert_eq!(native.knows("{\"accepted\":0}", "a"), None);
    }
}
