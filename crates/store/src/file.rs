//! Whole files in one step: write beside, then rename.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result, Store};

/// So many bytes go to disk at a time.
const BUFFER: usize = 64 << 10;

impl Store {
    /// Writes a file so that readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// If it can't be written; then the old one is untouched.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write_with(path, |file| file.write_all(bytes))
    }

    /// As [`write`](Self::write), with bytes that come bit by bit.
    ///
    /// # Errors
    /// As [`write`](Self::write), and if `put` fails.
    pub(crate) fn write_with(
        &self,
        path: &Path,
        put: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let scratch = self.scratch("write")?;
        let written = File::create_new(&scratch).and_then(|file| {
            let mut file = BufWriter::with_capacity(BUFFER, file);
            put(&mut file)?;
            file.flush()
        });
        written.map_err(|e| Error::at("write", &scratch, e))?;
        self.place(&scratch, path)
    }

    /// Moves a finished file or folder from scratch to its name.
    ///
    /// # Errors
    /// If the rename fails; then the scratch file is gone and the name is as before.
    pub fn place(&self, scratch: &Path, path: &Path) -> Result<()> {
        let renamed = rename_making_parent(scratch, path);
        renamed.inspect_err(|_| crate::clean::remove_tree(scratch)).map_err(|e| Error::at("write", path, e))
    }

    /// A file on the store's disk that has no name: whatever happens, nothing of it stays.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn nameless(&self) -> Result<File> {
        let path = self.scratch("nameless")?;
        let open = || {
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        };
        open().map_err(|e| Error::at("create", &path, e))
    }

    pub(crate) fn write_json<T: Serialize>(&self, path: &Path, value: &T) -> Result<()> {
        let mut bytes = serde_json::to_vec(value).expect("records are plain data");
        bytes.push(b'\n');
        self.write(path, &bytes)
    }
}

fn rename_making_parent(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && from.exists() => {
            fs::create_dir_all(to.parent().unwrap_or(to))?;
            fs::rename(from, to)
        }
        done => done,
    }
}

/// Gives a file the time of its file system.
pub(crate) fn touch(path: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// Reads a record; `None` if there is none, or if it isn't one (another tare's, or a disk's mistake): then
/// it is as if it had never been written.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
