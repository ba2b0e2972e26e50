//! Complete logs of every step, kept beside the store's other builds.

use std::path::PathBuf;

use plan::StepId;
use store::Store;

/// The folder of one build's logs; made when the first step prints.
pub struct Logs {
    folder: PathBuf,
    /// Before the names, where several platforms have steps of one number.
    prefix: String,
}

impl Logs {
    /// Of the steps for one platform.
    pub fn new(store: &Store, build: &str, prefix: String) -> Logs {
        Logs { folder: store.build_folder(build), prefix }
    }

    /// Where a step's log goes; `None` if the folder can't be made.
    pub fn step(&self, id: StepId) -> Option<PathBuf> {
        if !self.folder.exists() {
            std::fs::create_dir_all(&self.folder).ok()?;
        }
        Some(self.folder.join(format!("{}step-{:03}.log", self.prefix, id.0)))
    }
}
