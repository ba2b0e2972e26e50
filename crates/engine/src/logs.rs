//! Complete logs of every step, kept beside the store's other builds.

use std::path::PathBuf;

use plan::StepId;
use store::Store;

/// How many builds' logs are kept: enough to look at yesterday's failure.
const KEPT: usize = 50;

/// The folder of one build's logs; made when the first step prints.
pub struct Logs {
    folder: PathBuf,
}

impl Logs {
    /// For a build that starts now.
    pub fn new(store: &Store) -> Logs {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        // Sorts by time, and two builds of one process differ in their nanoseconds.
        let name = format!("{:010}-{:09}-{}", now.as_secs(), now.subsec_nanos(), std::process::id());
        Logs { folder: store.root().join("builds").join(name) }
    }

    /// Where a step's log goes; `None` if the folder can't be made.
    pub fn step(&self, id: StepId) -> Option<PathBuf> {
        if !self.folder.exists() {
            std::fs::create_dir_all(&self.folder).ok()?;
            self.forget_old();
        }
        Some(self.folder.join(format!("step-{:03}.log", id.0)))
    }

    fn forget_old(&self) {
        let builds = self.folder.parent().and_then(|p| std::fs::read_dir(p).ok());
        let mut all: Vec<PathBuf> = builds.into_iter().flatten().flatten().map(|e| e.path()).collect();
        all.sort();
        let old = all.len().saturating_sub(KEPT);
        all.iter().take(old).for_each(|path| store::clean::remove_tree(path));
    }
}
