//! One request to a registry until its answer counts: scheme, credentials, redirects, retries, and the
//! registry's own words when it refuses.
//!
//! See the OCI distribution-spec, "Error Codes". Knows nothing of images.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{Method, StatusCode};

use crate::ahead::Begun;
use crate::auth::Auth;
use crate::error::{Error, Kind, Result};
use crate::http::{self, Body, Client, Limits, Request, Response};
use crate::registries::{Endpoint, Registries, Scheme};
use crate::tls::Tls;

const MAX_REDIRECTS: usize = 5;
const MAX_ERROR: u64 = 64 << 10;
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Knobs. The defaults suit people; tests want less patience.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Timeouts.
    pub limits: Limits,
    /// Blobs that are uploaded at the same time.
    pub uploads: usize,
    /// How often a transfer may fail in a row.
    pub attempts: u32,
    /// The wait before the second attempt; doubles each time.
    pub backoff: Duration,
    /// Cuts uploads into requests of this many bytes, for a proxy that refuses long ones. Without it a
    /// blob is one request, until a 413 says otherwise.
    pub chunk: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        let (limits, backoff) = (Limits::default(), Duration::from_millis(500));
        Options { limits, uploads: 3, attempts: 5, backoff, chunk: None }
    }
}

/// Everything requests have in common.
#[derive(Debug)]
pub(crate) struct Session {
    pub client: Client,
    pub auth: Auth,
    pub registries: Registries,
    pub options: Options,
    pub begun: Begun,
    schemes: Mutex<HashMap<String, &'static str>>,
}

/// A request, but for its body.
pub(crate) struct Ask<'a> {
    pub method: Method,
    pub url: &'a str,
    pub scopes: &'a [String],
    pub headers: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, url: &'a str, scopes: &'a [String]) -> Ask<'a> {
        Ask { method, url, scopes, headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Ask<'a> {
        self.headers.push((name, value.into()));
        self
    }
}

impl Session {
    pub(crate) fn new(client: Client, auth: Auth, registries: Registries, options: Options) -> Session {
        Session { client, auth, registries, options, begun: Begun::default(), schemes: Mutex::default() }
    }

    /// The address of `/v2/<repository>/<tail>`, or of `/v2/` for a registry as such.
    pub(crate) fn url(&self, at: &Endpoint, tail: &str) -> Result<String> {
        let scheme = self.scheme(at)?;
        let repository = if at.repository.is_empty() { String::new() } else { format!("{}/", at.repository) };
        Ok(format!("{scheme}://{}/v2/{repository}{tail}", at.host))
    }

    /// Asks until the answer has one of the statuses in `good`, or no further try would help.
    pub(crate) fn call(
        &self,
        at: &Endpoint,
        ask: &Ask<'_>,
        body: Option<&[u8]>,
        good: &[u16],
    ) -> Result<Response> {
        self.patiently(|| {
            let answer = self.once(at, ask, &mut body.map_or(Body::None, Body::Bytes))?;
            self.expect(at, answer, good)
        })
    }

    /// Passes an answer on if its status is one of `good`, else makes it an error.
    pub(crate) fn expect(&self, at: &Endpoint, mut answer: Response, good: &[u16]) -> Result<Response> {
        if good.contains(&answer.status().as_u16()) {
            return Ok(answer);
        }
        let error = failure(&mut answer);
        Err(if error.kind == Kind::Denied { error.hint(self.auth.advice(at)) } else { error })
    }

    /// Repeats what failed for a reason that may pass.
    pub(crate) fn patiently<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut failures = 0;
        loop {
            match attempt() {
                Err(error) if error.may_pass() && failures + 1 < self.options.attempts => {
                    failures += 1;
                    self.wait(failures, &error);
                }
                done => return done,
            }
        }
    }

    /// Waits before the attempt after `failures` failures.
    pub(crate) fn wait(&self, failures: u32, error: &Error) {
        let own = self.options.backoff * 2u32.saturating_pow(failures.saturating_sub(1).min(8));
        thread::sleep(error.retry_after.unwrap_or(own).min(LONGEST_WAIT));
    }

    /// Asks once; again only with better credentials, or elsewhere if redirected. A stream can't be sent
    /// again: its 401 is returned, and the next request has the credentials.
    pub(crate) fn once(&self, at: &Endpoint, ask: &Ask<'_>, body: &mut Body<'_>) -> Result<Response> {
        let mut url = ask.url.to_owned();
        let (mut redirects, mut challenged) = (0, false);
        loop {
            let at_home = authority(&url) == at.host;
            let answer = self.send(at, ask, &url, at_home, body)?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED && at_home && !challenged {
                challenged = self.auth.learn(&self.client, at, &answer, ask.scopes)?;
                if challenged && !body.is_stream() {
                    continue;
                }
            }
            let may_follow = matches!(ask.method, Method::GET | Method::HEAD) && status.is_redirection();
            match http::header(&answer, "location").filter(|_| may_follow && redirects < MAX_REDIRECTS) {
                Some(location) => url = join(&url, location),
                None => return Ok(answer),
            }
            redirects += 1;
        }
    }

    fn send(
        &self,
        at: &Endpoint,
        ask: &Ask<'_>,
        url: &str,
        at_home: bool,
        body: &mut Body<'_>,
    ) -> Result<Response> {
        let mut headers = ask.headers.clone();
        if !at_home {
            let tls = Tls::of_host(self.client.env(), authority(url));
            return self
                .client
                .send(Request { method: ask.method.clone(), url, headers, body: body.again() }, &tls);
        }
        let own = self.auth.header(&self.client, at, ask.scopes)?;
        headers.extend(own.map(|value| ("authorization", value)));
        self.client.send(Request { method: ask.method.clone(), url, headers, body: body.again() }, &at.tls)
    }

    fn scheme(&self, at: &Endpoint) -> Result<&'static str> {
        if at.scheme == Scheme::Https {
            return Ok("https");
        }
        let known = self.schemes.lock().expect("no holder panics").get(&at.host).copied();
        let scheme = known.map_or_else(|| self.probe(at), Ok)?;
        self.schemes.lock().expect("no holder panics").insert(at.host.clone(), scheme);
        Ok(scheme)
    }

    /// Finds out which scheme a host speaks by asking for `/v2/`.
    fn probe(&self, at: &Endpoint) -> Result<&'static str> {
        let order = if at.scheme == Scheme::PreferHttp { ["http", "https"] } else { ["https", "http"] };
        let mut first = None;
        for scheme in order {
            match self.speaks(at, scheme) {
                Ok(true) => return Ok(scheme),
                Ok(false) => {}
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| {
            Error::new(Kind::Unreachable, format!("`{}` speaks neither https nor http", at.host))
        }))
    }

    fn speaks(&self, at: &Endpoint, scheme: &str) -> Result<bool> {
        let url = format!("{scheme}://{}/v2/", at.host);
        let request = Request { method: Method::GET, url: &url, headers: Vec::new(), body: Body::None };
        let mut answer = self.client.send(request, &at.tls)?;
        if answer.status() != StatusCode::BAD_REQUEST {
            return Ok(true);
        }
        // Go and nginx answer plain HTTP on a TLS port with a 400 that says so.
        let said = http::read_body(&mut answer, MAX_ERROR).unwrap_or_default();
        Ok(!String::from_utf8_lossy(&said).contains("HTTPS"))
    }
}

