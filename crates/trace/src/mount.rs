//! An opened `/dev/fuse` to a mount that is attached nowhere yet.
//!
//! Device and mount must come from one user namespace. The kernel asks nothing before somebody reads the device, and
//! the mount is dead as soon as all descriptors of the device are closed.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};

/// Whether steps can be traced on this machine: opens the device and makes a mount of it, which is dropped.
///
/// # Errors
/// Why not, in words for the user.
pub fn available() -> io::Result<()> {
    let device = open()?;
    // While the device is open the kernel would wait for our answers.
    let mount = mount(device.as_fd())?;
    drop(device);
    drop(mount);
    Ok(())
}

pub(crate) fn open() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/dev/fuse", flags, Mode::empty()).map_err(|e| doing("open `/dev/fuse`", e.into()))
}

pub(crate) fn mount(device: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    detached(device).map_err(|e| doing("mount a FUSE file system", e.into()))
}

fn detached(device: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let fs = fsopen("fuse", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let number = device.as_raw_fd().to_string();
    for (key, value) in [
        ("source", "tare"),
        ("subtype", "tare"),
        ("fd", number.as_str()),
        ("rootmode", "40000"),
        ("user_id", "0"),
        ("group_id", "0"),
    ] {
        fsconfig_set_string(fs.as_fd(), key, value)?;
    }
    // A step has other users than root, and they look through an overlay that does not check again.
    for flag in ["allow_other", "ro"] {
        fsconfig_set_flag(fs.as_fd(), flag)?;
    }
    fsconfig_create(fs.as_fd())?;
    // Not nosuid: set-uid programs may lie in a layer.
    fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)
}

/// Says what was tried, keeping the kind of the error and its cause in the system's words.
fn doing(what: &str, cause: io::Error) -> io::Error {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    io::Error::new(cause.kind(), format!("{what}: {}", text.to_lowercase()))
}
