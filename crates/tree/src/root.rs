//! An opened folder below which paths are opened without ever leaving it.
//!
//! The one door to the disk for this crate: everything else names files by a [`Root`] and a path below
//! it. No symbolic link is followed on the way, not even one that was a directory a moment ago, so that
//! neither an image nor a build context that changes meanwhile can make tare read another place.

use std::borrow::Cow;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir as Stream, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::entry::{Source, Time};
use crate::found::join;

/// An opened folder, or one below it.
#[derive(Debug)]
pub struct Root {
    fd: Arc<OwnedFd>,
    /// The way to it from the descriptor; none if that is it.
    way: Vec<u8>,
    path: PathBuf,
}

/// The type of a file system object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Type {
    Dir,
    File,
    Symlink,
    Fifo,
    Socket,
    Char { major: u32, minor: u32 },
    Block { major: u32, minor: u32 },
}

/// What the file system says about an object itself, links not followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Its type.
    pub kind: Type,
    /// The twelve permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// How many names it has.
    pub nlink: u64,
    /// Which inode in which state.
    pub ident: Ident,
}

/// An inode in a state: while this stays the same, so do the file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ident {
    /// The device that it lives on.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// When the content changed, which anybody can set.
    pub mtime: Time,
    /// When the inode changed, which only the clock sets.
    pub ctime: Time,
}

/// Extended attributes as they are on disk.
pub(crate) type OnDisk = Vec<(Vec<u8>, Vec<u8>)>;

/// One opened directory below a root.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: Vec<u8>,
}

/// A name in a directory, and its type where the file system tells it for free.
pub(crate) struct Name {
    pub name: Vec<u8>,
    pub kind: FileType,
}

impl Root {
    /// Opens the folder at `path`; here links are followed, for the caller named it.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Arc<Root>> {
        let path = path.as_ref();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|e| at("open", path.as_os_str().as_bytes(), e))?;
        Ok(Arc::new(Root { fd: Arc::new(fd), way: Vec::new(), path: path.to_owned() }))
    }

    /// A folder below, which needs no descriptor of its own. Whether it is there shows when something in it is opened.
    pub fn below(&self, way: &Path) -> Arc<Root> {
        let bytes = join(&self.way, way.as_os_str().as_bytes());
        Arc::new(Root { fd: self.fd.clone(), way: bytes, path: self.path.join(way) })
    }

    /// Where it was opened, for messages and mounts.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file for reading; anything else is an error, and a fifo doesn't block.
    pub fn file(&self, path: &[u8]) -> io::Result<File> {
        self.file_and_stat(path).map(|(file, _)| file)
    }

    /// As [`file`](Self::file), with what it was when it was opened.
    pub(crate) fn file_and_stat(&self, path: &[u8]) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.beneath(path, flags).map_err(|e| at("open", path, e))?);
        let stat = stat_of(&rustix::fs::fstat(&file)?);
        if stat.kind != Type::File {
            return Err(at("open", path, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        Ok((file, stat))
    }

    /// Opens a directory.
    pub fn dir(&self, path: &[u8]) -> io::Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = self.beneath(path, flags).map_err(|e| at("open", path, e))?;
        Ok(Dir { fd, path: path.to_vec() })
    }

    /// What is at `path`, if anything; a path through something that is no directory is nothing.
    pub fn stat(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        match self.beneath(path, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(fd) => Ok(Some(stat_of(&rustix::fs::fstat(fd)?))),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(e) => Err(at("look at", path, e)),
        }
    }

    /// As [`stat`](Self::stat) at a third of the price, for a name in a directory that is known to be one
    /// all the way down and at rest.
    pub(crate) fn stat_at_rest(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&*self.fd, &*self.way_to(path), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(_) => self.stat(path),
        }
    }

    fn way_to<'a>(&self, path: &'a [u8]) -> Cow<'a, [u8]> {
        match (self.way.as_slice(), path) {
            (b"", b"") => Cow::Borrowed(b"."),
            (b"", path) => Cow::Borrowed(path),
            (way, b"") => Cow::Owned(way.to_vec()),
            (way, path) => Cow::Owned(join(way, path)),
        }
    }

    /// The target of the symbolic link at `path`.
    pub fn readlink(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let fd = self.beneath(path, OFlags::PATH | OFlags::NOFOLLOW).map_err(|e| at("read link", path, e))?;
        let target = rustix::fs::readlinkat(fd, c"", Vec::new()).map_err(|e| at("read link", path, e))?;
        Ok(target.into_bytes())
    }

    /// Its extended attributes as they are on disk, sorted by name.
    pub fn xattrs(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let fd = self.beneath(path, OFlags::PATH | OFlags::NOFOLLOW).map_err(|e| at("open", path, e))?;
        xattrs_at(&magic(&fd, b"")).map_err(|e| at("read attributes of", path, e))
    }

    fn beneath(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let way = self.way_to(path);
        // The kernel holds on to the descriptor, which may be above this folder.
        if !self.way.is_empty() && climbs(path) {
            return Err(Errno::XDEV);
        }
        match rustix::fs::openat2(&*self.fd, &*way, flags, Mode::empty(), resolve) {
            // Old seccomp profiles know no openat2, and the kernel takes no more than 4095 bytes at once.
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => self.component_wise(&way, flags),
            other => other,
        }
    }

    fn component_wise(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut parts: Vec<&[u8]> = path.split(|&b| b == b'/').filter(|part| !part.is_empty()).collect();
        if climbs(path) {
            return Err(Errno::XDEV);
        }
        let last = parts.pop().unwrap_or(b".");
        let mut folder = rustix::fs::openat(&*self.fd, c".", step, Mode::empty())?;
        for part in parts {
            folder = rustix::fs::openat(&folder, part, step, Mode::empty())?;
        }
        rustix::fs::openat(&folder, last, flags | OFlags::NOFOLLOW, Mode::empty())
    }
}

