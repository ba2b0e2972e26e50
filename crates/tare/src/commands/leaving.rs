//! An image on its way out of the store: compressed as it leaves, and readable until the user has had enough.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Voice;
use engine::ahead::Goals;
use engine::stop::Stoppable;
use oci::{Blobs, Descriptor, Reference, Tagged};
use store::{Store, Stored};
use transport::Registry;

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
    pub fn packed(
        &self,
        stored: &Stored,
        what: Tagged,
        goals: Goals,
        voice: &Voice,
    ) -> Result<Tagged, Failure> {
        let packed = engine::leave::packed(self.store, stored, what, goals, voice, &self.stop);
        self.ended(packed.map_err(Failure::from))
    }

    /// The repository that the image will be pushed to.
    pub fn to(&self, registry: &Registry, target: &Reference) -> Goals {
        Goals::new(registry, [target], &self.stop)
    }

    /// What a signal has ended wasn't an error.
    pub fn ended<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        let stopped = self.stop.load(Ordering::SeqCst);
        result.map_err(|failure| if stopped { Failure::Stopped(signals::first()) } else { failure })
    }
}

impl Blobs for Leaving<'_> {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Stoppable::new(self.store.open(blob)?, &self.stop)))
    }
}
