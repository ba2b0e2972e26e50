//! Mount points: found in the root, created where missing, and swept away after the step.
//!
//! Symbolic links are followed, but an absolute one starts at the root, and `..` ends there: an image or
//! a context must not be able to have us mount over the host's files. A created mount point must not end up in the
//! layer, nor may the directories that overlayfs copied up only for its sake, so both are noted.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use crate::root;
use crate::step::Root;
use crate::wire::{CopiedUp, Doing, Failure, Prepared};

/// Makes in `dir` the mount points that every step needs: a layer to put below all others, kept by the
/// caller and used again and again. It is not needed, but without it they are made in the upper directory of
/// each step and swept away again, which takes a millisecond on a disk.
pub fn make_stubs(dir: &Path) -> io::Result<()> {
    for path in ["proc", "dev", "sys", "etc"] {
        std::fs::create_dir_all(dir.join(path))?;
    }
    for path in ["etc/hosts", "etc/resolv.conf"] {
        std::fs::File::create(dir.join(path))?;
    }
    Ok(())
}

/// What a mount point is, and has to be when it is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Dir,
    File,
}

/// Finds and makes mount points in one root.
pub(crate) struct Points<'a> {
    root: BorrowedFd<'a>,
    /// Only changes on this device are changes of the layer.
    device: u64,
    /// The directory that takes the changes, if they are kept.
    upper: Option<OwnedFd>,
    prepared: Prepared,
}

impl<'a> Points<'a> {
    pub(crate) fn new(fd: BorrowedFd<'a>, root: &Root) -> Result<Points<'a>, Failure> {
        let device = rustix::fs::fstat(fd).doing(|| "look at the root".to_owned())?.st_dev;
        let upper = match root {
            Root::Overlay { upper, .. } => Some(root::open_dir(upper)?),
            Root::Scratch { .. } | Root::Dir(_) => None,
        };
        Ok(Points { root: fd, device, upper, prepared: Prepared::default() })
    }

    pub(crate) fn into_prepared(self) -> Prepared {
        self.prepared
    }

    /// The mount point at `target`, made if it isn't there.
    pub(crate) fn point(&mut self, target: &Path, kind: Kind) -> Result<OwnedFd, Failure> {
        let relative = target.strip_prefix("/").unwrap_or(target);
        match find(self.root, relative, OFlags::empty()) {
            Err(Errno::NOENT) => self.create(relative, kind),
            found => found.map_err(io::Error::from),
        }
        .doing(|| format!("make the mount point `{}`", target.display()))
    }

    fn create(&mut self, target: &Path, kind: Kind) -> io::Result<OwnedFd> {
        let mut done = PathBuf::new();
        let mut rest = reversed(target);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            match look(self.root, &done.join(&name))? {
                Found::Link(to) => {
                    links += 1;
                    if links > 40 {
                        return Err(Errno::LOOP.into());
                    }
                    if to.is_absolute() {
                        done.clear();
                    }
                    rest.extend(reversed(&to));
                    continue;
                }
                Found::Other => {}
                Found::Nothing => self.make(&done, &name, if rest.is_empty() { kind } else { Kind::Dir })?,
            }
            done.push(name);
        }
        Ok(find(self.root, &done, OFlags::empty())?)
    }

    fn make(&mut self, parent: &Path, name: &OsStr, kind: Kind) -> io::Result<()> {
        let dir = find(self.root, parent, OFlags::DIRECTORY)?;
        let before = rustix::fs::fstat(&dir)?;
        let ours = before.st_dev == self.device;
        if ours {
            self.note_copy_up(parent)?;
        }
        make_stub(dir.as_fd(), name, kind)?;
        if ours {
            self.prepared.created.push(Path::new("/").join(parent).join(name));
            // The directory has not changed as far as the layer is concerned.
            set_mtime(self.root, parent, mtime(&before));
        }
        Ok(())
    }

