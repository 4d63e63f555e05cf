//! Sockets, readiness and shutdown. The accept loop is the collector's own, not `axum::serve`,
//! because two promises need the connection itself: a lost answer closes it without a byte, and
//! shutdown waits for running requests, but not for ever.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::access::{Access, AccessError, Peer};
use crate::args::ServeArgs;
use crate::cors::Origins;
use crate::db::{OpenError, Reader, Writer};
use crate::faults::{Faults, Unanswered};
use crate::keys::WriteKeys;
use crate::routes::{App, router};
use crate::statics::{NoSuchDirectory, Statics};

/// How long running requests may take once the collector is told to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take over the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed accept (out of file descriptors) trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum ServeError {
    Runtime(io::Error),
    Listen {
        address: String,
        source: io::Error,
    },
    Database(OpenError),
    Www(NoSuchDirectory),
    Access(AccessError),
    /// `--demo` on an address that others can reach.
    DemoInPublic {
        address: String,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(source) => write!(f, "starting up: {source}"),
            Self::Listen { address, source } => {
                write!(
                    f,
                    "cannot listen on {address}: {source}; choose another --listen"
                )
            }
            Self::Database(source) => source.fmt(f),
            Self::Www(source) => source.fmt(f),
            Self::Access(source) => source.fmt(f),
            Self::DemoInPublic { address } => write!(
                f,
                "--demo hands out a read key, so it works on a loopback address only, not on \
                 {address}; use --listen 127.0.0.1:8787, or leave --demo out"
            ),
        }
    }
}

impl error::Error for ServeError {}

pub(crate) fn run(args: ServeArgs) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let outcome = runtime.block_on(serve(args));
    // Requests that outlived the shutdown's patience are dropped, not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(args: ServeArgs) -> Result<(), ServeError> {
    let (stopping, stop) = watch::channel(false);
    let listener = TcpListener::bind(&args.listen).await;
    let listener = listener.map_err(|source| ServeError::Listen {
        address: args.listen.clone(),
        source,
    })?;
    let demo_in_public = args.demo && !is_loopback(&listener).map_err(ServeError::Runtime)?;
    if demo_in_public {
        return Err(ServeError::DemoInPublic {
            address: args.listen,
        });
    }
    let app = Arc::new(app(args, stop.clone())?);
    watch_signals(stopping).map_err(ServeError::Runtime)?;
    announce(&listener, app.access.generated.as_deref()).map_err(ServeError::Runtime)?;
    accept(listener, &app, stop).await;
    app.reader.close();
    app.writer.close().await;
    Ok(())
}

fn app(args: ServeArgs, stop: watch::Receiver<bool>) -> Result<App, ServeError> {
    let keys = WriteKeys::new(args.keys);
    let mut access = Access::new(args.read_keys, &keys).map_err(ServeError::Access)?;
    let demo = args.demo.then(|| access.add_demo_key()).transpose();
    Ok(App {
        keys,
        access,
        demo: demo.map_err(ServeError::Access)?,
        origins: Origins::new(args.origins),
        max_body_bytes: args.max_body_bytes,
        statics: Statics::new(args.www, args.headers).map_err(ServeError::Www)?,
        faults: args.faults.then(Faults::new),
        metrics_faults: args.faults.then(Faults::new),
        // The writer first: it creates the file that the reader opens.
        writer: Writer::open(&args.db).map_err(ServeError::Database)?,
        reader: Reader::open(&args.db).map_err(ServeError::Database)?,
        stop,
    })
}

fn watch_signals(stopping: watch::Sender<bool>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.send_replace(true);
        // Kept: a channel whose sender is gone would read as "never".
        stopping.closed().await;
    });
    Ok(())
}

/// The line that scripts wait for, and below it the read key that was made because none was given.
/// Both at once: a script that has seen the first line may not be reading any more.
fn announce(listener: &TcpListener, read_key: Option<&str>) -> io::Result<()> {
    let mut lines = format!("listening on http://{}\n", listener.local_addr()?);
    if let Some(key) = read_key {
        lines.push_str(&format!("read key: {key}\n"));
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}

fn is_loopback(listener: &TcpListener) -> io::Result<bool> {
    Ok(listener.local_addr()?.ip().is_loopback())
}

/// Accepts until told to stop, then waits (not for ever) until running requests are answered.
async fn accept(listener: TcpListener, app: &Arc<App>, mut stop: watch::Receiver<bool>) {
    let router = router(Arc::clone(app));
    let running = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let router = router.clone();
                connection(stream, from.ip(), router, app.faults.is_none(), &running);
            }
            Err(error) => {
                eprintln!("collector: accepting a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, running.shutdown())
        .await
        .is_err()
    {
        eprintln!("collector: some requests were still running and are cut off");
    }
}

fn connection(
    stream: TcpStream,
    from: IpAddr,
    router: Router,
    keep_alive: bool,
    running: &GracefulShutdown,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(from));
        answer(router.clone(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(keep_alive)
        .serve_connection(TokioIo::new(stream), service);
    let connection = running.watch(connection);
    tokio::spawn(async move {
        // A client that hangs up, or a lost answer: nothing to tell anyone.
        let _ = connection.await;
    });
}

/// An error here makes hyper close the connection without writing a byte.
async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
    let Ok(response) = router.oneshot(request.map(Body::new)).await;
    match response.extensions().get::<Unanswered>() {
        Some(_) => Err(Lost),
        None => Ok(response),
    }
}

/// The answer that a fault says nobody is to get.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer was lost on purpose")
    }
}

impl error::Error for Lost {}
