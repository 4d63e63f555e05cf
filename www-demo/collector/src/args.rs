//! The command line. `--help` is the collector's manual: everything it does is told here, because a
//! test server that has to be read to be used is read wrongly.

use std::path::PathBuf;

use axum::http::{HeaderName, HeaderValue};
use clap::{Args, Parser, Subcommand};

const MANUAL: &str = r#"ENDPOINTS
  POST /api/v1/ingest/batch   one envelope of JSON, whatever its Content-Type says; gzip if
                              Content-Encoding says so. The key is `apiKey` in the envelope (or
                              `Authorization: Bearer KEY`, or `?key=KEY`).
      {"apiKey":"demo","sentAt":"…","tab":"…","batchId":"…","context":{…},
       "dropped":[{"from":51,"to":60,"reason":"overflow"}],
       "events":[{"idempotencyKey":"…","seq":1,"name":"checkout","userId":"u","anonymousId":"…",
                  "timestamp":"2026-01-15T12:00:00.000Z","properties":{…}}]}
      Required: `events`, and in each event `idempotencyKey`, `name`, `timestamp`.
      200 {"accepted":n,"duplicates":n,"duplicateBatch":bool,
           "rejected":[{"index":i,"error":"code","message":"…"}]}
      200 means: committed to disk. An event is stored once per (project, idempotencyKey).
      `dropped` are tombstones: sequence numbers the client gave up, and why.
      With "receipts":["<batchId>",…] the answer has "known":[…], those already stored.
      Errors are {"error":"code","message":"…"}: 400 malformed_json (with line, column, byte),
      bad_envelope, bad_gzip; 401 unknown_key; 408 body_timeout; 413 body_too_large (also what gzip
      inflates to); 415 unsupported_encoding; 503 storage_unavailable (try again).
  GET /api/v1/events          ?name= ?user= (user id) ?since= (event time, RFC 3339) ?limit=
                              (default 100, at most 10000). Newest first; with ?after=ID the rows
                              stored after that id, oldest first, for paging.
  GET /api/v1/stats           counts of the project. events + duplicateEvents = received.
  GET /api/v1/stream          server-sent events: each stored event as a message (its id is the row
                              id; a reconnect resumes with Last-Event-ID), and `event: stats`.
  All GETs want the key: `Authorization: Bearer KEY` or `?key=KEY`. A key reads its project only.

FAULTS (only with --faults; they apply to the ingest endpoint only)
  POST /_faults {"mode":"status","status":503,"retryAfter":2,"times":3}   GET /_faults shows it.
  mode        none | status (answer `status`, store nothing) | delay (wait `delayMs`, then go on) |
              lose (store, then close the connection without an answer) |
              hang (neither store nor answer until the fault is changed or the client gives up)
  retryAfter  seconds (number) or an HTTP date (text), sent as Retry-After
  delayMs     also waited before `status` and `lose`
  times       how many requests it hits; absent: until changed
  maxEvents   with `status`: hits only batches of more events than this (a 413 that halving cures)
  With --faults every connection serves one request: browsers silently re-send a POST whose reused
  connection closed without an answer, and `lose` would never be seen by the page.

SIGNALS
  SIGTERM, SIGINT: stop accepting, finish running requests (at most 5 s), close the database.
  SIGKILL loses nothing that was acknowledged.

EXAMPLES
  collector --db demo.db --www www-demo --www /pkg=pkg --faults
  collector --key k1=shop --key k2=blog --origin https://shop.example
  collector sql --db demo.db "SELECT name, count(*) AS n FROM events GROUP BY name"
  collector sql --db demo.db - < holes.sql"#;

