//! A `Root` to a mount: overlays, and the scratch tmpfs under everything.
//!
//! Overlays are always mounted the same way, with `userxattr` and every optional feature off, so that the
//! same step leaves the same upper directory whoever runs it. Layers are opened first and named by descriptor:
//! five hundred of them would not fit into the one page that mount(2) has for options.

use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::step::{Lower, Root};
use crate::sys;
use crate::wire::{Doing, Failure};

/// Options for the overlays, besides the layers.
const FIXED: [(&str, &str); 4] =
    [("index", "off"), ("metacopy", "off"), ("redirect_dir", "nofollow"), ("xino", "off")];

/// A tmpfs that only lives as long as the step, and that it can't reach: it is left behind with the old root.
pub(crate) struct Scratch {
    dir: OwnedFd,
    names: Cell<u32>,
    /// Mounts that came with the order, attached nowhere yet.
    given: Vec<OwnedFd>,
}

impl Scratch {
    pub(crate) fn mount() -> Result<Scratch, Failure> {
        let dir = new_fs("tmpfs", &[("mode", "0700")], MountAttrFlags::empty())
            .doing(|| "mount a tmpfs".to_owned())?;
        // Over the root: our own root directory stays below it, so this hides nothing.
        move_mount(&dir, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing(|| "mount a tmpfs".to_owned())?;
        Ok(Scratch { dir, names: Cell::new(0), given: Vec::new() })
    }

    /// With mounts that a step's layers may be.
    pub(crate) fn with(self, given: Vec<OwnedFd>) -> Scratch {
        Scratch { given, ..self }
    }

    /// A new directory in it.
    pub(crate) fn new_dir(&self) -> io::Result<OwnedFd> {
        let name = self.new_name();
        rustix::fs::mkdirat(&self.dir, &name, Mode::from_raw_mode(0o755))?;
        Ok(self.open(&name)?)
    }

    /// A new file in it, open for writing.
    pub(crate) fn new_file(&self, contents: &[u8]) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.dir, self.new_name(), flags, Mode::from_raw_mode(0o600))?;
        let mut file = File::from(fd);
        file.write_all(contents)?;
        Ok(file.into())
    }

    /// Opens an overlay's layers, only to name them.
    pub(crate) fn open_lowers(&self, lowers: &[Lower]) -> Result<Vec<OwnedFd>, Failure> {
        lowers.iter().map(|lower| self.open_lower(lower)).collect()
    }

    // overlayfs takes no layer from a mount that is attached nowhere.
    fn open_lower(&self, lower: &Lower) -> Result<OwnedFd, Failure> {
        match lower {
            Lower::Dir(path) => open_dir(path),
            Lower::Given(number) => {
                let missing = || io::Error::from_raw_os_error(libc::EBADF);
                let mount = self.given.get(*number).ok_or_else(missing).and_then(OwnedFd::try_clone);
                mount.and_then(|mount| attach_in(mount, self)).doing(|| format!("attach mount {number}"))
            }
        }
    }

    fn open(&self, name: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(&self.dir, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
    }

    fn new_name(&self) -> String {
        self.names.set(self.names.get() + 1);
        self.names.get().to_string()
    }
}

/// Mounts the root file system, not yet as our root.
pub(crate) fn mount(root: &Root, scratch: &Scratch) -> Result<OwnedFd, Failure> {
    match root {
        Root::Overlay { lowers, upper, work } => {
            let upper_fd = open_dir(upper)?;
            if lowers.is_empty() {
                return bind(upper_fd.as_fd(), true)
                    .and_then(|mount| attach_in(mount, scratch))
                    .doing(|| format!("mount `{}`", upper.display()));
            }
            let lowers = scratch.open_lowers(lowers)?;
            let layers = Layers { lowers, upper: upper_fd, work: open_dir(work)? };
            overlay(&layers, scratch).doing(|| format!("mount an overlay on `{}`", upper.display()))
        }
        Root::Scratch { lowers } => over_scratch(lowers, scratch),
        Root::Dir(dir) => {
            let source = open_dir(dir)?;
            bind(source.as_fd(), true)
                .and_then(|mount| attach_in(mount, scratch))
                .doing(|| format!("mount `{}`", dir.display()))
        }
    }
}

fn over_scratch(lowers: &[Lower], scratch: &Scratch) -> Result<OwnedFd, Failure> {
    let mounting = || "mount an overlay in memory".to_owned();
    let upper = scratch.new_dir().doing(mounting)?;
    if lowers.is_empty() {
        return bind(upper.as_fd(), false).and_then(|mount| attach_in(mount, scratch)).doing(mounting);
    }
    let lowers = scratch.open_lowers(lowers)?;
    let layers = Layers { lowers, upper, work: scratch.new_dir().doing(mounting)? };
    overlay(&layers, scratch).doing(mounting)
}

