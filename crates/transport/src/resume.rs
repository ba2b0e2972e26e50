//! A blob's bytes over connections that break: each new one asks for the rest, at the next host if need be.
//!
//! Gives what the hosts send and counts it; `Verified` around it finds out whether it was right. Two hosts'
//! parts fit together, as a digest names the same bytes everywhere.

use std::io::{self, Read};
use std::sync::Arc;

use oci::Descriptor;
use ureq::http::Method;

use crate::error::{Error, Kind, Result, cause};
use crate::http::{self, Body, Response};
use crate::registries::Endpoint;
use crate::registry::pull_scope;
use crate::session::{Ask, Session};

/// Progress that makes earlier failures not count: a proxy may cut every connection after a while.
const FORGIVING: u64 = 1 << 20;

pub(crate) struct Resume {
    session: Arc<Session>,
    endpoints: Vec<Endpoint>,
    image: String,
    blob: Descriptor,
    position: u64,
    failures: u32,
    counted_from: u64,
    stream: Option<ureq::BodyReader<'static>>,
}

impl Resume {
    pub(crate) fn new(
        session: Arc<Session>,
        endpoints: Vec<Endpoint>,
        image: String,
        blob: Descriptor,
    ) -> Resume {
        Resume { session, endpoints, image, blob, position: 0, failures: 0, counted_from: 0, stream: None }
    }

    fn failed(&self, error: Error) -> io::Error {
        error.during(format_args!("pull `{}`: blob {}", self.image, self.blob.digest)).into()
    }

    /// Opens the rest of the blob at the first host that gives it. A host that does not is not asked again
    /// unless it is the last.
    fn open(&mut self) -> Result<ureq::BodyReader<'static>> {
        loop {
            match self.open_at(&self.endpoints[0]) {
                Err(_) if self.endpoints.len() > 1 => drop(self.endpoints.remove(0)),
                done => return done,
            }
        }
    }

    fn open_at(&self, at: &Endpoint) -> Result<ureq::BodyReader<'static>> {
        let url = self.session.url(at, &format!("blobs/{}", self.blob.digest))?;
        let scopes = [pull_scope(&at.repository)];
        let mut ask = Ask::new(Method::GET, &url, &scopes);
        if self.position > 0 {
            ask = ask.with("range", format!("bytes={}-", self.position));
        }
        let answer = self.session.once(at, &ask, &mut Body::None)?;
        let answer = self.session.expect(at, answer, &[200, 206])?;
        let skip = self.position - self.start_of(&answer)?;
        let mut stream = answer.into_body().into_reader();
        let skipped = io::copy(&mut (&mut stream).take(skip), &mut io::sink()).map_err(|e| broken(&e))?;
        if skipped == skip { Ok(stream) } else { Err(Error::new(Kind::Broken, "the connection broke")) }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open()?,
        };
        let left = usize::try_from(self.blob.size - self.position).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let count = stream.read(&mut buffer[..room]).map_err(|e| broken(&e))?;
        if count == 0 {
            let why = format!("it ends after {} of {} bytes", self.position, self.blob.size);
            return Err(Error::new(Kind::Broken, why));
        }
        self.position += count as u64;
        self.stream = Some(stream);
        Ok(count)
    }

    /// Where in the blob an answer starts; a host may ignore ranges.
    fn start_of(&self, answer: &Response) -> Result<u64> {
        if answer.status() != 206 {
            return Ok(0);
        }
        let range = http::header(answer, "content-range").unwrap_or_default();
        let start =
            range.strip_prefix("bytes ").and_then(|r| r.split('-').next()).and_then(|n| n.parse().ok());
        let start = start.filter(|&start| start <= self.position);
        start.ok_or_else(|| {
            Error::new(Kind::Corrupt, format!("asked from byte {}, got `{range}`", self.position))
        })
    }

    /// Counts a failure; an error if there were too many in a row.
    fn give_up_or_wait(&mut self, error: Error) -> io::Result<()> {
        self.stream = None;
        if self.position - self.counted_from >= FORGIVING {
            self.failures = 0;
        }
        self.counted_from = self.position;
        self.failures += 1;
        if self.failures >= self.session.options.attempts {
            return Err(self.failed(error));
        }
        // Another host may do better than this one.
        let tried = self.endpoints.remove(0);
        self.endpoints.push(tried);
        self.session.wait(self.failures, &error);
        Ok(())
    }
}

impl Read for Resume {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.blob.size {
            return Ok(0);
        }
        loop {
            match self.read_some(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.may_pass() => self.give_up_or_wait(error)?,
                Err(error) => return Err(self.failed(error)),
            }
        }
    }
}

fn broken(error: &io::Error) -> Error {
    Error::new(Kind::Broken, format!("the connection broke ({})", cause(error)))
}
