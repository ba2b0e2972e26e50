//! One blob to a registry: POST opens an upload, PATCH carries the bytes, PUT names the digest.
//!
//! A small blob goes with the PUT. After a failure the registry is asked how far it got, and the next
//! PATCH goes on there. A 413 means a proxy that refuses long requests: then it is many short ones.
//! See the OCI distribution-spec, "Pushing blobs".

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use oci::{Descriptor, Digest};
use ureq::http::Method;

use crate::auth::percent;
use crate::error::{Error, Kind, Result};
use crate::http::{self, Body, Response};
use crate::pull::Progress;
use crate::registries::Endpoint;
use crate::session::{Ask, Session, join};

/// Up to here a PATCH of its own costs more than sending all of it again after a failure.
const SMALL: u64 = 1 << 20;
/// What proxies are known to let through, tried when a whole blob fails again and again.
const MODEST: u64 = 32 << 20;
/// No proxy refuses less.
const LEAST: u64 = 1 << 20;

/// What is said of bytes that came.
const TAKEN: [u16; 3] = [201, 202, 204];

/// Opens a blob at its start.
pub(crate) type Open<'a> = &'a dyn Fn() -> Result<Box<dyn Read + Send + 'a>>;

/// The repository that uploads go to.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub session: &'a Session,
    pub at: &'a Endpoint,
    pub scopes: &'a [String],
}

/// A blob on its way.
pub(crate) struct Upload<'a> {
    pub way: Way<'a>,
    pub blob: &'a Descriptor,
    pub open: Open<'a>,
    pub progress: &'a dyn Progress,
}

/// What the registry calls the upload, and how much of it it has.
pub(crate) struct Started {
    url: String,
    pub(crate) offset: u64,
    least_chunk: u64,
    /// Whether its bytes went before anybody knew what they would come to.
    pub(crate) ahead: bool,
}

impl Started {
    /// Of the answer to a POST.
    pub(crate) fn of(asked: &str, answer: &Response) -> Result<Started> {
        let missing = || Error::new(Kind::Corrupt, "the registry opened an upload, but didn't say where");
        let url = join(asked, http::header(answer, "location").ok_or_else(missing)?);
        let least = http::header(answer, "oci-chunk-min-length").and_then(|n| n.parse().ok());
        Ok(Started { url, offset: 0, least_chunk: least.unwrap_or(0), ahead: false })
    }
}

impl Way<'_> {
    /// Whether the repository has a blob.
    pub(crate) fn has(&self, digest: &Digest) -> Result<bool> {
        let url = self.session.url(self.at, &format!("blobs/{digest}"))?;
        let head = Ask::new(Method::HEAD, &url, self.scopes);
        let answer = self.session.call(self.at, &head, None, &[200, 404, 405])?;
        if answer.status() != 405 {
            return Ok(answer.status() == 200);
        }
        // Some registries and proxies know no HEAD; the body of a GET needn't be read.
        let get = Ask::new(Method::GET, &url, self.scopes).with("range", "bytes=0-0");
        self.session.call(self.at, &get, None, &[200, 206, 404, 416]).map(|answer| answer.status() != 404)
    }

    /// Opens an upload.
    pub(crate) fn start(&self) -> Result<Started> {
        let url = self.session.url(self.at, "blobs/uploads/")?;
        let ask = Ask::new(Method::POST, &url, self.scopes);
        Started::of(&url, &self.session.call(self.at, &ask, None, &[202])?)
    }

    /// Sends bytes as they come, up to the reader's end. Whoever gives them counts them in `sent`.
    pub(crate) fn carry(&self, started: &mut Started, bytes: &mut dyn Read, sent: &AtomicU64) -> Result<()> {
        let url = started.url.clone();
        let answer = self.once(&self.bytes(Method::PATCH, &url), &mut Body::Chunked(bytes), &TAKEN)?;
        started.offset = sent.load(Ordering::Relaxed);
        started.moved(&answer);
        Ok(())
    }

    /// A request that carries bytes.
    fn bytes<'b>(&'b self, method: Method, url: &'b str) -> Ask<'b> {
        Ask::new(method, url, self.scopes).with("content-type", "application/octet-stream")
    }

    fn once(&self, ask: &Ask<'_>, body: &mut Body<'_>, good: &[u16]) -> Result<Response> {
        let answer = self.session.once(self.at, ask, body)?;
        self.session.expect(self.at, answer, good)
    }

    /// Asks how far an upload got; nothing if the registry won't say.
    pub(crate) fn ask(&self, mut started: Started) -> Option<Started> {
        let url = started.url.clone();
        let ask = Ask::new(Method::GET, &url, self.scopes);
        let answer = self.session.call(self.at, &ask, None, &[200, 202, 204]).ok()?;
        started.offset = 0;
        started.moved(&answer);
        Some(started)
    }

    /// Tells the registry that no more will come. It forgets uploads by itself in the end, so this may fail.
    pub(crate) fn give_up(&self, started: &Started) {
        let ask = Ask::new(Method::DELETE, &started.url, self.scopes);
        let _ = self.session.once(self.at, &ask, &mut Body::None);
    }
}

/// What changes from attempt to attempt.
struct State {
    started: Option<Started>,
    chunk: Option<u64>,
    sent: u64,
    failures: u32,
    reauthorized: bool,
}

