//! What is remembered of a checksum database between runs, on disk.
//!
//! ```text
//! <state>/<database>/latest                  the newest signed note, as the server sent it
//! <state>/<database>/latest.lock             locked by whoever replaces `latest`
//! <state>/<database>/tile/8/0/x001/234       whole tiles: 256 hashes of 32 bytes
//! <state>/<database>/tile/8/0/x001/235.p/12  the first 12 hashes of a tile
//! ```
//! Files appear whole, by renaming. `latest` only ever moves forward: who replaces it names what it
//! replaces. Tiles may be deleted; `latest` too, but then a rewritten history goes unnoticed once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// A database's folder.
pub(crate) struct State {
    dir: PathBuf,
}

impl State {
    /// The folder of the database `name`, which has no `..` in it. Nothing is made yet.
    pub(crate) fn new(state: &Path, name: &str) -> State {
        State { dir: state.join(name) }
    }

    /// Where the newest note is.
    pub(crate) fn latest_path(&self) -> PathBuf {
        self.dir.join("latest")
    }

    /// The newest note that was seen.
    ///
    /// # Errors
    /// If there is one that can't be read.
    pub(crate) fn latest(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.latest_path()) {
            Ok(note) => Ok(Some(note)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::file(format_args!("read `{}`", self.latest_path().display()), &e)),
        }
    }

    /// Replaces the newest note, if it still is `old`. Whether it was.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn advance(&self, old: Option<&str>, new: &str) -> Result<bool> {
        let writing =
            |e: &io::Error| Error::file(format_args!("write `{}`", self.latest_path().display()), e);
        let lock = self.lock().map_err(|e| writing(&e))?;
        let is_old = self.latest()?.as_deref() == old;
        if is_old {
            write(&self.latest_path(), new.as_bytes()).map_err(|e| writing(&e))?;
        }
        drop(lock);
        Ok(is_old)
    }

    /// A lock that ends with the file, or with the process.
    fn lock(&self) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        let file =
            File::options().create(true).truncate(false).write(true).open(self.dir.join("latest.lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// A tile that was kept, of which nothing is known for sure.
    pub(crate) fn kept(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.dir.join(path)).ok()
    }

    /// Keeps a tile. Without room for it, it is fetched again next time.
    pub(crate) fn keep(&self, path: &str, bytes: &[u8]) {
        let _ = write(&self.dir.join(path), bytes);
    }
}

/// Writes a file that is there whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let temporary =
        dir.join(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
