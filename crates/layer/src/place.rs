//! One file system object to its place in a layer's folder, in overlayfs's form.
//!
//! Names are used right below an opened directory and never followed. The order matters: owner before mode,
//! as chown clears setuid; attributes after both, as chown clears capabilities; times last.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use tree::{Meta, Time};

use crate::failure::{at, show};

/// What the kernel does not let us keep is told up to this many times.
const MOST_NOTES: usize = 100;

/// What overlayfs reads as "nothing of the layers below shows in here".
const OPAQUE_XATTR: &[u8] = b"user.overlay.opaque";

/// Something of a layer that could not be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The object.
    pub path: Vec<u8>,
    /// What of it, and why.
    pub what: String,
}

/// The first of what was skipped.
#[derive(Default, Debug)]
pub struct Notes(pub Vec<Skipped>);

impl Notes {
    fn add(&mut self, path: &[u8], what: String) {
        if self.0.len() < MOST_NOTES {
            self.0.push(Skipped { path: path.to_vec(), what });
        }
    }

    /// Those of another, as far as there is room.
    pub fn append(&mut self, other: Notes) {
        let room = MOST_NOTES - self.0.len();
        self.0.extend(other.0.into_iter().take(room));
    }
}

/// A name in an opened directory; the path is for errors.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    /// The directory.
    pub dir: BorrowedFd<'a>,
    /// The name in it, `.` for itself.
    pub name: &'a [u8],
    /// The path from the layer's root.
    pub path: &'a [u8],
}

/// What is at a spot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// No such name.
    Nothing,
    /// A directory.
    Dir,
    /// overlayfs's whiteout.
    Whiteout,
    /// Anything else.
    Other,
}

/// A device node: block or character, major, minor.
#[derive(Clone, Copy)]
pub struct Node {
    /// Block or character.
    pub kind: FileType,
    /// Device numbers.
    pub major: u32,
    /// Device numbers.
    pub minor: u32,
}

