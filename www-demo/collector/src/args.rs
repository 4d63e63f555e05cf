//! The command line. `--help` is the collector's manual: everything it does is told here, because a
//! test server that has to be read to be used is read wrongly.

use std::fmt;
use std::path::PathBuf;

use axum::http::{HeaderName, HeaderValue};
use clap::{Args, Parser, Subcommand};

const MANUAL: &str = include_str!("manual.txt");

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
    /// Let this key read: all projects, or the one named. Write keys never read. Repeatable.
    /// Without one a key is made and printed after the address.
    #[arg(long = "read-key", value_name = "[PROJECT=]KEY", value_parser = parse_read_key)]
    #[arg(env = "SENDOFF_READ_KEY", hide_env_values = true)]
    pub(crate) read_keys: Vec<ReadKey>,
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
    /// Give the demo page a read key of its own. Only on a loopback address: whoever is on this
    /// machine may then read all projects.
    #[arg(long)]
    pub(crate) demo: bool,
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

/// A key that reads, and the one project it is for.
#[derive(Clone)]
pub(crate) struct ReadKey {
    pub(crate) key: String,
    pub(crate) project: Option<String>,
}

// It is a secret: it must not end up in a log by way of `{:?}`.
impl fmt::Debug for ReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = &self.project;
        f.debug_struct("ReadKey")
            .field("project", project)
            .finish_non_exhaustive()
    }
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

fn parse_read_key(text: &str) -> Result<ReadKey, String> {
    let (project, key) = match text.split_once('=') {
        Some((project, key)) => (Some(project.to_owned()), key),
        None => (None, text),
    };
    if key.is_empty() || project.as_deref() == Some("") {
        return Err("key and project must not be empty; write KEY or PROJECT=KEY".to_owned());
    }
    Ok(ReadKey {
        key: key.to_owned(),
        project,
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
