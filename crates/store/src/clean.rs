//! Unfinished work: a folder a process, and the removal of folders whose process is dead.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags};

use crate::lock::{Lock, try_lock};
use crate::{Error, Result, Store};

/// Makes this process's folder below `tmp`, and locks it first: a folder without a lock would be nobody's.
pub(crate) fn own_tmp(tmp: &Path) -> Result<(PathBuf, Lock)> {
    spread(tmp);
    for attempt in 0..100 {
        let path = tmp.join(format!("{}-{attempt}-{}", std::process::id(), nonce()));
        let Some(lock) = hold(&path)? else { continue };
        match fs::create_dir(&path) {
            Ok(()) => return Ok((path, lock)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::at("create", &path, e)),
        }
    }
    Err(Error::at("create a folder in", tmp, io::ErrorKind::AlreadyExists.into()))
}

/// Tells ext4 that the folders in this one have nothing to do with each other. It then puts each in a part of the disk
/// where little is, instead of where others are being removed: without a journal, to make a file there it looks at
/// every number that was freed within the last minutes, and a step makes a dozen files.
pub(crate) fn spread(folder: &Path) {
    let hint = || -> rustix::io::Result<()> {
        let dir =
            rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let flags = ioctl_getflags(&dir)?;
        if flags.contains(IFlags::TOPDIR) {
            return Ok(());
        }
        ioctl_setflags(&dir, flags | IFlags::TOPDIR)
    };
    // Other file systems don't know of it.
    let _ = hint();
}

/// Locks a folder's name; `None` if a sweep has taken or removed the lock, as it does with each that nobody holds.
fn hold(path: &Path) -> Result<Option<Lock>> {
    let file = lock_path(path);
    let lock = try_lock(&file).map_err(|e| Error::at("lock", &file, e))?;
    Ok(lock.filter(|held| held.is_at(&file)))
}

/// Beside the folder, so that the folder can be emptied while the lock is held.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Nanoseconds, so that a process id that comes again never finds its predecessor's folder.
fn nonce() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos())
}

impl Store {
    /// Removes what dead processes left behind.
    ///
    /// Must run where the files' owners can be removed: as root, or in the user namespace.
    pub fn sweep(&self) {
        sweep(&self.path("tmp"));
    }
}

fn sweep(tmp: &Path) {
    let Ok(entries) = fs::read_dir(tmp) else { return };
    for entry in entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "lock")) {
        sweep_one(&entry.path());
    }
}

fn sweep_one(lock: &Path) {
    if let Ok(Some(_held)) = try_lock(lock) {
        let folder = lock.with_extension("");
        remove_tree(&folder);
        // A folder that is not ours to remove keeps its lock, so that somebody else finds it.
        if !folder.exists() {
            let _ = fs::remove_file(lock);
        }
    }
}

/// Removes a file or folder, also one that a step made unreadable. What can't be removed stays for the
/// next sweep.
pub fn remove_tree(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|m| !m.is_dir()) {
        let _ = fs::remove_file(path);
        return;
    }
    if fs::remove_dir_all(path).is_err() {
        open_up(path);
        let _ = fs::remove_dir_all(path);
    }
}

/// A directory of mode 0 can't be emptied by its owner, and overlayfs leaves `work/work` like that.
fn open_up(path: &Path) {
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_sweep_holds_is_not_ours() {
        let path = std::env::temp_dir().join(format!("tare-clean-{}-{}", std::process::id(), nonce()));
        let sweeper = try_lock(&lock_path(&path)).unwrap();
        assert!(hold(&path).unwrap().is_none());
        drop(sweeper);
        assert!(hold(&path).unwrap().is_some());
        fs::remove_file(lock_path(&path)).unwrap();
    }

    #[test]
    fn a_process_that_dies_at_any_moment_leaves_what_a_sweep_finds() {
        let tmp = std::env::temp_dir().join(format!("tare-clean-{}-{}", std::process::id(), nonce()));
        fs::create_dir(&tmp).unwrap();
        // Dead before its folder was made, and after.
        drop(hold(&tmp.join("1-0-1")).unwrap());
        drop(own_tmp(&tmp).unwrap());
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 3);
        sweep(&tmp);
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
        fs::remove_dir(&tmp).unwrap();
    }
}