impl Upload<'_> {
    /// Uploads, and returns how many bytes were sent.
    pub(crate) fn run(&self, started: Option<Started>) -> Result<u64> {
        let chunk = self.way.session.options.chunk;
        let sent = started.as_ref().map_or(0, |started| started.offset);
        let mut state = State { started, chunk, sent, failures: 0, reauthorized: false };
        loop {
            match self.attempt(&mut state) {
                Ok(()) => return Ok(state.sent),
                Err(error) => self.prepare_another(&mut state, error)?,
            }
        }
    }

    fn attempt(&self, state: &mut State) -> Result<()> {
        let mut started = match state.started.take() {
            Some(started) => started,
            // A PUT whose answer was lost may have been heard.
            None if state.failures > 0 && self.way.has(&self.blob.digest)? => return Ok(()),
            None => self.way.start()?,
        };
        let sent = self.send_rest(&mut started, state);
        state.started = Some(started);
        sent
    }

    fn send_rest(&self, started: &mut Started, state: &mut State) -> Result<()> {
        if started.offset == 0 && self.blob.size <= SMALL.min(state.chunk.unwrap_or(SMALL)) {
            let mut reader = self.reader(0, self.blob.size)?;
            self.finish(started, &mut Body::Stream(&mut reader, self.blob.size))?;
            state.sent += self.blob.size;
            return Ok(());
        }
        while started.offset < self.blob.size {
            let before = started.offset;
            self.patch(started, state.chunk)?;
            state.sent += started.offset.saturating_sub(before);
            state.reauthorized = false;
        }
        self.finish(started, &mut Body::None)
    }

    /// Sends the next part, all that is left unless in chunks.
    fn patch(&self, started: &mut Started, chunk: Option<u64>) -> Result<()> {
        let left = self.blob.size - started.offset;
        let length = chunk.map_or(left, |chunk| chunk.max(started.least_chunk).min(left));
        let end = started.offset + length;
        let url = started.url.clone();
        let mut ask = self.way.bytes(Method::PATCH, &url);
        if length < self.blob.size {
            ask = ask.with("content-range", format!("{}-{}", started.offset, end - 1));
        }
        let mut reader = self.reader(started.offset, length)?;
        let answer = self.way.once(&ask, &mut Body::Stream(&mut reader, length), &TAKEN)?;
        started.offset = end;
        started.moved(&answer);
        Ok(())
    }

    /// Names the digest, with the bytes if they weren't sent before.
    fn finish(&self, started: &Started, body: &mut Body<'_>) -> Result<()> {
        let separator = if started.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}digest={}", started.url, percent(&self.blob.digest.to_string()));
        self.way.once(&self.way.bytes(Method::PUT, &url), body, &[200, 201, 204]).map(drop)
    }

    fn reader(&self, offset: u64, length: u64) -> Result<Counted<'_>> {
        let mut inner = (self.open)()?;
        let skipped = io::copy(&mut (&mut inner).take(offset), &mut io::sink());
        skipped.map_err(|e| Error::io("read it", &e))?;
        Ok(Counted { inner: inner.take(length), position: offset, blob: self.blob, progress: self.progress })
    }

    /// After a failure: passes it on, or makes the state ready for the next attempt.
    fn prepare_another(&self, state: &mut State, error: Error) -> Result<()> {
        // A token may end while a stream is sent; the next request has a new one.
        let reauthorize = error.status == Some(401) && !state.reauthorized;
        state.reauthorized |= reauthorize;
        let too_long = error.status == Some(413) && self.shorten(state);
        let lost = state.started.as_ref().is_some_and(|started| started.is_lost(&error));
        if !(reauthorize || too_long || lost || error.may_pass()) {
            return Err(error);
        }
        if !(reauthorize || too_long) {
            state.failures += 1;
            if state.failures >= self.way.session.options.attempts {
                return Err(error);
            }
            self.way.session.wait(state.failures, &error);
        }
        self.find_out(state, lost || too_long);
        Ok(())
    }

    /// Makes chunks shorter, if that is possible.
    fn shorten(&self, state: &mut State) -> bool {
        let now = state.chunk.unwrap_or(self.blob.size).min(self.blob.size);
        state.chunk = Some((now / 4).clamp(LEAST, MODEST));
        now > LEAST
    }

    /// Asks how far the upload got. If the registry doesn't know it any more, it starts again.
    fn find_out(&self, state: &mut State, start_again: bool) {
        let Some(started) = state.started.take().filter(|_| !start_again) else { return };
        let before = started.offset;
        let Some(started) = self.way.ask(started) else { return };
        if started.offset > self.blob.size {
            return;
        }
        if started.offset > before {
            state.sent += started.offset - before;
            state.failures = 0;
        } else if state.failures >= 2 && state.chunk.is_none() {
            // Nothing arrives: perhaps a proxy hangs up on long requests without a word.
            state.chunk = Some(MODEST);
        }
        state.started = Some(started);
    }
}

impl Started {
    /// Whether to go on with it is of no use. What went ahead is never the reason why a blob can't be sent.
    fn is_lost(&self, error: &Error) -> bool {
        matches!(error.status, Some(404 | 416)) || (self.ahead && !error.may_pass())
    }

    /// Takes the upload's new address and length from an answer.
    fn moved(&mut self, answer: &Response) {
        if let Some(location) = http::header(answer, "location") {
            self.url = join(&self.url, location);
        }
        let range = http::header(answer, "range").unwrap_or_default();
        let last =
            range.trim_start_matches("bytes=").split_once('-').and_then(|(_, last)| last.parse::<u64>().ok());
        // `0-0` is what registries say of an empty upload. If it was one byte, a 416 will say so.
        if let Some(last) = last.filter(|_| !range.is_empty()) {
            self.offset = if last == 0 { 0 } else { last + 1 };
        }
    }
}

/// Tells how far it was read.
struct Counted<'a> {
    inner: io::Take<Box<dyn Read + Send + 'a>>,
    position: u64,
    blob: &'a Descriptor,
    progress: &'a dyn Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.position += count as u64;
        self.progress.at(self.blob, self.position);
        Ok(count)
    }
}