fn attach_in(mount: OwnedFd, scratch: &Scratch) -> io::Result<OwnedFd> {
    attach(mount.as_fd(), scratch.new_dir()?.as_fd())?;
    Ok(mount)
}

/// The directories of an overlay, opened; the top-most lower first.
pub(crate) struct Layers {
    pub lowers: Vec<OwnedFd>,
    pub upper: OwnedFd,
    pub work: OwnedFd,
}

/// Mounts an overlay on a new directory of the scratch.
pub(crate) fn overlay(layers: &Layers, scratch: &Scratch) -> io::Result<OwnedFd> {
    match overlay_by_descriptors(layers) {
        Err(Errno::INVAL) => overlay_by_options(layers, scratch),
        Err(e) => Err(e.into()),
        Ok(mount) => attach_in(mount, scratch),
    }
}

// Linux 6.5 and later take one layer at a time.
fn overlay_by_descriptors(layers: &Layers) -> Result<OwnedFd, Errno> {
    let fs = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(fs.as_fd(), "source", "overlay")?;
    fsconfig_set_flag(fs.as_fd(), "userxattr")?;
    // What a step writes can be made again, so its fsyncs (dpkg has one a file) need not reach the disk.
    fsconfig_set_flag(fs.as_fd(), "volatile")?;
    for (key, value) in FIXED {
        fsconfig_set_string(fs.as_fd(), key, value)?;
    }
    for lower in &layers.lowers {
        fsconfig_set_string(fs.as_fd(), "lowerdir+", by_number(lower))?;
    }
    fsconfig_set_string(fs.as_fd(), "upperdir", by_number(&layers.upper))?;
    fsconfig_set_string(fs.as_fd(), "workdir", by_number(&layers.work))?;
    fsconfig_create(fs.as_fd())?;
    fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

fn by_number(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

// Older ones take one string of at most a page: from within /proc/self/fd each layer is but a number.
fn overlay_by_options(layers: &Layers, scratch: &Scratch) -> io::Result<OwnedFd> {
    let name = scratch.new_name();
    rustix::fs::mkdirat(&scratch.dir, &name, Mode::from_raw_mode(0o755))?;
    let at = format!("{}/{name}", scratch.dir.as_raw_fd());
    let options = CString::new(options(layers)).expect("numbers and names of options have no zero byte");
    rustix::process::chdir("/proc/self/fd")?;
    rustix::mount::mount("overlay", at.as_str(), "overlay", MountFlags::empty(), options.as_c_str())?;
    rustix::process::chdir("/")?;
    Ok(scratch.open(&name)?)
}

fn options(layers: &Layers) -> String {
    let lowers: Vec<String> = layers.lowers.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
    let fixed: String = FIXED.iter().map(|(key, value)| format!(",{key}={value}")).collect();
    let (upper, work) = (layers.upper.as_raw_fd(), layers.work.as_raw_fd());
    format!("lowerdir={},upperdir={upper},workdir={work},userxattr,volatile{fixed}", lowers.join(":"))
}

/// A new file system of `kind`, mounted nowhere yet.
pub(crate) fn new_fs(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let fs = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(fs.as_fd(), "source", kind)?;
    for (key, value) in options {
        fsconfig_set_string(fs.as_fd(), *key, *value)?;
    }
    fsconfig_create(fs.as_fd())?;
    Ok(fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// A copy of what is mounted at a file or directory, itself mounted nowhere yet.
pub(crate) fn bind(source: BorrowedFd<'_>, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    Ok(open_tree(source, "", flags)?)
}

/// Mounts what [`new_fs`] or [`bind`] made.
pub(crate) fn attach(mount: BorrowedFd<'_>, at: BorrowedFd<'_>) -> io::Result<()> {
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", at, "", both)?)
}

/// Makes a mount read-only, and all mounts below it if asked to.
pub(crate) fn make_readonly(mount: BorrowedFd<'_>, recursive: bool) -> io::Result<()> {
    sys::mount_setattr(mount, MountAttrFlags::MOUNT_ATTR_RDONLY.bits().into(), recursive)
}

/// Opens a directory of the host, only to name it.
pub(crate) fn open_dir(path: &Path) -> Result<OwnedFd, Failure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).doing(|| format!("open `{}`", path.display()))
}

/// Room for five hundred layers' descriptors where the limit is lower, until dropped.
pub(crate) struct OpenFiles {
    soft: u64,
    hard: u64,
}

impl OpenFiles {
    pub(crate) fn raise() -> OpenFiles {
        let (soft, hard) = sys::open_files_limit();
        let _ = sys::set_rlimit(libc::RLIMIT_NOFILE, hard, hard);
        OpenFiles { soft, hard }
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        let _ = sys::set_rlimit(libc::RLIMIT_NOFILE, self.soft, self.hard);
    }
}