    /// Notes the directories down to `parent` that only now come into the upper directory.
    fn note_copy_up(&mut self, parent: &Path) -> io::Result<()> {
        let Some(upper) = &self.upper else { return Ok(()) };
        for path in parent.ancestors().filter(|path| !path.as_os_str().is_empty()) {
            let there = rustix::fs::statat(upper, path, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if there || self.prepared.copied_up.iter().any(|known| known.path == path) {
                break;
            }
            let stat = rustix::fs::fstat(find(self.root, path, OFlags::empty())?)?;
            self.prepared.copied_up.push(CopiedUp {
                path: path.to_owned(),
                mode: stat.st_mode,
                uid: stat.st_uid,
                gid: stat.st_gid,
                mtime: mtime(&stat),
            });
        }
        Ok(())
    }
}

/// A path that may or may not be there.
pub(crate) fn existing(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    find(root, Path::new(path), OFlags::NOFOLLOW)
}

enum Found {
    Nothing,
    Link(PathBuf),
    Other,
}

fn look(root: BorrowedFd<'_>, path: &Path) -> io::Result<Found> {
    let fd = match find(root, path, OFlags::NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(Found::Nothing),
        found => found?,
    };
    if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::Symlink {
        return Ok(Found::Other);
    }
    let to = rustix::fs::readlinkat(&fd, "", Vec::new())?;
    Ok(Found::Link(OsString::from_vec(to.into_bytes()).into()))
}

fn find(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    open_within(root, path, flags | OFlags::PATH, ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
}

fn open_within(
    dir: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    loop {
        match rustix::fs::openat2(dir, dot_if_empty(path), flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // The kernel can't be sure of a `..` when anybody mounts or renames meanwhile, as other steps do.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

fn dot_if_empty(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// The components of a path, the last first; roots and single dots drop out.
fn reversed(path: &Path) -> Vec<OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().rev().filter_map(name).collect()
}

fn make_stub(dir: BorrowedFd<'_>, name: &OsStr, kind: Kind) -> io::Result<()> {
    match kind {
        Kind::Dir => rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o755))?,
        Kind::File => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o644))?;
        }
    }
    Ok(())
}

fn mtime(stat: &Stat) -> (i64, i64) {
    (stat.st_mtime, stat.st_mtime_nsec as i64)
}

fn set_mtime(root: BorrowedFd<'_>, path: &Path, (seconds, nanoseconds): (i64, i64)) {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanoseconds },
    };
    // A nicety: at worst the layer has a directory whose time changed.
    let _ = rustix::fs::utimensat(root, dot_if_empty(path), &times, AtFlags::SYMLINK_NOFOLLOW);
}

/// Removes from `dir`, which took the changes of a step, what only mounting had put there. Whatever
/// the step put into it or did to it stays. The step may have left anything, so no link is followed.
pub(crate) fn sweep(dir: &Path, prepared: &Prepared) {
    let Ok(dir) = root::open_dir(dir) else { return };
    for path in prepared.created.iter().rev() {
        let path = path.strip_prefix("/").unwrap_or(path);
        remove(dir.as_fd(), path, |found| found.st_size == 0 || is_dir(found));
    }
    for copied in &prepared.copied_up {
        let untouched = |found: &Stat| {
            (found.st_mode, found.st_uid, found.st_gid, mtime(found))
                == (copied.mode, copied.uid, copied.gid, copied.mtime)
        };
        if !has_attributes(dir.as_fd(), &copied.path) {
            remove(dir.as_fd(), &copied.path, untouched);
        }
    }
}

/// Removes an empty file or directory if `agrees`, so that its parent doesn't show it.
fn remove(dir: BorrowedFd<'_>, path: &Path, agrees: impl Fn(&Stat) -> bool) {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
    let Ok(fd) = find_plain(dir, parent, OFlags::PATH | OFlags::DIRECTORY) else { return };
    let Ok(found) = rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
    let flags = match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => AtFlags::REMOVEDIR,
        FileType::RegularFile => AtFlags::empty(),
        _ => return,
    };
    let Ok(before) = rustix::fs::fstat(&fd) else { return };
    // A directory with something in it refuses, and that is the check.
    if agrees(&found) && rustix::fs::unlinkat(&fd, name, flags).is_ok() {
        set_mtime(fd.as_fd(), Path::new("."), mtime(&before));
    }
}

/// Opens what is at a path without any link.
fn find_plain(dir: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    open_within(dir, path, flags, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

fn is_dir(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Whether a directory has extended attributes besides those that overlayfs puts on whatever it copies up.
fn has_attributes(dir: BorrowedFd<'_>, path: &Path) -> bool {
    const OF_COPY_UP: [&[u8]; 2] = [b"user.overlay.origin", b"user.overlay.impure"];
    let Ok(fd) = find_plain(dir, path, OFlags::RDONLY | OFlags::DIRECTORY) else { return true };
    let mut names = [0u8; 1024];
    let Ok(length) = rustix::fs::flistxattr(&fd, &mut names) else { return true };
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.into_iter().any(|name| !OF_COPY_UP.contains(&OsStr::from_bytes(name).as_bytes()))
}
