//! A blob's bytes to a registry while they are being made, when nobody knows its length and digest yet.
//!
//! An upload has no name before its end: POST opens it, and a PATCH in HTTP's chunked coding carries what comes, as
//! Docker's own push has always done it. The push that wants the blob takes the upload over: it names the digest, goes
//! on where the connection broke, or gives it up since the registry has the blob. Nothing that goes wrong here is an
//! error: then the push sends the blob as if this hadn't been, and says what is wrong.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oci::{Descriptor, Digest, Reference};

use crate::pull::Progress;
use crate::push::push_scope;
use crate::registries::Endpoint;
use crate::registry::Registry;
use crate::session::Session;
use crate::upload::{Started, Way};

/// How often a push that waits for the last bytes says how far they are.
const BEAT: Duration = Duration::from_millis(100);
/// How long a push waits for the end of an upload that is of no use: the registry is told, but nothing hangs on it.
const FAREWELL: Duration = Duration::from_secs(5);

/// What has begun and whose digest is known, and how many are on their way.
#[derive(Default, Debug)]
pub(crate) struct Begun {
    known: Mutex<HashMap<Key, Ahead>>,
    running: AtomicUsize,
}

/// Host, repository, digest.
type Key = (String, String, Digest);

/// An upload of a blob that may not be whole yet. If it is dropped, nothing more is sent.
#[derive(Debug)]
pub struct Ahead {
    at: Endpoint,
    state: Arc<State>,
    end: Receiver<Option<Started>>,
}

#[derive(Default, Debug)]
struct State {
    sent: AtomicU64,
    given_up: AtomicBool,
}

impl Registry {
    /// Begins to upload a blob that is still being written to the repository of `target`: all that `bytes` will give.
    /// Nothing if that can't be or is of no use. Returns at once.
    pub fn upload_ahead(&self, target: &Reference, bytes: impl Read + Send + 'static) -> Option<Ahead> {
        let session = self.session.clone();
        let at = session.registries.push_endpoint(target).ok()?;
        // Whoever wants chunks has a proxy that lets nothing long through.
        if session.options.chunk.is_some() || !session.begun.may_run(session.options.uploads) {
            return None;
        }
        let (tell, end) = channel();
        let state = Arc::new(State::default());
        let bytes = Watched { inner: bytes, state: state.clone(), failed: false };
        let there = at.clone();
        thread::spawn(move || {
            let started = carry(&session, &there, bytes);
            session.begun.running.fetch_sub(1, Ordering::SeqCst);
            // Nobody may want it any more.
            let _ = tell.send(started);
        });
        Some(Ahead { at, state, end })
    }

    /// Says what a blob has become: the next push of it to that repository takes the upload over.
    pub fn went_ahead(&self, ahead: Ahead, digest: Digest) {
        let mut known = self.session.begun.known.lock().expect("no holder panics");
        known.insert(key(&ahead.at, digest), ahead);
    }
}

impl Begun {
    fn may_run(&self, most: usize) -> bool {
        let more = |running| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    /// The upload of a blob to a repository, if there is one.
    pub(crate) fn take(&self, at: &Endpoint, digest: &Digest) -> Option<Ahead> {
        self.known.lock().expect("no holder panics").remove(&key(at, *digest))
    }
}

fn key(at: &Endpoint, digest: Digest) -> Key {
    (at.host.clone(), at.repository.clone(), digest)
}

impl Ahead {
    /// Waits for the bytes that are still on their way. The upload, with as much as the registry has of it.
    pub(crate) fn taken_over(
        self,
        way: Way<'_>,
        blob: &Descriptor,
        progress: &dyn Progress,
    ) -> Option<Started> {
        let mut started = loop {
            match self.end.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => {
                    progress.at(blob, self.state.sent.load(Ordering::Relaxed).min(blob.size));
                }
                end => break end.ok().flatten()?,
            }
        };
        if started.offset != blob.size {
            started = way.ask(started)?;
        }
        started.ahead = true;
        (started.offset <= blob.size).then_some(started)
    }

    /// Tells the registry that no more will come.
    pub(crate) fn give_up(self, way: Way<'_>) {
        self.state.given_up.store(true, Ordering::SeqCst);
        // If the thread was through, it hasn't seen that.
        if let Ok(Some(started)) = self.end.recv_timeout(FAREWELL) {
            way.give_up(&started);
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.state.given_up.store(true, Ordering::SeqCst);
    }
}

/// What was opened, whether or not all bytes went there; nothing if it is over.
fn carry(session: &Session, at: &Endpoint, mut bytes: Watched<impl Read>) -> Option<Started> {
    let scopes = [push_scope(&at.repository)];
    let way = Way { session, at, scopes: &scopes };
    let mut started = way.start().ok()?;
    let state = bytes.state.clone();
    let carried = way.carry(&mut started, &mut bytes, &state.sent);
    if (carried.is_err() && bytes.failed) || state.given_up.load(Ordering::SeqCst) {
        way.give_up(&started);
        return None;
    }
    Some(started)
}

/// Bytes that end with an error when the upload is of no use any more.
struct Watched<R> {
    inner: R,
    state: Arc<State>,
    failed: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let given_up = self.state.given_up.load(Ordering::SeqCst);
        let read = if given_up { Err(io::Error::other("given up")) } else { self.inner.read(buffer) };
        self.failed |= read.is_err();
        self.state.sent.fetch_add(*read.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
        read
    }
}
