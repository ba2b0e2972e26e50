//! Changes to a layer of the store, in the form that the rest of the build needs.

use store::LayerId;
use store::layers::{Maker, Meta};
use tree::{Change, Kind, Time};

use crate::ahead::Goals;
use crate::build::Session;
use crate::error::{Error, Result, doing};

/// What a step's changes are kept as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Files on disk, since another step needs them.
    Files,
    /// A compressed blob only: nothing but the export reads it.
    Blob,
}

impl Session<'_> {
    /// Keeps what a COPY or WORKDIR made, unless an equal layer is here: then that one is taken, with its
    /// earlier times.
    ///
    /// # Errors
    /// If a source changed since it was looked at, or the store can't be written.
    pub fn keep(&self, changes: &[Change], started: Time, form: Form) -> Result<LayerId> {
        self.keep_as(LayerId::Made(tree::id(changes)), changes, started, form)
    }

    /// The same for whoever knows the layer's id.
    ///
    /// # Errors
    /// As [`Session::keep`].
    pub fn keep_as(&self, id: LayerId, changes: &[Change], started: Time, form: Form) -> Result<LayerId> {
        if self.store.has_layer(&id) {
            return Ok(id);
        }
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        let meta = meta_of(changes, Maker::Copy, started, Vec::new());
        match form {
            // Nothing goes anywhere before all steps are done.
            Form::Blob => self.write_blob(&id, changes, &meta, &Goals::default()).map(drop)?,
            Form::Files => self.write_files(&id, changes)?,
        }
        self.store.put_layer(&id, changes, &meta)?;
        Ok(id)
    }

    pub(crate) fn write_files(&self, id: &LayerId, changes: &[Change]) -> Result<()> {
        let folder = self.store.scratch("copy")?;
        let skipped =
            layer::materialise_unless(&self.settings.cancel, changes, &folder).map_err(doing("copy"))?;
        for note in skipped {
            self.voice.warn(format!("`{}`: {}", String::from_utf8_lossy(&note.path), note.what));
        }
        Ok(self.store.place_fs(id, &folder)?)
    }
}

/// What is remembered of a layer.
pub fn meta_of(changes: &[Change], maker: Maker, started: Time, copied: Vec<(i64, u32)>) -> Meta {
    Meta {
        maker,
        started: (started.sec, started.nsec),
        bytes: bytes_of(changes),
        entries: changes.len() as u64,
        traceable: trace::traceable(changes),
        copied,
    }
}

fn bytes_of(changes: &[Change]) -> u64 {
    let size = |change: &Change| match change {
        Change::Put(entry) => match entry.kind {
            Kind::File { size, .. } => size,
            _ => 0,
        },
        _ => 0,
    };
    changes.iter().map(size).sum()
}