/// `host[:port]` of a URL.
pub(crate) fn authority(url: &str) -> &str {
    url.split("://").nth(1).unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default()
}

/// A `Location` header seen from the URL that it came for.
pub(crate) fn join(base: &str, location: &str) -> String {
    let scheme = base.split("://").next().unwrap_or_default();
    // `x?then=http://y` is a path.
    if location.split(['/', '?', '#']).next().is_some_and(|start| start.ends_with(':')) {
        return location.to_owned();
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    if location.starts_with('/') {
        return format!("{scheme}://{}{location}", authority(base));
    }
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rfind('/').map_or(path, |at| &path[..=at]);
    format!("{folder}{location}")
}

/// What an answer that is no success says.
pub(crate) fn failure(answer: &mut Response) -> Error {
    let status = answer.status();
    let seconds = http::header(answer, "retry-after").and_then(|s| s.trim().parse().ok());
    let body = http::read_body(answer, MAX_ERROR).unwrap_or_default();
    let mut error = Error::new(kind(status), words(&body).unwrap_or_else(|| status_line(status)));
    error.retry_after = seconds.map(Duration::from_secs);
    error.status = Some(status.as_u16());
    error
}

fn kind(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 | 403 => Kind::Denied,
        404 => Kind::NotFound,
        408 | 429 | 500..=599 => Kind::Busy,
        _ => Kind::Other,
    }
}

/// For an answer without words, which every answer to a HEAD is.
fn status_line(status: StatusCode) -> String {
    match status.as_u16() {
        401 => "unauthorized: authentication required".to_owned(),
        403 => "denied: access to the resource is denied".to_owned(),
        number => format!("it answered {number} {}", status.canonical_reason().unwrap_or_default())
            .trim_end()
            .to_owned(),
    }
}

/// `code: message` of each error in a registry's answer, or the message of a token server's.
fn words(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default)]
        errors: Vec<Item>,
        details: Option<String>,
        error: Option<String>,
        error_description: Option<String>,
        message: Option<String>,
    }
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let wire: Wire = serde_json::from_slice(body).ok()?;
    let item = |e: &Item| {
        let code = e.code.to_ascii_lowercase().replace('_', " ");
        match (code.as_str(), e.message.as_str()) {
            (_, "") => code,
            ("", message) => message.to_owned(),
            (code, message) if code == message => message.to_owned(),
            (code, message) => format!("{code}: {message}"),
        }
    };
    let listed: Vec<String> = wire.errors.iter().map(item).filter(|text| !text.is_empty()).collect();
    let other = wire.details.or(wire.error_description).or(wire.message).or(wire.error);
    let text = if listed.is_empty() { other? } else { listed.join(", ") };
    // A registry's words go to a terminal: one line, no control characters.
    Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_relative_or_not() {
        for (location, expected) in [
            ("/v2/b?c=d", "http://h:1/v2/b?c=d"),
            ("https://o/x", "https://o/x"),
            ("//o/x", "http://o/x"),
            ("x", "http://h:1/v2/a/x"),
            ("x?then=https://o/x", "http://h:1/v2/a/x?then=https://o/x"),
        ] {
            assert_eq!(join("http://h:1/v2/a/u?s=/t", location), expected, "{location}");
        }
        assert_eq!(authority("https://h:1?x"), "h:1");
        assert_eq!(authority("nonsense"), "");
    }

    #[test]
    fn registries_words() {
        let check = |body: &str, expected: Option<&str>| {
            assert_eq!(words(body.as_bytes()).as_deref(), expected, "{body}")
        };
        check(r#"{"errors":[{"code":"DENIED","message":"no\nentry"}]}"#, Some("denied: no entry"));
        check(
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}"#,
            Some("manifest unknown"),
        );
        check(r#"{"errors":[{"code":"A"},{"message":"b"}]}"#, Some("a, b"));
        check(r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password"));
        for nothing in ["", "<html>", "{}", r#"{"errors":[]}"#, r#"{"errors":"x"}"#] {
            check(nothing, None);
        }
    }
}
