//! Static files for the demo and the browser tests. Small on purpose: one file per request, read
//! whole, never cached, so that a rebuilt package is what the next reload runs.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::{error, fmt, io};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::args::Www;
use crate::error::ApiError;
use crate::routes::App;

#[derive(Debug)]
pub(crate) struct Statics {
    /// Longest prefix first: the first match is the best.
    roots: Vec<Root>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
struct Root {
    prefix: String,
    /// Canonical: what a file's canonical path must start with.
    dir: PathBuf,
}

#[derive(Debug)]
pub(crate) struct NoSuchDirectory {
    dir: PathBuf,
    source: io::Error,
}

impl fmt::Display for NoSuchDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--www {}: {}", self.dir.display(), self.source)
    }
}

impl error::Error for NoSuchDirectory {}

enum Found {
    File(PathBuf),
    /// A directory asked for without its slash: relative links in its page would point elsewhere.
    Directory,
}

impl Statics {
    pub(crate) fn new(
        www: Vec<Www>,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Self, NoSuchDirectory> {
        let root = |Www { prefix, dir }| match dir.canonicalize() {
            Ok(canonical) if canonical.is_dir() => Ok(Root {
                prefix,
                dir: canonical,
            }),
            Ok(_) => Err(NoSuchDirectory {
                dir,
                source: io::ErrorKind::NotADirectory.into(),
            }),
            Err(source) => Err(NoSuchDirectory { dir, source }),
        };
        let mut roots = www.into_iter().map(root).collect::<Result<Vec<_>, _>>()?;
        roots.sort_by_key(|root| std::cmp::Reverse(root.prefix.len()));
        Ok(Self { roots, headers })
    }

    fn find(&self, url_path: &str) -> Option<Found> {
        let path = percent_decode(url_path)?;
        let (root, rest) = self.roots.iter().find_map(|root| {
            let rest = path.strip_prefix(&root.prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((root, rest))
        })?;
        let mut file = root.dir.join(plain_relative(rest)?).canonicalize().ok()?;
        if file.is_dir() {
            if !path.ends_with('/') {
                return Some(Found::Directory);
            }
            file = file.join("index.html").canonicalize().ok()?;
        }
        // Not only `..`: a link inside the directory must not lead out of it either.
        file.starts_with(&root.dir).then_some(Found::File(file))
    }
}

pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
) -> Result<Response, ApiError> {
    if method != Method::GET && method != Method::HEAD {
        return Err(ApiError::MethodNotAllowed);
    }
    let not_found = || ApiError::NotFound {
        message: format!("there is no file {}", uri.path()),
    };
    match app.statics.find(uri.path()).ok_or_else(not_found)? {
        Found::Directory => {
            let query = uri
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            let location = [(header::LOCATION, format!("{}/{query}", uri.path()))];
            Ok((StatusCode::PERMANENT_REDIRECT, location).into_response())
        }
        Found::File(file) => {
            let bytes = tokio::fs::read(&file).await.map_err(|_| not_found())?;
            Ok((headers(&file, &app.statics.headers), bytes).into_response())
        }
    }
}

/// `--header` has the last word, also over the collector's own headers.
fn headers(file: &Path, added: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime(file)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    for (name, _) in added {
        headers.remove(name);
    }
    // Appended: several policies of the same name all hold.
    headers.extend(added.iter().cloned());
    headers
}

/// Browsers insist on these: modules on a JavaScript type, streaming compilation on
/// application/wasm.
fn mime(file: &Path) -> &'static str {
    match file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" | "ts" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The path below the root: names only, no way up, nothing hidden.
fn plain_relative(rest: &str) -> Option<PathBuf> {
    let relative = Path::new(rest.trim_start_matches('/'));
    let plain = relative.components().all(|part| match part {
        Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
        Component::CurDir => true,
        _ => false,
    });
    (plain && !rest.contains(['\0', '\\'])).then(|| relative.to_owned())
}

fn percent_decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_percent_escapes_and_refuses_broken_ones() {
        assert_eq!(percent_decode("/a%20b%C3%A9").as_deref(), Some("/a bé"));
        for broken in ["/%", "/%2", "/%zz", "/%ff"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_names_lead_below_the_root() {
        assert!(plain_relative("/a/b.js").is_some());
        assert!(plain_relative("").is_some());
        for way_out in ["/../x", "/a/../../x", "/.git/config", "/a\\..\\x", "/a\0"] {
            assert!(plain_relative(way_out).is_none(), "{way_out:?}");
        }
    }
}
