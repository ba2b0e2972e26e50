//! A table of descriptors that only the serving threads have.
//!
//! The kernel aborts a connection when the last descriptor of its device is closed. A process that is killed has its
//! table until its last thread is gone, and a thread that waits in rename(2) can't go: it waits for the lock that
//! overlayfs holds while it copies a file up, and overlayfs waits for an answer of ours that nobody will give. So the
//! device is in no table but that of threads which are always ready to go.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::fs::{AtFlags, FileType, StatxFlags, statx};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Gives the calling thread, and those that it starts from now on, a table of its own. Copies in it are `wanted`, which
/// are handed out, the three standard descriptors, and directories, since files to be served are opened below those.
/// Whatever else is open is not: a lock must end when its owner drops it.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn own<const N: usize>(wanted: [RawFd; N]) -> io::Result<[OwnedFd; N]> {
    // SAFETY: from here on this thread uses none of the others' descriptors but those that are kept, and nothing that
    // owns one is dropped on the other side: see `serve`.
    unsafe { unshare_unsafe(UnshareFlags::FILES)? };
    for fd in open()? {
        if fd > 2 && !wanted.contains(&fd) && is_dir(fd) == Some(false) {
            // SAFETY: open, and a copy in our own table, which nothing here knows of.
            unsafe { rustix::io::close(fd) };
        }
    }
    // SAFETY: copies in our own table, ours alone.
    Ok(wanted.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// All that is open, among it the directory that tells, which is closed again by then.
fn open() -> io::Result<Vec<RawFd>> {
    let names = std::fs::read_dir("/proc/thread-self/fd")?;
    names.map(|name| Ok(name?.file_name().to_str().and_then(|n| n.parse().ok()).unwrap_or(-1))).collect()
}

/// Whether it is a directory; none if it isn't open any more.
fn is_dir(fd: RawFd) -> Option<bool> {
    // SAFETY: not held longer than the call, which fails for what is not open.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    // As the kernel knows it: a mount that is served would be asked otherwise.
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(fd, "", flags, StatxFlags::TYPE).ok()?;
    Some(FileType::from_raw_mode(stat.stx_mode.into()) == FileType::Directory)
}