/// Collects sendoff events into one SQLite file, each exactly once.
#[derive(Debug, Parser)]
#[command(version, after_long_help = MANUAL, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one query on the database, read-only, and print each row as a line of JSON. Safe beside
    /// a running collector.
    Sql(SqlArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// The database file.
    #[arg(long, value_name = "FILE")]
    pub(crate) db: PathBuf,
    /// One SQL statement, or `-` to read it from standard input.
    // A query may begin with a comment, and a comment with hyphens.
    #[arg(allow_hyphen_values = true)]
    pub(crate) query: String,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 takes any free one. The line `listening on http://…` on
    /// standard output tells which, and that the collector is ready.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,
    /// The database file, created when missing.
    #[arg(long, value_name = "FILE", default_value = "collector.db")]
    pub(crate) db: PathBuf,
    /// Serve the files of DIR, at / or under PREFIX (which starts with a slash). Repeatable.
    #[arg(long, value_name = "[PREFIX=]DIR", value_parser = parse_www)]
    pub(crate) www: Vec<Www>,
    /// Accept this key, for this project (default: the project is called like the key).
    /// Repeatable; several keys may share a project. Default: demo.
    #[arg(long = "key", value_name = "KEY[=PROJECT]", value_parser = parse_key)]
    pub(crate) keys: Vec<Key>,
    /// Let pages of this origin read the answers (CORS); `*` for any. Repeatable.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = parse_origin)]
    pub(crate) origins: Vec<String>,
    /// Largest request body, as sent and also after gzip inflation.
    #[arg(long, value_name = "N", default_value_t = 1024 * 1024)]
    pub(crate) max_body_bytes: usize,
    /// Add a header to every static file, for example a Content-Security-Policy; a header of the
    /// same name that the collector would send is replaced. Repeatable.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Offer POST /_faults, which makes the ingest endpoint fail on demand. For tests and the demo.
    #[arg(long)]
    pub(crate) faults: bool,
}

/// A directory of static files and the URL prefix it is seen under ("" or "/pkg").
#[derive(Clone, Debug)]
pub(crate) struct Www {
    pub(crate) prefix: String,
    pub(crate) dir: PathBuf,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) project: String,
}

fn parse_www(text: &str) -> Result<Www, String> {
    let (prefix, dir) = match text.split_once('=') {
        Some((prefix, dir)) if prefix.starts_with('/') => (prefix.trim_end_matches('/'), dir),
        _ => ("", text),
    };
    if dir.is_empty() {
        return Err("the directory is empty; write DIR or /PREFIX=DIR".to_owned());
    }
    Ok(Www {
        prefix: prefix.to_owned(),
        dir: PathBuf::from(dir),
    })
}

fn parse_key(text: &str) -> Result<Key, String> {
    let (key, project) = text.split_once('=').unwrap_or((text, text));
    if key.is_empty() || project.is_empty() {
        return Err("key and project must not be empty; write KEY or KEY=PROJECT".to_owned());
    }
    Ok(Key {
        key: key.to_owned(),
        project: project.to_owned(),
    })
}

/// Browsers send `Origin` as scheme://host, with `:port` if it has one, without a path: anything else would never match,
/// and that is better said at the start than found out in a console.
fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.split_once("://").map(|(_, host)| host);
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains('/'));
    if text != "*" && text != "null" && !plain {
        return Err("write scheme://host[:port] with no slash at the end, or *".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = HeaderName::try_from(name.trim()).map_err(|e| e.to_string())?;
    let value = HeaderValue::try_from(value.trim()).map_err(|e| e.to_string())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn www_takes_a_directory_or_a_prefix_and_a_directory() {
        let plain = parse_www("/srv/a=b").map(|w| (w.prefix, w.dir));
        assert_eq!(plain, Ok(("/srv/a".to_owned(), PathBuf::from("b"))));
        let bare = parse_www("site").map(|w| (w.prefix, w.dir));
        assert_eq!(bare, Ok((String::new(), PathBuf::from("site"))));
        let root = parse_www("/=a=b").map(|w| (w.prefix, w.dir));
        assert_eq!(root, Ok((String::new(), PathBuf::from("a=b"))));
        assert!(parse_www("/pkg=").is_err());
    }

    #[test]
    fn origins_with_a_path_are_refused() {
        assert!(parse_origin("https://a.example").is_ok());
        assert!(parse_origin("*").is_ok());
        assert!(parse_origin("https://a.example/").is_err());
        assert!(parse_origin("a.example").is_err());
    }
}
