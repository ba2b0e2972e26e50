//! Locks between processes: flock(2) on an empty file or a folder. The kernel frees them when a process dies.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::{Error, Result, Store};

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Whether the path still leads to the locked file: somebody may have removed it, and another made it anew.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let place = |m: &std::fs::Metadata| (m.dev(), m.ino());
        matches!((self.file.metadata(), std::fs::metadata(path)), (Ok(held), Ok(there)) if place(&held) == place(&there))
    }
}

impl Store {
    /// Waits for the lock of that name. Threads of one process exclude each other too.
    ///
    /// # Errors
    /// If the file can't be made or locked.
    pub fn lock(&self, name: &str) -> Result<Lock> {
        let path = self.path("locks").join(name);
        take(&path, FlockOperation::LockExclusive).map_err(|e| Error::at("lock", &path, e))
    }

    /// Takes part in the use of the store; a prune waits until nobody does, and whoever comes waits for it.
    ///
    /// # Errors
    /// If the file can't be made or locked.
    pub fn share(&self) -> Result<Lock> {
        let path = self.path("locks/store");
        take(&path, FlockOperation::LockShared).map_err(|e| Error::at("lock", &path, e))
    }

    /// Has the store alone; `None` if somebody uses it now.
    ///
    /// # Errors
    /// If the file can't be made or locked.
    pub fn alone(&self) -> Result<Option<Lock>> {
        let path = self.path("locks/store");
        try_lock(&path).map_err(|e| Error::at("lock", &path, e))
    }
}

/// Waits for the lock that a folder is.
///
/// # Errors
/// If there is no such folder, or it can't be locked.
pub(crate) fn of_folder(path: &Path) -> Result<Lock> {
    let taken = File::open(path).and_then(|file| held(file, FlockOperation::LockExclusive));
    taken.map_err(|e| Error::at("lock", path, e))
}

fn take(path: &Path, how: FlockOperation) -> std::io::Result<Lock> {
    held(open(path)?, how)
}

fn held(file: File, how: FlockOperation) -> std::io::Result<Lock> {
    rustix::io::retry_on_intr(|| flock(&file, how))?;
    Ok(Lock { file })
}

/// Takes an exclusive lock if nobody holds one.
pub(crate) fn try_lock(path: &Path) -> std::io::Result<Option<Lock>> {
    let file = open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock { file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}
