//! The versions of the tables, and how a connection is opened.
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
/// What makes a database of each version from one of the version before, the first from nothing. A
/// step that was released is never changed: files out there have been through it.
const STEPS: [&str; 2] = [include_str!("schema_v1.sql"), include_str!("schema_v2.sql")];
const SCHEMA_VERSION: i64 = 2;

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

/// Opens the file for writing; a new one gets its tables, an older one those it lacks.
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
    // What was erased on request must not be readable in the file's free pages.
    db.pragma_update(None, "secure_delete", "ON")?;
    let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut version = version(&tx)?;
    let done = usize::try_from(version).unwrap_or(STEPS.len());
    for step in STEPS.iter().skip(done) {
        tx.execute_batch(step)?;
        version += 1;
        tx.pragma_update(None, "user_version", version)?;
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
