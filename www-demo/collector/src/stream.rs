//! `GET /api/v1/stream`: what is stored, as it is stored. The stream is not a copy of the traffic: a
//! commit only wakes it up, and it then reads the new rows. So a slow reader costs no memory and
//! misses nothing, and a reconnect goes on where it stopped (`Last-Event-ID`).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use crate::access::Streaming;
use crate::db::{EventRow, Filter, Order, Stats};
use crate::error::ApiError;
use crate::routes::App;

/// Rows read at once; a longer backlog takes several rounds.
const PAGE_ROWS: u32 = 200;
/// Proxies and browsers give up on a silent connection after about a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Streaming { project }: Streaming,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Subscribed before the newest row is asked for: a commit in between wakes us up once too often,
    // never once too little.
    let commits = app.writer.commits();
    let last = match headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok()?.parse().ok())
    {
        Some(seen) => seen,
        None => app.reader.newest().await?,
    };
    let stop = app.stop.clone();
    let follower = Follower {
        app,
        project,
        commits,
        stop,
        last,
        queue: VecDeque::new(),
        behind: true,
    };
    let events = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    app: Arc<App>,
    project: String,
    commits: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    /// The newest row this reader has been given.
    last: i64,
    queue: VecDeque<Event>,
    /// There may be rows, or new statistics, that were not read yet.
    behind: bool,
}

impl Follower {
    /// The next event to send; `None` ends the stream, and the browser comes back by itself.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if self.behind {
                self.catch_up().await.ok()?;
                continue;
            }
            tokio::select! {
                changed = self.commits.changed() => changed.ok()?,
                _ = self.stop.wait_for(|stop| *stop) => return None,
            }
            self.behind = true;
        }
    }

    async fn catch_up(&mut self) -> Result<(), ApiError> {
        self.commits.mark_unchanged();
        let filter = Filter {
            name: None,
            user: None,
            since: None,
            after: Some(self.last),
            order: Order::OldestRows,
            limit: PAGE_ROWS,
        };
        let rows = self.app.reader.events(&self.project, filter).await?;
        self.behind = rows.len() == PAGE_ROWS as usize;
        self.last = rows.last().map_or(self.last, |row| row.id);
        self.queue.extend(rows.iter().filter_map(message));
        if !self.behind {
            let stats = self.app.reader.stats(&self.project).await?;
            self.queue.extend(stats_event(&stats));
        }
        Ok(())
    }
}

fn message(row: &EventRow) -> Option<Event> {
    Event::default().id(row.id.to_string()).json_data(row).ok()
}

fn stats_event(stats: &Stats) -> Option<Event> {
    Event::default().event("stats").json_data(stats).ok()
}
