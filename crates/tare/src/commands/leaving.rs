//! An image on its way out of the store: compressed as it leaves, and readable until the user has had enough.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Voice;
use oci::{Blobs, Descriptor, Tagged};
use store::{Store, Stored};

use crate::failure::Failure;
use crate::signals;

/// The store's blobs until Ctrl-C; what is unfinished then goes as after any error.
pub struct Leaving<'a> {
    store: &'a Store,
    stop: Arc<AtomicBool>,
}

impl<'a> Leaving<'a> {
    /// Listens for signals from now on.
    pub fn new(store: &'a Store) -> Leaving<'a> {
        Leaving { store, stop: signals::listen() }
    }

    /// The image as everybody else gets it; see `engine::leave`.
    pub fn packed(&self, stored: &Stored, what: Tagged, voice: &Voice) -> Result<Tagged, Failure> {
        self.ended(engine::leave::packed(self.store, stored, what, voice, &self.stop).map_err(Failure::from))
    }

    /// What a signal has ended wasn't an error.
    pub fn ended<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        let stopped = self.stop.load(Ordering::SeqCst);
        result.map_err(|failure| if stopped { Failure::Stopped(signals::first()) } else { failure })
    }
}

impl Blobs for Leaving<'_> {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Stoppable { inner: self.store.open(blob)?, stop: &self.stop }))
    }
}

struct Stoppable<'a> {
    inner: Box<dyn Read + Send + 'a>,
    stop: &'a AtomicBool,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::SeqCst) {
            return Err(io::Error::other("stopped"));
        }
        self.inner.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_signal_there_is_nothing_more_to_read() {
        let stop = AtomicBool::new(false);
        let mut reader = Stoppable { inner: Box::new(&b"abc"[..]), stop: &stop };
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 1);
        stop.store(true, Ordering::SeqCst);
        assert!(reader.read(&mut [0; 1]).is_err());
    }
}
