//! The mounts that a step asks for: binds, tmpfs, files in memory, overlays.
//!
//! One `Mount` to one mount. Where it goes is `place`'s business.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::mount::MountAttrFlags;

use crate::place::{Kind, Points};
use crate::root::{self, Layers, Scratch};
use crate::step::{Mount, MountKind};
use crate::wire::{Doing, Failure};

/// A file that exists in memory alone.
pub(crate) struct MemoryFile<'a> {
    pub contents: &'a [u8],
    pub mode: u32,
    pub owner: (u32, u32),
    pub readonly: bool,
}

/// Mounts one of the step's own mounts.
pub(crate) fn mount(mount: &Mount, scratch: &Scratch, points: &mut Points<'_>) -> Result<(), Failure> {
    let target = &mount.target;
    match &mount.kind {
        MountKind::Bind { source, readonly, recursive } => {
            let (mount, kind) = open_bind(source, *readonly, *recursive)
                .doing(|| format!("bind `{}` to `{}`", source.display(), target.display()))?;
            attach(mount, target, kind, points)
        }
        MountKind::Within { root, path, readonly } => {
            let (mount, kind) = open_within(root, path, *readonly).doing(|| {
                format!("bind `{}` of `{}` to `{}`", path.display(), root.display(), target.display())
            })?;
            attach(mount, target, kind, points)
        }
        MountKind::Tmpfs { size, mode } => {
            let mount =
                open_tmpfs(*size, *mode).doing(|| format!("mount a tmpfs on `{}`", target.display()))?;
            attach(mount, target, Kind::Dir, points)
        }
        MountKind::File { contents, mode, uid, gid, readonly } => {
            let file = MemoryFile { contents, mode: *mode, owner: (*uid, *gid), readonly: *readonly };
            mount_file(&file, target, scratch, points)
        }
        MountKind::Overlay { lowers, upper, work } => {
            let at = points.point(target, Kind::Dir)?;
            let layers = Layers {
                lowers: scratch.open_lowers(lowers)?,
                upper: root::open_dir(upper)?,
                work: root::open_dir(work)?,
            };
            mount_overlay(&layers, at, scratch)
                .doing(|| format!("mount an overlay on `{}`", target.display()))
        }
    }
}

/// Mounts a file that is in memory.
pub(crate) fn mount_file(
    file: &MemoryFile<'_>,
    target: &Path,
    scratch: &Scratch,
    points: &mut Points<'_>,
) -> Result<(), Failure> {
    let mount = open_file(file, scratch).doing(|| format!("make the file `{}`", target.display()))?;
    attach(mount, target, Kind::File, points)
}

fn attach(mount: OwnedFd, target: &Path, kind: Kind, points: &mut Points<'_>) -> Result<(), Failure> {
    let at = points.point(target, kind)?;
    root::attach(mount.as_fd(), at.as_fd()).doing(|| format!("mount on `{}`", target.display()))
}

fn open_bind(source: &Path, readonly: bool, recursive: bool) -> io::Result<(OwnedFd, Kind)> {
    let source = rustix::fs::open(source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    bind(source.as_fd(), readonly, recursive)
}

/// The kernel resolves the path in one go, so no step that runs at the same time can swap a part of it for a link.
fn open_within(root: &Path, path: &Path, readonly: bool) -> io::Result<(OwnedFd, Kind)> {
    let root = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let source = rustix::fs::openat2(&root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    bind(source.as_fd(), readonly, false)
}

fn bind(source: BorrowedFd<'_>, readonly: bool, recursive: bool) -> io::Result<(OwnedFd, Kind)> {
    let dir = FileType::from_raw_mode(rustix::fs::fstat(source)?.st_mode) == FileType::Directory;
    let mount = root::bind(source, recursive)?;
    if readonly {
        root::make_readonly(mount.as_fd(), recursive)?;
    }
    Ok((mount, if dir { Kind::Dir } else { Kind::File }))
}

fn open_tmpfs(size: Option<u64>, mode: u32) -> io::Result<OwnedFd> {
    let mode = format!("{mode:o}");
    let size = size.map(|bytes| bytes.to_string());
    let mut options = vec![("mode", mode.as_str())];
    options.extend(size.as_deref().map(|size| ("size", size)));
    root::new_fs("tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NOSUID)
}

fn open_file(file: &MemoryFile<'_>, scratch: &Scratch) -> io::Result<OwnedFd> {
    let fd = scratch.new_file(file.contents)?;
    rustix::fs::fchown(&fd, Some(Uid::from_raw(file.owner.0)), Some(Gid::from_raw(file.owner.1)))?;
    rustix::fs::fchmod(&fd, Mode::from_raw_mode(file.mode))?;
    let mount = root::bind(fd.as_fd(), false)?;
    if file.readonly {
        root::make_readonly(mount.as_fd(), false)?;
    }
    Ok(mount)
}

fn mount_overlay(layers: &Layers, at: OwnedFd, scratch: &Scratch) -> io::Result<()> {
    let overlay = root::overlay(layers, scratch)?;
    // Moved, not copied: a mount of its own would be left in the scratch.
    root::attach(overlay.as_fd(), at.as_fd())
}
