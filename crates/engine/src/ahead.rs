//! A layer's blob on its way to where it will be pushed while it is still being compressed.
//!
//! Only when all steps are done (see `assemble`): nothing of a build that fails goes anywhere. See `transport::ahead`.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oci::{Digest, Reference};
use store::blobs::BlobWriter;
use transport::Registry;
use transport::ahead::Ahead;

use crate::error::Result;
use crate::stop::Stoppable;

/// A blob that stays below this is sent in a moment, once it is known that the registry doesn't have it.
const ENOUGH: u64 = 4 << 20;

/// The repositories that will get what is made.
#[derive(Default)]
pub struct Goals {
    all: Vec<(Registry, Reference)>,
    stop: Arc<AtomicBool>,
}

impl Goals {
    /// Those of the names that an image will be pushed under. Nothing more is sent once `stop` is set.
    pub fn new<'a>(
        registry: &Registry,
        names: impl IntoIterator<Item = &'a Reference>,
        stop: &Arc<AtomicBool>,
    ) -> Goals {
        let mut all: Vec<(Registry, Reference)> = Vec::new();
        for name in names {
            if !all.iter().any(|(_, known)| known.name() == name.name()) {
                all.push((registry.clone(), name.clone()));
            }
        }
        Goals { all, stop: stop.clone() }
    }
}

/// A blob that is being written, and what it is sent to.
pub(crate) struct Leaving<'a> {
    blob: BlobWriter<'a>,
    /// Where it has not begun to go.
    goals: &'a [(Registry, Reference)],
    begun: Vec<(&'a Registry, Ahead)>,
    stop: &'a Arc<AtomicBool>,
}

impl<'a> Leaving<'a> {
    pub(crate) fn new(blob: BlobWriter<'a>, goals: &'a Goals) -> Leaving<'a> {
        Leaving { blob, goals: &goals.all, begun: Vec::new(), stop: &goals.stop }
    }

    /// Gives the blob its name, which whoever wrote it has computed.
    pub(crate) fn commit(self, digest: Digest) -> Result<()> {
        self.blob.commit_as(&digest)?;
        self.begun.into_iter().for_each(|(registry, ahead)| registry.went_ahead(ahead, digest));
        Ok(())
    }

    fn begin(&mut self) {
        for (registry, name) in std::mem::take(&mut self.goals) {
            // Without it the push will say what is wrong, or send the blob.
            let Ok(bytes) = self.blob.reader() else { return };
            let ahead = registry.upload_ahead(name, Stoppable::new(bytes, self.stop));
            self.begun.extend(ahead.map(|ahead| (registry, ahead)));
        }
    }
}

impl Write for Leaving<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.blob.write(bytes)?;
        if self.blob.written() > ENOUGH {
            self.begin();
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.blob.flush()
    }
}
