//! An address to what is there: credentials, redirects, retries, and the server's own words when it
//! refuses.
//!
//! Redirects are followed up to ten times, never from https to http, and credentials stay with the host
//! that they are for. Knows nothing of modules.

use std::fs::File;
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use transport::http::{Body, Method, Request, Response, header};
use transport::{Client, Kind as Trouble};

use crate::auth::{Auth, Headers, Refusal};
use crate::error::{Error, Kind, Result, cause};
use crate::url::{Scheme, Url};

const MAX_REDIRECTS: usize = 10;
const RETRIES: u32 = 3;
/// A server that wants us to come back later than this has refused.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Of an error's text, this much is read and a line of it shown.
const MAX_ERROR: u64 = 4 << 10;

/// Asks servers, and files in their place.
pub(crate) struct Web<'a> {
    client: &'a Client,
    auth: Auth,
    backoff: Duration,
}

/// What an address has.
pub(crate) struct Answer {
    /// To be read to its end.
    pub body: Box<dyn Read>,
    /// How long it is, if the server says so.
    pub length: Option<u64>,
}

impl<'a> Web<'a> {
    /// `backoff` is the wait before the second try; it doubles each time.
    pub(crate) fn new(client: &'a Client, auth: Auth, backoff: Duration) -> Web<'a> {
        Web { client, auth, backoff }
    }

    /// At most `max` bytes of an address, with retries.
    ///
    /// # Errors
    /// If there is another answer than 200, none, or more bytes.
    pub(crate) fn bytes(&self, url: &Url, max: u64) -> Result<Vec<u8>> {
        self.patiently(|| {
            let mut bytes = Vec::new();
            self.open(url)?
                .body
                .take(max + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| broken(&url.host, &cause(&e)))?;
            if bytes.len() as u64 > max {
                return Err(Error::new(Kind::Network, format!("`{}` sent more than {max} bytes", url.host)));
            }
            Ok(bytes)
        })
    }

    /// What an address has. One try; redirects are followed.
    ///
    /// # Errors
    /// If there is another answer than 200, or none.
    pub(crate) fn open(&self, url: &Url) -> Result<Answer> {
        if url.scheme == Scheme::File {
            return open_file(url);
        }
        let mut response = self.send(url)?;
        if response.status().is_client_error() {
            let probe = |address: &str, headers: &Headers| self.probe(address, headers);
            if self.auth.ask_again(url, &refusal(&response), probe) {
                response = self.send(url)?;
            }
        }
        if response.status().as_u16() != 200 {
            return Err(self.refused(url, &mut response));
        }
        let length = header(&response, "content-length").and_then(|length| length.parse().ok());
        Ok(Answer { body: Box::new(response.into_body().into_reader()), length })
    }

    /// Repeats what failed for a reason that may pass.
    pub(crate) fn patiently<T>(&self, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut wait = self.backoff;
        for _ in 0..RETRIES {
            match attempt() {
                Err(Error { again: Some(at_least), .. }) if at_least <= LONGEST_WAIT => {
                    thread::sleep(wait.max(at_least))
                }
                done => return done,
            }
            wait *= 2;
        }
        attempt()
    }

    fn send(&self, url: &Url) -> Result<Response> {
        let mut url = url.clone();
        let mut headers = self.auth.headers(&url);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.once(Method::GET, &url, &headers)?;
            let Some(location) = redirect(&response) else { return Ok(response) };
            let next = follow(&url, location)?;
            if (&next.host, next.scheme) != (&url.host, url.scheme) {
                headers.clear();
            }
            url = next;
        }
        Err(Error::new(Kind::Network, format!("`{}` redirects without end", url.host)))
    }

    fn once(&self, method: Method, url: &Url, headers: &Headers) -> Result<Response> {
        let headers = headers.iter().map(|(name, value)| (&**name, value.clone())).collect();
        let address = url.to_string();
        let request = Request { method, url: &address, headers, body: Body::None };
        self.client.send(request, &transport::tls::Tls::default()).map_err(explain)
    }

