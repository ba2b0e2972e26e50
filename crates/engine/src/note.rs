//! What a build notes of its steps for whoever asks later why they ran, or didn't.
//!
//! Written while steps are done, read by `why` and by what is kept of the build. Parts of keys and digests, never
//! a value that may be secret.

use std::collections::BTreeMap;

use plan::{Key, Part, StepId};
use store::LayerId;
pub use store::builds::{Broken, How};

use crate::build::Session;

/// What is noted of one step.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// How it came to its layer; none of a step that failed or never started.
    pub how: Option<How>,
    /// The parts of its key.
    pub key: Vec<Part>,
    /// The static key, in hex digits, if what it reads is watched.
    pub watched: Option<String>,
    /// Why a run of which the static key is known couldn't stand in for it.
    pub broken: Option<Broken>,
    /// Whether it was seen to use the network, which is why nobody knows what it rests on.
    pub network: bool,
    /// Two layers that it made of the same under `--verify`, if it makes something else every time.
    pub twins: Vec<LayerId>,
    /// Whether it looked at so much that it won't be watched again.
    pub wide: bool,
    /// Whether only a cache that it had filled was missing.
    pub cache_lost: bool,
    /// How far it came.
    pub ended: store::builds::Ended,
    /// How long it took.
    pub millis: u64,
}

/// The notes of one build.
pub type Notes = BTreeMap<StepId, Note>;

impl Session<'_> {
    /// Notes something of a step.
    pub(crate) fn note(&self, id: StepId, what: impl FnOnce(&mut Note)) {
        what(self.notes.lock().expect("no panic while held").entry(id).or_default());
    }

    /// Notes whether all is here that a step made but the cache that it had filled.
    pub(crate) fn note_lost_cache(&self, id: StepId, key: &Key) {
        let has_layer = self.store.layer_of(key).is_some_and(|layer| self.store.has_layer(&layer));
        self.note(id, |note| note.cache_lost = has_layer && self.store.action(key).is_none());
    }
}
