//! `collector sql`: one query, read-only, in a process of its own. Tests look at real rows with it,
//! and it is how the warehouse queries of the README are run.

use std::io::{self, Read as _, Write as _};
use std::{error, fmt};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::{Map, Value};

use crate::args::SqlArgs;
use crate::db::{OpenError, open_read_only};

#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum SqlError {
    Open(OpenError),
    Query(rusqlite::Error),
    Io(io::Error),
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(source) => source.fmt(f),
            Self::Query(source) => write!(f, "query: {source}"),
            Self::Io(source) => write!(f, "reading the query or writing the rows: {source}"),
        }
    }
}

impl error::Error for SqlError {}

pub(crate) fn run(args: &SqlArgs) -> Result<(), SqlError> {
    let mut query = args.query.clone();
    if query == "-" {
        query.clear();
        io::stdin()
            .read_to_string(&mut query)
            .map_err(SqlError::Io)?;
    }
    let db = open_read_only(&args.db).map_err(SqlError::Open)?;
    match print_rows(&db, &query) {
        // `collector sql … | head` is no mistake.
        Err(SqlError::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn print_rows(db: &Connection, query: &str) -> Result<(), SqlError> {
    let mut statement = db.prepare(query).map_err(SqlError::Query)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(SqlError::Query)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some(row) = rows.next().map_err(SqlError::Query)? {
        let object = object(&names, row).map_err(SqlError::Query)?;
        writeln!(out, "{object}").map_err(SqlError::Io)?;
    }
    out.flush().map_err(SqlError::Io)
}

fn object(names: &[String], row: &Row<'_>) -> rusqlite::Result<Value> {
    let mut object = Map::new();
    for (i, name) in names.iter().enumerate() {
        object.insert(name.clone(), json(row.get_ref(i)?));
    }
    Ok(Value::Object(object))
}

fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => n.into(),
        ValueRef::Real(x) => x.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => bytes
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
            .into(),
    }
}
