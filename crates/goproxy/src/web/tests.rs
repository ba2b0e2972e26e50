//! Servers on loopback that redirect, fail and want to know who asks.

use std::path::Path;

use transport::{Env, Limits};

use super::*;
use crate::settings::Settings;
use crate::testing::Scratch;
use crate::testing::server::{Reply, Routes, Server, ca};

const MAX: u64 = 1000;

/// What an address has, for a client with these variables.
fn get(url: &str, vars: &[(&str, &str)]) -> Result<String> {
    let ca = ca();
    let mut all = vec![("SSL_CERT_FILE", ca.as_str())];
    all.extend(vars);
    let env = Env::of(&all, Path::new("/"));
    let client = Client::new(env.clone(), Limits::default());
    let web = Web::new(&client, Auth::of(&Settings::read(&env))?, Duration::from_millis(1));
    let bytes = web.bytes(&Url::parse(url).unwrap(), MAX)?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn routes<const N: usize>(all: [(&str, Vec<Reply>); N]) -> Routes {
    all.into_iter().map(|(path, replies)| (path.to_owned(), replies)).collect()
}

#[test]
fn we_say_who_we_are() {
    let server = Server::start(routes([("/a", vec![Reply::ok("hi")])]));
    assert_eq!(get(&format!("{}/a", server.url), &[]).unwrap(), "hi");
    assert!(server.log()[0].headers["user-agent"].starts_with("tare/"));
}

#[test]
fn refusals_have_a_kind_and_the_servers_words() {
    let plain = |status| Reply::new(status, "no\x20luck\nmore").with("Content-Type", "text/plain");
    let html = Reply::new(404, "<html>").with("Content-Type", "text/html");
    let nasty = Reply::new(404, "\x1b[31mred").with("Content-Type", "text/plain");
    let all = [
        ("/404", plain(404)),
        ("/410", plain(410)),
        ("/403", plain(403)),
        ("/401", plain(401)),
        ("/400", plain(400)),
    ];
    let server =
        Server::start(all.iter().map(|(path, reply)| (path.to_string(), vec![reply.clone()])).collect());
    server.say("/html", [html]);
    server.say("/nasty", [nasty]);
    let check = |path: &str, kind, is_absent, end: &str| {
        let error = get(&format!("{}{path}", server.url), &[]).unwrap_err();
        assert_eq!((error.kind, error.is_absent), (kind, is_absent), "{path}");
        assert!(error.to_string().ends_with(end), "{error}");
    };
    check("/404", Kind::NotFound, true, "404 Not Found: no luck");
    check("/410", Kind::NotFound, true, "410 Gone: no luck");
    check("/403", Kind::NotFound, false, "403 Forbidden: no luck");
    check("/401", Kind::Denied, false, "401 Unauthorized: no luck");
    check("/400", Kind::Network, false, "400 Bad Request: no luck");
    check("/html", Kind::NotFound, true, "404 Not Found");
    check("/nasty", Kind::NotFound, true, "404 Not Found");
}

#[test]
fn what_may_pass_is_tried_four_times() {
    let busy = Reply::new(503, "");
    let server = Server::start(routes([
        (
            "/soon",
            vec![
                busy.clone(),
                Reply::new(429, "").with("Retry-After", "0"),
                Reply::ok("hello").cut(2),
                Reply::ok("hello"),
            ],
        ),
        ("/never", vec![busy]),
        ("/later", vec![Reply::new(429, "").with("Retry-After", "3600")]),
        ("/wrong", vec![Reply::new(400, "")]),
    ]));
    assert_eq!(get(&format!("{}/soon", server.url), &[]).unwrap(), "hello");
    for (path, tries) in [("/soon", 4), ("/never", 4), ("/later", 1), ("/wrong", 1)] {
        if path != "/soon" {
            assert_eq!(get(&format!("{}{path}", server.url), &[]).unwrap_err().kind, Kind::Network);
        }
        assert_eq!(server.paths(path).len(), tries, "{path}");
    }
}

#[test]
fn answers_have_a_limit() {
    let server = Server::start(routes([
        ("/big", vec![Reply::ok(vec![b'x'; 1001])]),
        ("/fits", vec![Reply::ok(vec![b'x'; 1000])]),
    ]));
    assert!(
        get(&format!("{}/big", server.url), &[]).unwrap_err().to_string().contains("more than 1000 bytes")
    );
    assert!(get(&format!("{}/fits", server.url), &[]).is_ok());
}

#[test]
fn redirects_are_followed_ten_times() {
    let chain = |count: usize| {
        let mut routes: Routes =
            (0..count).map(|i| (format!("/{i}"), vec![Reply::to(format!("/{}", i + 1))])).collect();
        routes.insert(format!("/{count}"), vec![Reply::ok("end")]);
        let server = Server::start(routes);
        get(&format!("{}/0", server.url), &[])
    };
    assert_eq!(chain(10).unwrap(), "end");
    assert!(chain(11).unwrap_err().to_string().contains("redirects without end"));
}

#[test]
fn redirects_don_t_leave_https_or_reach_files() {
    let scratch = Scratch::new();
    scratch.write("secret", b"secret");
    let plain = Server::start(routes([("/a", vec![Reply::ok("plain")])]));
    let server = Server::start_tls(routes([
        ("/down", vec![Reply::to(format!("{}/a", plain.url))]),
        ("/file", vec![Reply::to(format!("file://{}", scratch.path("secret").display()))]),
    ]));
    plain.say("/up", [Reply::to(format!("{}/a", server.url))]);
    server.say("/a", [Reply::ok("safe")]);
    let get = |url: String| get(&url, &[]);
    assert!(get(format!("{}/down", server.url)).unwrap_err().to_string().ends_with("from https to http"));
    assert!(get(format!("{}/file", server.url)).unwrap_err().to_string().ends_with("a file"));
    assert_eq!(get(format!("{}/up", plain.url)).unwrap(), "safe");
    assert_eq!(plain.paths("/a"), [""; 0]);
}

#[test]
fn logins_go_to_their_host_over_https_alone() {
    let scratch = Scratch::new();
    scratch.write(".netrc", b"machine 127.0.0.1 login nobody password x\n");
    let other = Server::start_tls(routes([("/b", vec![Reply::ok("b")])]));
    let elsewhere = Reply::to(format!("{}/b", other.url.replace("127.0.0.1", "localhost")));
    let server = Server::start_tls(routes([
        ("/a", vec![Reply::ok("a").only_for("Basic bWU6cHc=")]),
        ("/here", vec![Reply::to("/a")]),
        ("/there", vec![elsewhere]),
    ]));
    let host = server.url.trim_start_matches("https://");
    scratch.write("netrc", format!("machine {host} login me password pw\n").as_bytes());
    let netrc = scratch.path("netrc").to_str().unwrap().to_owned();
    let with_netrc = |path: &str| get(&format!("{}{path}", server.url), &[("NETRC", &netrc)]);
    assert_eq!(with_netrc("/a").unwrap(), "a");
    assert_eq!(with_netrc("/here").unwrap(), "a");
    assert_eq!(with_netrc("/there").unwrap(), "b");
    assert_eq!(other.log()[0].headers.get("authorization"), None);
    assert_eq!(get(&format!("https://me:pw@{host}/here"), &[]).unwrap(), "a");
    let off = get(&format!("{}/a", server.url), &[("NETRC", &netrc), ("GOAUTH", "off")]).unwrap_err();
    assert_eq!(off.kind, Kind::Denied);
    let plain = Server::start(routes([("/a", vec![Reply::ok("a")])]));
    let plain_host = plain.url.trim_start_matches("http://");
    scratch.write("netrc", format!("machine {plain_host} login me password pw\n").as_bytes());
    get(&format!("{}/a", plain.url), &[("NETRC", &netrc)]).unwrap();
    assert_eq!(plain.log()[0].headers.get("authorization"), None);
}

#[test]
fn commands_give_logins_before_or_after_a_refusal() {
    let scratch = Scratch::new();
    let server = Server::start_tls(routes([(
        "/deep/a",
        vec![Reply::ok("a").only_for("Bearer t").with("X-Hint", "h")],
    )]));
    let url = format!("{}/deep/a", server.url);
    let first = format!("#!/bin/sh\nprintf '{}/deep/\\n\\nAuthorization: Bearer t\\n\\n'\n", server.url);
    scratch.write("first.sh", first.as_bytes());
    // With an address it answers for that address, if it was told about the refusal.
    let later = "[ -n \"$1\" ] || exit 0\nread -r status\n[ \"$status\" = 'HTTP/1.1 401 Unauthorized' ] || exit 1\n\
        printf '%s\\n\\nAuthorization: Bearer t\\n\\n' \"$1\"\n";
    scratch.write("later it.sh", later.as_bytes());
    scratch.write("broken.sh", b"echo no key >&2; exit 1");
    let script = |name: &str| format!("sh '{}'", scratch.path(name).display());
    assert_eq!(get(&url, &[("GOAUTH", &script("first.sh"))]).unwrap(), "a");
    assert_eq!(server.log().len(), 1);
    assert_eq!(get(&url, &[("GOAUTH", &format!("netrc; {}", script("later it.sh")))]).unwrap(), "a");
    assert_eq!(server.log().len(), 3);
    let error = get(&url, &[("GOAUTH", &script("broken.sh"))]).unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(error.help().unwrap().contains("no key"), "{error:?}");
}

#[test]
fn git_gives_logins_after_a_refusal_and_hears_how_it_went() {
    let scratch = Scratch::new();
    let server = Server::start_tls(routes([
        ("/a", vec![Reply::ok("a").only_for("Basic bWU6cHc=")]),
        ("/", vec![Reply::ok("")]),
    ]));
    scratch.write("helper", b"#!/bin/sh\nif [ $1 = get ]; then printf 'username=me\\npassword=pw\\n'; else echo $1 >> \"$0.log\"; fi\n");
    let dir = scratch.path("").to_str().unwrap().to_owned();
    let git = |arguments: &[&str]| {
        std::process::Command::new("git").args(["-C", &dir]).args(arguments).output().unwrap()
    };
    git(&["init", "-q"]);
    git(&["config", "credential.helper", ""]);
    git(&["config", "--add", "credential.helper", &format!("!sh '{dir}helper'")]);
    assert_eq!(get(&format!("{}/a", server.url), &[("GOAUTH", &format!("git {dir}"))]).unwrap(), "a");
    let asked: Vec<_> = server.log().into_iter().map(|asked| (asked.method, asked.path)).collect();
    let expected = [("GET", "/a"), ("HEAD", "/"), ("GET", "/a")];
    assert_eq!(asked, expected.map(|(method, path)| (method.to_owned(), path.to_owned())));
    assert_eq!(std::fs::read_to_string(scratch.path("helper.log")).unwrap(), "store\n");
}

#[test]
fn a_goauth_that_makes_no_sense_is_an_error() {
    for goauth in ["off;netrc", "netrc;", "git", "git relative", "git /none/such", "cmd 'open"] {
        assert_eq!(
            get("https://localhost/", &[("GOAUTH", goauth)]).unwrap_err().kind,
            Kind::Settings,
            "{goauth}"
        );
    }
}

#[test]
fn files_are_read_like_servers() {
    let scratch = Scratch::new();
    scratch.write("a b", b"text");
    let url = |name: &str| {
        format!("file://{}/{name}", scratch.path("").display().to_string().trim_end_matches('/'))
    };
    assert_eq!(get(&url("a%20b"), &[]).unwrap(), "text");
    let missing = get(&url("c"), &[]).unwrap_err();
    assert!(missing.is_absent && missing.to_string().ends_with("no such file or directory"), "{missing}");
}

#[test]
fn unknown_authorities_have_help() {
    let server = Server::start_tls(Routes::new());
    let env = Env::of(&[("SSL_CERT_FILE", &ca().replace("ca.crt", "other.crt"))], Path::new("/"));
    let client = Client::new(env.clone(), Limits::default());
    let web = Web::new(&client, Auth::of(&Settings::read(&env)).unwrap(), Duration::ZERO);
    let error = web.bytes(&Url::parse(&server.url).unwrap(), MAX).unwrap_err();
    assert!(error.help().unwrap().contains("SSL_CERT_FILE"), "{error}");
}
