//! A project in a temporary folder, for tests.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Gone when it goes out of scope.
pub struct Scratch {
    /// The folder.
    pub path: PathBuf,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Scratch {
        let name = format!("recipe-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let scratch = Scratch { path: std::env::temp_dir().join(name) };
        std::fs::create_dir_all(&scratch.path).expect("a scratch folder");
        files.iter().for_each(|(name, text)| scratch.write(name, text));
        scratch
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