impl Spot<'_> {
    /// Looks without following a link.
    pub fn look(&self) -> io::Result<Found> {
        match rustix::fs::statat(self.dir, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => Found::Dir,
                FileType::CharacterDevice if stat.st_rdev == 0 => Found::Whiteout,
                _ => Found::Other,
            }),
            Err(Errno::NOENT) => Ok(Found::Nothing),
            Err(e) => Err(at("look at", self.path)(e)),
        }
    }

    /// A new directory, for its owner alone until [`Spot::finish`].
    pub fn make_dir(&self) -> rustix::io::Result<()> {
        rustix::fs::mkdirat(self.dir, self.name, Mode::RWXU)
    }

    /// A new empty file.
    pub fn make_file(&self) -> rustix::io::Result<File> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(self.dir, self.name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// A new symbolic link.
    pub fn make_symlink(&self, target: &[u8]) -> rustix::io::Result<()> {
        rustix::fs::symlinkat(target, self.dir, self.name)
    }

    /// Another name for what is at `first`.
    pub fn make_link(&self, first: Spot<'_>) -> rustix::io::Result<()> {
        rustix::fs::linkat(first.dir, first.name, self.dir, self.name, AtFlags::empty())
    }

    /// A new named pipe.
    pub fn make_fifo(&self) -> rustix::io::Result<()> {
        rustix::fs::mknodat(self.dir, self.name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
    }

    /// Hides what the layers below have here. Whatever this layer has here does that by itself, unless both
    /// are directories.
    pub fn hide(&self) -> io::Result<()> {
        // Ordinary users may make this one device since Linux 5.8.
        match rustix::fs::mknodat(self.dir, self.name, FileType::CharacterDevice, Mode::empty(), 0) {
            Err(Errno::EXIST) if self.look()? == Found::Dir => self.make_opaque(),
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(at("make whiteout", self.path)(e)),
        }
    }

    /// A new device node; where the kernel refuses it, as in any user namespace, there is none.
    pub fn make_node(&self, node: Node, notes: &mut Notes) -> rustix::io::Result<bool> {
        if (node.kind, node.major, node.minor) == (FileType::CharacterDevice, 0, 0) {
            notes.add(self.path, "device 0/0: it would remove the file below".to_owned());
            return Ok(false);
        }
        let device = rustix::fs::makedev(node.major, node.minor);
        match rustix::fs::mknodat(self.dir, self.name, node.kind, Mode::RUSR | Mode::WUSR, device) {
            Err(Errno::PERM) => {
                notes.add(self.path, format!("device {}/{}: not permitted", node.major, node.minor));
                Ok(false)
            }
            other => other.map(|()| true),
        }
    }

    /// Hides what the layers below have in this directory.
    pub fn make_opaque(&self) -> io::Result<()> {
        rustix::fs::lsetxattr(self.magic(), OPAQUE_XATTR, b"y", XattrFlags::empty())
            .map_err(at("mark", self.path))
    }

    /// Removes what is here, a directory with all that is in it.
    pub fn remove(&self) -> io::Result<()> {
        remove(self.dir, self.name).map_err(at("remove", self.path))
    }

    /// Owner, mode, attributes and time of anything but a file or link.
    pub fn finish(&self, meta: &Meta, notes: &mut Notes) -> io::Result<()> {
        self.own(meta)?;
        rustix::fs::chmodat(self.dir, self.name, mode(meta), AtFlags::empty())
            .map_err(at("set mode of", self.path))?;
        self.set_xattrs(meta, notes)?;
        self.set_time(meta.mtime)
    }

    /// The same of a symbolic link, which has no mode.
    pub fn finish_symlink(&self, meta: &Meta, notes: &mut Notes) -> io::Result<()> {
        self.own(meta)?;
        self.set_xattrs(meta, notes)?;
        self.set_time(meta.mtime)
    }

    /// The same of an open file.
    pub fn finish_file(&self, file: &File, meta: &Meta, notes: &mut Notes) -> io::Result<()> {
        let chown = || owner(meta).and_then(|(uid, gid)| rustix::fs::fchown(file, uid, gid));
        chown().map_err(|e| chown_failed(self.path, meta, e))?;
        rustix::fs::fchmod(file, mode(meta)).map_err(at("set mode of", self.path))?;
        each_xattr(self.path, meta, notes, |name, value| {
            rustix::fs::fsetxattr(file, name, value, XattrFlags::empty())
        })?;
        rustix::fs::futimens(file, &times(meta.mtime)).map_err(at("set time of", self.path))
    }

    /// Sets the time of the object itself.
    pub fn set_time(&self, time: Time) -> io::Result<()> {
        rustix::fs::utimensat(self.dir, self.name, &times(time), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(at("set time of", self.path))
    }

    fn own(&self, meta: &Meta) -> io::Result<()> {
        owner(meta)
            .and_then(|(uid, gid)| {
                rustix::fs::chownat(self.dir, self.name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            })
            .map_err(|e| chown_failed(self.path, meta, e))
    }

    fn set_xattrs(&self, meta: &Meta, notes: &mut Notes) -> io::Result<()> {
        each_xattr(self.path, meta, notes, |name, value| {
            rustix::fs::lsetxattr(self.magic(), name, value, XattrFlags::empty())
        })
    }

    /// The calls for attributes know no directory descriptors.
    fn magic(&self) -> Vec<u8> {
        [format!("/proc/self/fd/{}/", self.dir.as_raw_fd()).as_bytes(), self.name].concat()
    }
}

/// The meta of a directory that nobody described: everybody's to read, ours.
pub fn plain_dir() -> Meta {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Meta { mode: 0o755, uid, gid, ..Meta::default() }
}

/// Opens the folder of a layer, making it if need be.
pub fn open_root(path: &std::path::Path) -> io::Result<rustix::fd::OwnedFd> {
    let failed = |e: Errno| at("open", path.as_os_str().as_encoded_bytes())(e);
    match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(failed(e)),
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(failed)
}

fn remove(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        other => return other,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut stream = Dir::new(rustix::fs::openat(dir, name, flags, Mode::empty())?)?;
    while let Some(entry) = stream.read().transpose()? {
        let child = entry.file_name().to_bytes();
        if child != b"." && child != b".." {
            remove(stream.fd()?, child)?;
        }
    }
    rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
}

fn mode(meta: &Meta) -> Mode {
    Mode::from_raw_mode(meta.mode & 0o7777)
}

fn times(time: Time) -> Timestamps {
    let spec = Timespec { tv_sec: time.sec, tv_nsec: i64::from(time.nsec) };
    Timestamps { last_access: spec, last_modification: spec }
}

/// The number that means "leave as it is" is nobody's id.
fn owner(meta: &Meta) -> rustix::io::Result<(Option<Uid>, Option<Gid>)> {
    if meta.uid == u32::MAX || meta.gid == u32::MAX {
        return Err(Errno::INVAL);
    }
    Ok((Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid))))
}

fn chown_failed(path: &[u8], meta: &Meta, cause: Errno) -> io::Error {
    let verb = format!("give user {} and group {} the file", meta.uid, meta.gid);
    if cause == Errno::INVAL {
        let cause =
            io::Error::new(io::ErrorKind::InvalidInput, "such an id is not mapped in this user namespace");
        return at(&verb, path)(cause);
    }
    at(&verb, path)(cause)
}

/// Sets what can be set. A file capability that is lost would make a program fail much later: that is an
/// error; other names are the host's business (`trusted.`, `security.selinux`) or not supported everywhere.
fn each_xattr(
    path: &[u8],
    meta: &Meta,
    notes: &mut Notes,
    set: impl Fn(&[u8], &[u8]) -> rustix::io::Result<()>,
) -> io::Result<()> {
    for (name, value) in &meta.xattrs {
        if name.starts_with(b"trusted.") || name.starts_with(b"user.overlay.") {
            notes.add(path, format!("attribute `{}`: it is not an image's to set", show(name)));
            continue;
        }
        match set(name, value) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP | Errno::PERM) if name != b"security.capability" => {
                notes.add(path, format!("attribute `{}`: not supported here", show(name)));
            }
            Err(e) => return Err(at(&format!("set attribute `{}` of", show(name)), path)(e)),
        }
    }
    Ok(())
}
