//! The one thread that writes. SQLite has one writer at a time anyway; a thread of its own makes the
//! waiting explicit, keeps fsync off the async runtime, and gives batches one order.

use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::Batch;
use super::schema::{OpenError, open_writer};
use super::store::{Stored, store};
use crate::error::ApiError;

/// Batches that may wait for the writer; more make their requests wait, which is the back-pressure.
const QUEUE_BATCHES_MAX: usize = 256;

enum Job {
    Store(Box<Batch>, oneshot::Sender<rusqlite::Result<Stored>>),
    Close,
}

#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    commits: watch::Receiver<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let db = open_writer(path)?;
        let (jobs, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
        let (committed, commits) = watch::channel(0);
        let thread = thread::spawn(move || work(db, queue, &committed));
        Ok(Self {
            jobs,
            commits,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Returns once the batch is committed, and not before.
    pub(crate) async fn store(&self, batch: Batch) -> Result<Stored, ApiError> {
        let (answer, stored) = oneshot::channel();
        let gone = |_| unavailable("the collector is shutting down");
        self.jobs
            .send(Job::Store(Box::new(batch), answer))
            .await
            .map_err(|_| gone(()))?;
        stored
            .await
            .map_err(|_| gone(()))?
            .map_err(|e| unavailable(&e.to_string()))
    }

    /// Changes with every commit; for those who watch the rows.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Commits what is queued, closes the database and ends the thread.
    pub(crate) async fn close(&self) {
        // An error means that the thread is gone already, and then so is its connection.
        let _ = self.jobs.send(Job::Close).await;
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn unavailable(message: &str) -> ApiError {
    ApiError::StorageUnavailable {
        message: message.to_owned(),
    }
}

fn work(mut db: Connection, mut queue: mpsc::Receiver<Job>, committed: &watch::Sender<u64>) {
    while let Some(job) = queue.blocking_recv() {
        let Job::Store(batch, answer) = job else {
            break;
        };
        let stored = store(&mut db, &batch);
        if let Err(error) = &stored {
            eprintln!(
                "collector: a batch of project {} was not stored: {error}",
                batch.project
            );
        } else {
            committed.send_modify(|n| *n += 1);
        }
        // The client may have gone; its batch is stored all the same, and its retry a duplicate.
        let _ = answer.send(stored);
    }
    // Closing the last connection folds the WAL into the file: one file is left, easy to copy.
    if let Err((_, error)) = db.close() {
        eprintln!("collector: closing the database: {error}");
    }
}
