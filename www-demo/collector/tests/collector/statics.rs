//! The files of the page: their types, their headers, and no way out of their directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::rc::Rc;

use tempfile::TempDir;

use crate::support::{Collector, READ_KEY, refused_start};

/// `site` at /, `built` at /pkg, and a secret beside them.
fn site(args: &[&str]) -> Collector {
    let dir = Rc::new(TempDir::new().unwrap());
    let at = |path: &str| dir.path().join(path);
    fs::create_dir_all(at("site/sub")).unwrap();
    fs::create_dir_all(at("built")).unwrap();
    fs::create_dir_all(at("site-secret")).unwrap();
    fs::write(at("secret.txt"), "secret").unwrap();
    fs::write(at("site-secret/x.txt"), "secret").unwrap();
    fs::write(at("site/.env"), "secret").unwrap();
    symlink(at("secret.txt"), at("site/link.txt")).unwrap();
    symlink(at("site/a.js"), at("site/inside.js")).unwrap();
    for name in [
        "index.html",
        "a.js",
        "b.mjs",
        "c.css",
        "d.svg",
        "e.wasm",
        "f.bin",
        "a b.txt",
    ] {
        fs::write(at("site").join(name), name).unwrap();
    }
    fs::write(at("site/sub/index.html"), "sub").unwrap();
    fs::write(at("built/index.js"), "built").unwrap();
    let www = at("site").into_os_string().into_string().unwrap();
    let pkg = format!("/pkg={}", at("built").display());
    let all = [&["--www", &www, "--www", &pkg], args].concat();
    Collector::start_in(dir, &all)
}

#[test]
fn types_are_those_that_browsers_insist_on() {
    let collector = site(&[]);
    let types = [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/b.mjs", "text/javascript; charset=utf-8"),
        ("/c.css", "text/css; charset=utf-8"),
        ("/d.svg", "image/svg+xml"),
        ("/e.wasm", "application/wasm"),
        ("/f.bin", "application/octet-stream"),
        ("/a%20b.txt?query=ignored", "text/plain; charset=utf-8"),
    ];
    for (path, expected) in types {
        let reply = collector.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(expected), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
    assert_eq!(collector.get("/a.js").body, b"a.js");
}

#[test]
fn prefixes_and_directories() {
    let collector = site(&[]);
    assert_eq!(collector.get("/pkg/index.js").body, b"built");
    assert_eq!(collector.get("/sub/").body, b"sub");
    let redirect = collector.get("/sub?x=1");
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (308, Some("/sub/?x=1"))
    );
    assert_eq!(collector.get("/pkgindex.js").status, 404);
    assert_eq!(
        collector.get("/pkg/a.js").status,
        404,
        "a prefix does not fall through"
    );
    assert_eq!(
        collector.get("/inside.js").body,
        b"a.js",
        "a link that stays inside"
    );
    let head = String::from_utf8(
        collector.raw(b"HEAD /a.js HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n"),
    )
    .unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-length: 4"),
        "{head}"
    );
    assert!(head.ends_with("\r\n\r\n"), "no body: {head}");
}

#[test]
fn there_is_no_way_out() {
    let collector = site(&[]);
    let ways = [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/../site-secret/x.txt",
        "/%252e%252e/secret.txt",
        "//secret.txt",
        "/link.txt",
        "/.env",
        "/sub/..%00/a.js",
        "/pkg/../../secret.txt",
        "/pkg../secret.txt",
        "/%",
    ];
    for way in ways {
        // By hand: a client library would tidy the path up.
        let request = format!("GET {way} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
        let answer = collector.raw(request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{way}: {answer}");
        assert!(!answer.ends_with("secret"), "{way}: {answer}");
    }
    let absolute = format!("/{}", collector.dir.path().join("secret.txt").display());
    assert_eq!(collector.get(&absolute).status, 404);
}

#[test]
fn added_headers_are_there_and_have_the_last_word() {
    let policy = "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
    let header = format!("Content-Security-Policy: {policy}");
    let collector = site(&["--header", &header, "--header", "cache-control: no-cache"]);
    let reply = collector.get("/");
    assert_eq!(reply.header("content-security-policy"), Some(policy));
    let caching: Vec<_> = reply.headers.get_all("cache-control").iter().collect();
    assert_eq!(caching, ["no-cache"]);
    let api = collector.get_with(READ_KEY, "/api/v1/stats");
    assert_eq!(
        api.header("content-security-policy"),
        None,
        "static files only"
    );
}

#[test]
fn a_directory_that_is_not_there_is_told_at_the_start() {
    let told = refused_start(&["--db", "never-opened.db", "--www", "/x=no-such-dir"]);
    assert!(told.contains("--www no-such-dir"), "{told}");
}