    fn probe(&self, address: &str, headers: &Headers) -> Option<u16> {
        let url = Url::parse(address).ok()?;
        self.once(Method::HEAD, &url, headers).ok().map(|response| response.status().as_u16())
    }

    fn refused(&self, url: &Url, response: &mut Response) -> Error {
        let error = refused(&url.host, response);
        match self.auth.troubles() {
            Some(troubles) if response.status().is_client_error() => {
                error.or_help(format!("no login was found: {troubles}"))
            }
            _ => error,
        }
    }
}

fn redirect(response: &Response) -> Option<&str> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        .then(|| header(response, "location"))
        .flatten()
}

/// Where a redirect leads, if it may lead there.
fn follow(from: &Url, location: &str) -> Result<Url> {
    let refuse = |why: &str| {
        Error::new(Kind::Network, format!("`{}` redirects to where we don't go: {why}", from.host))
    };
    let to = from.follow(location).map_err(refuse)?;
    match (from.scheme, to.scheme) {
        (_, Scheme::File) => Err(refuse("a file")),
        (Scheme::Https, Scheme::Http) => Err(refuse("from https to http")),
        _ => Ok(to),
    }
}

fn refusal(response: &Response) -> Refusal {
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Refusal { status: response.status().to_string(), headers: headers.collect() }
}

/// Another answer than 200 as an error.
fn refused(host: &str, response: &mut Response) -> Error {
    let status = response.status();
    let kind = match status.as_u16() {
        // A proxy that may not hand out a version says 403.
        403 | 404 | 410 => Kind::NotFound,
        401 | 407 => Kind::Denied,
        _ => Kind::Network,
    };
    let said = said(response).map(|said| format!(": {said}")).unwrap_or_default();
    let mut error = Error::new(kind, format!("`{host}` answered {status}{said}"));
    error.is_absent = matches!(status.as_u16(), 404 | 410);
    error.again = (status.as_u16() == 429 || status.is_server_error()).then(|| retry_after(response));
    error
}

fn retry_after(response: &Response) -> Duration {
    let seconds = header(response, "retry-after").and_then(|text| text.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}

/// The first line of a plain text, if it is fit for a terminal.
fn said(response: &mut Response) -> Option<String> {
    let content_type = header(response, "content-type")?.to_ascii_lowercase();
    if content_type.split(';').next()?.trim() != "text/plain" {
        return None;
    }
    let mut bytes = Vec::new();
    response.body_mut().as_reader().take(MAX_ERROR).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.trim().lines().next()?.trim_end();
    let is_harmless =
        !line.is_empty() && !line.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
    is_harmless.then(|| line.chars().take(200).collect())
}

fn open_file(url: &Url) -> Result<Answer> {
    let path = url.file();
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((facts, file)) => Ok(Answer { body: Box::new(file), length: Some(facts.len()) }),
        Err(e) => Err(no_file(&path.display().to_string(), &e)),
    }
}

fn no_file(path: &str, error: &io::Error) -> Error {
    let is_absent = error.kind() == io::ErrorKind::NotFound;
    let kind = if is_absent { Kind::NotFound } else { Kind::File };
    Error { is_absent, ..Error::new(kind, format!("read `{path}`: {}", cause(error))) }
}

fn broken(host: &str, why: &str) -> Error {
    Error { again: Some(Duration::ZERO), ..Error::new(Kind::Network, format!("talk to `{host}`: {why}")) }
}

fn explain(error: transport::Error) -> Error {
    let kind = if error.kind == Trouble::Config { Kind::Settings } else { Kind::Network };
    let again = (error.kind == Trouble::Broken).then_some(Duration::ZERO);
    let ours = Error { again, ..Error::new(kind, error.message) };
    match error.hint {
        Some(hint) if hint.contains("SSL_CERT_FILE") => {
            ours.or_help("set SSL_CERT_FILE to a file with the certificate of the server's CA")
        }
        _ => ours,
    }
}

#[cfg(test)]
mod tests;
