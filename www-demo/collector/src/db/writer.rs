//! The one thread that writes. SQLite has one writer at a time anyway; a thread of its own makes the
//! waiting explicit, keeps fsync off the async runtime, and gives batches one order.

use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::erase::{Erased, erase};
use super::metrics_store::{self, StoredMetrics};
use super::schema::{OpenError, open_writer};
use super::store::{Stored, store};
use super::{Batch, MetricBatch};
use crate::error::ApiError;

/// Jobs that may wait for the writer; more make their requests wait, which is the back-pressure.
const QUEUE_JOBS_MAX: usize = 256;

enum Job {
    /// One transaction; it answers for itself, and says whether it was committed.
    Run(Box<dyn FnOnce(&mut Connection) -> bool + Send>),
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
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS_MAX);
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
        let what = format!("a batch of project {}", batch.project);
        self.run(what, move |db| store(db, &batch)).await
    }

    pub(crate) async fn store_metrics(
        &self,
        batch: MetricBatch,
    ) -> Result<StoredMetrics, ApiError> {
        let what = format!("metrics of project {}", batch.project);
        self.run(what, move |db| metrics_store::store(db, &batch))
            .await
    }

    /// Erases all that there is of a person, and refuses what comes later.
    pub(crate) async fn erase(
        &self,
        project: String,
        id: String,
        now: String,
    ) -> Result<Erased, ApiError> {
        let what = format!("an erasure in project {project}");
        self.run(what, move |db| erase(db, &project, &id, &now))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        what: String,
        transaction: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, done) = oneshot::channel();
        let job = move |db: &mut Connection| {
            let outcome = transaction(db);
            if let Err(error) = &outcome {
                eprintln!("collector: {what} was not stored: {error}");
            }
            let committed = outcome.is_ok();
            // The client may have gone; its batch is stored all the same, and its retry a duplicate.
            let _ = answer.send(outcome);
            committed
        };
        let gone = |_| unavailable("the collector is shutting down");
        let queued = self.jobs.send(Job::Run(Box::new(job))).await;
        queued.map_err(|_| gone(()))?;
        done.await
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
    while let Some(Job::Run(job)) = queue.blocking_recv() {
        if job(&mut db) {
            committed.send_modify(|n| *n += 1);
        }
    }
    // Closing the last connection folds the WAL into the file: one file is left, easy to copy.
    if let Err((_, error)) = db.close() {
        eprintln!("collector: closing the database: {error}");
    }
}