impl Dir {
    /// The names in it, in no order, without `.` and `..`.
    pub(crate) fn names(&self) -> io::Result<Vec<Name>> {
        self.stream().map_err(|e| at("read", &self.path, e))
    }

    /// What is at `name`, if anything.
    pub(crate) fn stat(&self, name: &[u8]) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(at("look at", &join(&self.path, name), e)),
        }
    }

    /// The target of the symbolic link at `name`.
    pub(crate) fn readlink(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        match rustix::fs::readlinkat(&self.fd, name, Vec::new()) {
            Ok(target) => Ok(target.into_bytes()),
            Err(e) => Err(at("read link", &join(&self.path, name), e)),
        }
    }

    /// The extended attributes of the object at `name`, link or not.
    pub(crate) fn xattrs(&self, name: &[u8]) -> io::Result<OnDisk> {
        let attributes = xattrs_at(&magic(&self.fd, name));
        attributes.map_err(|e| at("read attributes of", &join(&self.path, name), e))
    }

    /// One extended attribute of the object at `name`.
    pub(crate) fn xattr(&self, name: &[u8], attribute: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let value = xattr_at(&magic(&self.fd, name), attribute);
        value.map_err(|e| at("read attributes of", &join(&self.path, name), e))
    }

    fn stream(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in Stream::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(Name { name: name.to_vec(), kind: entry.file_type() });
            }
        }
        Ok(names)
    }
}

impl Source {
    /// Opens the bytes for reading.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Source::Disk { root, path } => Box::new(root.file(path)?),
            Source::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
        })
    }
}

/// Whether a path goes up anywhere.
fn climbs(path: &[u8]) -> bool {
    path.split(|&b| b == b'/').any(|part| part == b"..")
}

/// Says which file could not be worked on, keeping the kind of the error.
pub(crate) fn at(verb: &str, path: &[u8], cause: impl Into<io::Error>) -> io::Error {
    let cause = cause.into();
    io::Error::new(cause.kind(), format!("{verb} `{}`: {}", text(path), plain(&cause)))
}

/// A path for people: the root is `/`, strange bytes are replaced.
pub(crate) fn text(path: &[u8]) -> String {
    if path.is_empty() { "/".into() } else { String::from_utf8_lossy(path).into_owned() }
}

/// The cause in the system's words, small start, without the number.
fn plain(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if cause.raw_os_error().is_some() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// A `struct stat` in our words.
#[allow(clippy::unnecessary_cast)] // The fields' types differ between architectures.
pub(crate) fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    let time = |sec, nsec| Time { sec, nsec };
    Stat {
        kind: kind_of(stat),
        mode: stat.st_mode as u32 & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        nlink: stat.st_nlink as u64,
        ident: Ident {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            size: stat.st_size as u64,
            mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        },
    }
}

fn kind_of(stat: &rustix::fs::Stat) -> Type {
    let (major, minor) = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Type::Dir,
        FileType::Symlink => Type::Symlink,
        FileType::Fifo => Type::Fifo,
        FileType::Socket => Type::Socket,
        FileType::CharacterDevice => Type::Char { major, minor },
        FileType::BlockDevice => Type::Block { major, minor },
        _ => Type::File,
    }
}

/// A path to an opened object or a name in it for the calls that take no descriptor; the kernel
/// resolves it to the very inode, whatever has been renamed meanwhile.
fn magic(fd: &impl AsFd, name: &[u8]) -> (CString, bool) {
    let mut path = format!("/proc/thread-self/fd/{}", fd.as_fd().as_raw_fd()).into_bytes();
    if !name.is_empty() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    (CString::new(path).unwrap_or_default(), name.is_empty())
}

/// All attributes at a [`magic`] path; its last link is followed only when it is `/proc`'s own.
fn xattrs_at(place: &(CString, bool)) -> io::Result<OnDisk> {
    let mut list = Vec::new();
    for name in xattr_names(place)?.split(|&b| b == 0).filter(|name| !name.is_empty()) {
        if let Some(value) = xattr_at(place, name)? {
            list.push((name.to_vec(), value));
        }
    }
    list.sort();
    Ok(list)
}

fn xattr_names((path, follow): &(CString, bool)) -> io::Result<Vec<u8>> {
    // 64 KiB is XATTR_LIST_MAX: no list is longer.
    let mut names = vec![0; 512];
    loop {
        let got = match follow {
            true => rustix::fs::listxattr(path.as_c_str(), names.as_mut_slice()),
            false => rustix::fs::llistxattr(path.as_c_str(), names.as_mut_slice()),
        };
        match got {
            Ok(length) => {
                names.truncate(length);
                return Ok(names);
            }
            Err(Errno::RANGE) if names.len() < 1 << 16 => names.resize(1 << 16, 0),
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(e) => return Err(e.into()),
        }
    }
}

fn xattr_at((path, follow): &(CString, bool), name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    // 64 KiB is XATTR_SIZE_MAX: no value is longer.
    let mut value = vec![0; 256];
    loop {
        let got = match follow {
            true => rustix::fs::getxattr(path.as_c_str(), name, value.as_mut_slice()),
            false => rustix::fs::lgetxattr(path.as_c_str(), name, value.as_mut_slice()),
        };
        match got {
            Ok(length) => {
                value.truncate(length);
                return Ok(Some(value));
            }
            Err(Errno::RANGE) if value.len() < 1 << 16 => value.resize(1 << 16, 0),
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    }
}
