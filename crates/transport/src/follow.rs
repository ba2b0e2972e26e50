//! A web address to the answer that it leads to: one GET, redirects followed.
//!
//! Redirects are followed up to ten times, never from https to http, and credentials stay with the host that they
//! are for. For files on any web server; registries have their own rules (see `session`). No retries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::StatusCode;

use crate::error::{Error, Kind, Result};
use crate::http::{self, Body, Client, Method, Request, Response};
use crate::session::{authority, join};
use crate::tls::Tls;

const MAX_REDIRECTS: usize = 10;

/// What is asked for.
#[derive(Default)]
pub struct Get<'a> {
    /// `http://…` or `https://…`, perhaps with a login.
    pub url: &'a str,
    /// Names and values that every server gets.
    pub headers: Vec<(&'a str, String)>,
    /// The `Authorization` for the address's own host, before the address's login.
    pub authorization: Option<String>,
}

/// Asks, and follows. Any status is `Ok`.
///
/// # Errors
/// If a server can't be reached, or redirects to where we don't go. No message shows a login.
pub fn get(client: &Client, get: &Get<'_>) -> Result<Response> {
    let (mut url, login) = without_login(get.url);
    let authorization = get.authorization.clone().or(login);
    let home = origin(&url);
    for _ in 0..=MAX_REDIRECTS {
        let mut headers = get.headers.clone();
        if origin(&url) == home {
            headers.extend(authorization.clone().map(|value| ("authorization", value)));
        }
        let request = Request { method: Method::GET, url: &url, headers, body: Body::None };
        let answer = client.send(request, &Tls::default())?;
        let redirects = answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED;
        match http::header(&answer, "location").filter(|_| redirects) {
            Some(location) => url = next(&url, location)?,
            None => return Ok(answer),
        }
    }
    Err(Error::new(Kind::Other, format!("`{}` redirects without end", authority(&url))))
}

/// Where a redirect leads, if it may lead there.
fn next(from: &str, location: &str) -> Result<String> {
    let refuse = |why: &str| {
        let from = authority(from);
        Err(Error::new(Kind::Other, format!("`{from}` redirects to where we don't go: {why}")))
    };
    if location.chars().any(|c| c.is_control() || c == ' ') {
        return refuse("not an address");
    }
    let (to, _) = without_login(&join(from, location));
    match (scheme(from).as_str(), scheme(&to).as_str()) {
        ("https", "http") => refuse("from https to http"),
        (_, "http" | "https") => Ok(to),
        (_, other) => refuse(&format!("`{other}` is not http or https")),
    }
}

fn scheme(url: &str) -> String {
    url.split("://").next().unwrap_or_default().to_ascii_lowercase()
}

/// Scheme, host and port: who gets credentials.
fn origin(url: &str) -> (String, String) {
    (scheme(url), authority(url).to_ascii_lowercase())
}

/// The address without login and fragment, and the login as a header.
fn without_login(url: &str) -> (String, Option<String>) {
    let url = url.split('#').next().unwrap_or_default();
    let host = authority(url);
    match host.rsplit_once('@') {
        None => (url.to_owned(), None),
        Some((login, rest)) => {
            let login = if login.contains(':') { login.to_owned() } else { format!("{login}:") };
            (url.replacen(host, rest, 1), Some(format!("Basic {}", STANDARD.encode(unescaped(&login)))))
        }
    }
}

/// `%40` and the like as bytes; what is no escape stays.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits =
            (byte == b'%').then(|| after.get(..2)).flatten().and_then(|d| std::str::from_utf8(d).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;

    use super::*;
    use crate::env::Env;
    use crate::http::Limits;

    /// Answers with each text in turn and gives back what it was asked.
    fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let thread = std::thread::spawn(move || {
            let one = |answer: &String| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    asked.push(byte[0]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(asked).unwrap().to_ascii_lowercase()
            };
            answers.iter().map(one).collect()
        });
        (host, thread)
    }

    fn client() -> Client {
        Client::new(Env::of(&[], Path::new("/nonexistent")), Limits::default())
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn to(location: &str) -> String {
        format!(
            "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
        )
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let (other, elsewhere) = serve(vec![ok("x")]);
        let (host, home) = serve(vec![to("/b"), to(&format!("http://{other}/c"))]);
        let url = format!("http://me:p%40@{host}/a#part");
        let mut answer = get(&client(), &Get { url: &url, ..Get::default() }).unwrap();
        assert_eq!(http::read_body(&mut answer, 10).unwrap(), b"x");
        let home = home.join().unwrap();
        assert!(home[0].starts_with("get /a http/1.1") && home[1].starts_with("get /b"), "{home:?}");
        assert!(home.iter().all(|asked| asked.contains("authorization: basic bwu6cea=")), "{home:?}");
        assert!(!elsewhere.join().unwrap()[0].contains("authorization"));
    }

    #[test]
    fn redirects_end() {
        let (host, thread) = serve(vec![to("/again"); 11]);
        let error = get(&client(), &Get { url: &format!("http://{host}/"), ..Get::default() }).unwrap_err();
        assert!(error.message.ends_with("redirects without end"), "{error}");
        assert_eq!(thread.join().unwrap().len(), 11);
    }

    #[test]
    fn where_redirects_may_lead() {
        for (from, location, expected) in [
            ("https://a/x/y", "z?q", Some("https://a/x/z?q")),
            ("http://a/x", "https://b/", Some("https://b/")),
            ("http://a/x", "//u:p@b/y#f", Some("http://b/y")),
            ("https://a/x", "http://a/x", None),
            ("https://a/x", "HTTP://a/x", None),
            ("http://a/x", "file:///etc/passwd", None),
            ("http://a/x", "ftp://b/", None),
            ("http://a/x", "http://b/\u{1}", None),
        ] {
            assert_eq!(next(from, location).ok().as_deref(), expected, "{from} {location}");
        }
    }
}
