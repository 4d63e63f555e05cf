//! The sendoff collector: takes batches of events over HTTP, validates and deduplicates them, and
//! keeps them in one SQLite file.
//!
//! It exists so that the guarantee of the SDK can be seen and tested against a real server: a 2xx
//! is only ever sent after the batch is committed, because the client deletes its own copy then.
//!
//! How to read it: `args` is the command line, `server` the sockets and the shutdown, `routes` the
//! table of endpoints. A batch goes `ingest` → `body` (limits, gzip) → `faults` (tests only) →
//! `envelope` (JSON) → `validate` (each event) → `db::writer` (the one writing thread).
//! `metrics` takes and answers the metrics. `access` decides who may read; `reads`, `users` and
//! `stream` are what is read, `statics` serves the page, `sql` is the warehouse.

mod access;
mod args;
mod body;
mod clock;
mod cors;
mod db;
mod envelope;
mod error;
mod faults;
mod ingest;
mod keys;
mod metrics;
mod query;
mod reads;
mod routes;
mod server;
mod sql;
mod statics;
mod stream;
mod users;
mod validate;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = match cli.command {
        Some(args::Command::Sql(query)) => sql::run(&query).map_err(|e| e.to_string()),
        None => server::run(cli.serve).map_err(|e| e.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("collector: {message}");
            ExitCode::FAILURE
        }
    }
}
