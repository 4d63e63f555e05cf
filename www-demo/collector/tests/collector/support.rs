//! A running collector in a directory of its own, and small helpers to talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Far above what anything takes here; only a broken collector ever waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const INGEST: &str = "/api/v1/ingest/batch";
/// What every collector is started with, unless a test is about keys.
pub(crate) const READ_KEY: &str = "read-key-of-the-tests";
const BINARY: &str = env!("CARGO_BIN_EXE_collector");

pub(crate) struct Collector {
    child: Child,
    pub(crate) address: String,
    pub(crate) dir: Rc<TempDir>,
    stdout: BufReader<ChildStdout>,
    agent: ureq::Agent,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Collector {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_in(Rc::new(TempDir::new().unwrap()), args)
    }

    /// Starts on a directory that may have a database already.
    pub(crate) fn start_in(dir: Rc<TempDir>, args: &[&str]) -> Self {
        Self::launch(dir, &[&["--read-key", READ_KEY], args].concat(), &[])
    }

    /// With these arguments and variables and no others.
    pub(crate) fn launch(dir: Rc<TempDir>, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["--listen", "127.0.0.1:0", "--db"])
            .arg(dir.path().join("events.db"))
            .args(args)
            .env_remove("SENDOFF_READ_KEY")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .expect("ready")
            .to_owned();
        Self {
            child,
            address,
            dir,
            stdout,
            agent: agent(),
        }
    }

    /// The next line on standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.dir.path().join("events.db")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        reply(self.agent.get(self.url(path)).call())
    }

    pub(crate) fn get_with(&self, key: &str, path: &str) -> Reply {
        let bearer = format!("Bearer {key}");
        let request = self.agent.get(self.url(path));
        reply(request.header("authorization", bearer).call())
    }

    /// A read with the key of the tests, of something that is there.
    pub(crate) fn read(&self, path: &str) -> Value {
        let reply = self.get_with(READ_KEY, path);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    pub(crate) fn stats(&self) -> Value {
        self.read("/api/v1/stats")
    }

    /// As a page does it: a JSON text sent as text/plain.
    pub(crate) fn ingest(&self, envelope: &Value) -> Reply {
        self.send(
            &envelope.to_string().into_bytes(),
            &[("content-type", "text/plain")],
        )
    }

    pub(crate) fn send(&self, body: &[u8], headers: &[(&str, &str)]) -> Reply {
        post(&self.agent, &self.url(INGEST), body, headers)
    }

    /// An attempt that says that it was sent so many milliseconds ago.
    pub(crate) fn ingest_after(&self, lag_ms: i64, envelope: &Value) -> Reply {
        self.post_after(lag_ms, INGEST, envelope)
    }

    pub(crate) fn post_after(&self, lag_ms: i64, path: &str, body: &Value) -> Reply {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let sent = i64::try_from(now.as_millis()).unwrap() - lag_ms;
        let url = self.url(&format!("{path}?sentAt={sent}&v=2"));
        post(&self.agent, &url, &body.to_string().into_bytes(), &[])
    }

    pub(crate) fn metrics(&self, envelope: &Value) -> Reply {
        let body = envelope.to_string().into_bytes();
        post(&self.agent, &self.url("/api/v1/ingest/metrics"), &body, &[])
    }

    pub(crate) fn delete_with(&self, key: &str, path: &str) -> Reply {
        let bearer = format!("Bearer {key}");
        let request = self.agent.delete(self.url(path));
        reply(request.header("authorization", bearer).call())
    }

    pub(crate) fn fault(&self, fault: &Value) -> Reply {
        let body = fault.to_string().into_bytes();
        post(&self.agent, &self.url("/_faults"), &body, &[])
    }

    /// Any bytes in, all bytes out, until the collector closes the connection.
    pub(crate) fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("closed in order");
        answer
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn sql(&self, query: &str) -> Vec<Value> {
        sql(&self.db(), query)
    }

    pub(crate) fn count(&self, query: &str) -> i64 {
        let rows = self.sql(&format!("SELECT count(*) AS n {query}"));
        rows[0]["n"].as_i64().unwrap()
    }

    pub(crate) fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Already gone in the tests that end it themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE))
        .build();
    config.into()
}

pub(crate) fn post(agent: &ureq::Agent, url: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
    try_post(agent, url, body, headers).unwrap()
}

pub(crate) fn try_post(
    agent: &ureq::Agent,
    url: &str,
    body: &[u8],
    headers: &[(&str, &str)],
) -> Result<Reply, ureq::Error> {
    let mut request = agent.post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send(body).map(|response| reply(Ok(response)))
}

fn reply(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
    let mut response = response.unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body,
    }
}

pub(crate) fn sql(db: &Path, query: &str) -> Vec<Value> {
    let output = Command::new(BINARY)
        .arg("sql")
        .arg("--db")
        .arg(db)
        .arg(query)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = String::from_utf8(output.stdout).unwrap();
    rows.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn run(args: &[&str]) -> std::process::Output {
    Command::new(BINARY).args(args).output().unwrap()
}

/// Starts a collector that must refuse to, and returns what it says.
pub(crate) fn refused_start(args: &[&str]) -> String {
    let mut child = Command::new(BINARY)
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .env_remove("SENDOFF_READ_KEY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    // Only ends by itself if it refused; a kill of what is gone already is no matter.
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert_eq!(line, "", "it started");
    String::from_utf8(output.stderr).unwrap()
}

/// A good event with this key.
pub(crate) fn event(key: &str) -> Value {
    json!({
        "idempotencyKey": key,
        "name": "checkout",
        "userId": null,
        "anonymousId": "anon-1",
        "timestamp": "2026-01-15T12:00:00.000Z",
        "properties": {"total": 3},
    })
}

pub(crate) fn batch(keys: &[&str]) -> Value {
    let events: Vec<Value> = keys.iter().map(|key| event(key)).collect();
    json!({"apiKey": "demo", "sentAt": "2026-01-15T12:00:05.000Z", "events": events})
}

/// A batch of one tab, with sequence numbers and the batch id that go with them.
pub(crate) fn sequence(tab: &str, from: u64, to: u64) -> Value {
    let events: Vec<Value> = (from..=to)
        .map(|seq| {
            let mut event = event(&format!("{tab}-{seq}"));
            event["seq"] = seq.into();
            event
        })
        .collect();
    json!({"apiKey": "demo", "tab": tab, "batchId": format!("{tab}:{from}-{to}"), "events": events})
}

/// An event of somebody: `user`, or the visitor alone where that is null.
pub(crate) fn event_of(key: &str, name: &str, user: Value, visitor: &str, second: u32) -> Value {
    let mut event = event(key);
    event["name"] = name.into();
    event["userId"] = user;
    event["anonymousId"] = visitor.into();
    event["timestamp"] = format!("2026-01-15T12:00:{second:02}.000Z").into();
    event["properties"] = json!({});
    event
}

/// `$alias`: `user` is whoever `previous` was.
pub(crate) fn alias(key: &str, previous: &str, user: &str, second: u32) -> Value {
    let mut event = event_of(key, "$alias", json!(user), "anon-of-alias", second);
    event["properties"] = json!({ "previousId": previous });
    event
}

pub(crate) fn envelope(events: &[Value]) -> Value {
    json!({"apiKey": "demo", "events": events})
}

pub(crate) fn keys_of(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap().iter();
    events
        .map(|event| event["idempotencyKey"].as_str().unwrap())
        .collect()
}
