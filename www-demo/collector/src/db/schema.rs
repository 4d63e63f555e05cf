//! The tables, and how a connection is opened.
//!
//! `synchronous=FULL`: in WAL mode NORMAL already survives a SIGKILL (what is committed is with the
//! kernel), but not a power cut, and the client deletes its only copy once it reads our 2xx. So the
//! 2xx waits for one fsync of the WAL per batch, which is what a batch is for.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{error, fmt};

use rusqlite::{Connection, OpenFlags};

/// How long a connection waits for another process's lock before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const SCHEMA_VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    batch_id TEXT,
    tab TEXT,
    seq INTEGER,
    name TEXT NOT NULL,
    user_id TEXT,
    anonymous_id TEXT,
    timestamp TEXT NOT NULL,
    sent_at TEXT,
    received_at TEXT NOT NULL,
    properties TEXT NOT NULL,
    context TEXT,
    duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
-- The one line that makes 'at least once' on the wire 'once' in the data.
CREATE UNIQUE INDEX events_once ON events (project, idempotency_key);
CREATE INDEX events_by_project ON events (project, id);
CREATE INDEX events_by_name ON events (project, name, id);
CREATE INDEX events_by_user ON events (project, user_id, id);
CREATE INDEX events_by_tab ON events (project, tab, seq);

CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    batch_id TEXT,
    tab TEXT,
    events INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 1,
    sent_at TEXT,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_once ON batches (project, batch_id);
CREATE INDEX batches_by_tab ON batches (project, tab);

CREATE TABLE dropped (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    tab TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX dropped_once ON dropped (project, tab, from_seq, to_seq, reason);

-- Events that arrived but were invalid: their sequence numbers are refused, not lost.
CREATE TABLE refused (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    batch_id TEXT,
    batch_index INTEGER NOT NULL,
    tab TEXT,
    seq INTEGER,
    error TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX refused_once ON refused (project, batch_id, batch_index);

CREATE TABLE counters (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
";

#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum OpenError {
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    OtherVersion {
        path: PathBuf,
        found: i64,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path, source } => write!(f, "database {}: {source}", path.display()),
            Self::OtherVersion { path, found } => write!(
                f,
                "database {}: its schema is version {found}, this collector writes version \
                 {SCHEMA_VERSION}; use another --db file",
                path.display()
            ),
        }
    }
}

impl error::Error for OpenError {}

/// Opens the file for writing and creates the tables in a new one.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let mut db = Connection::open(path).map_err(at(path))?;
    prepare_writer(&mut db).map_err(at(path))?;
    match version(&db).map_err(at(path))? {
        SCHEMA_VERSION => Ok(db),
        found => Err(OpenError::OtherVersion {
            path: path.to_owned(),
            found,
        }),
    }
}

/// Opens the file so that nothing can be written through the connection.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(at(path))?;
    db.busy_timeout(BUSY_TIMEOUT).map_err(at(path))?;
    Ok(db)
}

fn prepare_writer(db: &mut Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if version(&tx)? == 0 {
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    tx.commit()
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn at(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    move |source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    }
}
