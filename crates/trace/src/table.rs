//! A table of descriptors that only the serving threads have.
//!
//! The kernel aborts a connection when the last descriptor of its device is closed. A process that is killed has its
//! table until its last thread is gone, and a thread that waits in rename(2) can't go: it waits for the lock that
//! overlayfs holds while it copies a file up, and overlayfs waits for an answer of ours that nobody will give. So the
//! device is in no table but that of threads which are always ready to go.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::fs::{AtFlags, FileType, StatxFlags, stat, statx};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// The kernel's own bound, unless somebody has raised it: far above what any process has open.
const HIGHEST: RawFd = 1 << 20;

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

/// All that is open.
fn open() -> io::Result<Vec<RawFd>> {
    // For each name that it lists the kernel makes an inode, and layers may be hundreds. Linux 6.2 and later tell how
    // many there are.
    match stat("/proc/thread-self/fd")?.st_size {
        0 => listed(),
        count => Ok((0..HIGHEST).filter(|fd| is_dir(*fd).is_some()).take(count as usize).collect()),
    }
}

/// The directory that tells is among it, closed again by then.
fn listed() -> io::Result<Vec<RawFd>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    fn what_is_not_wanted_is_closed_in_the_own_table_alone() {
        let open_file = || File::open("/dev/null").expect("open");
        let (wanted, other, dir) = (open_file(), open_file(), File::open("/").expect("open"));
        let all = [&wanted, &other, &dir].map(AsRawFd::as_raw_fd);
        let inside = || {
            let [_kept] = own([all[0]]).expect("a table");
            let still: Vec<RawFd> =
                listed().expect("a list").into_iter().filter(|fd| is_dir(*fd).is_some()).collect();
            assert_eq!(open().expect("what is open"), still);
            all.map(is_dir)
        };
        let there = std::thread::scope(|scope| scope.spawn(inside).join().expect("no panic"));
        assert_eq!(there, [Some(false), None, Some(true)]);
        assert_eq!(all.map(is_dir), [Some(false), Some(false), Some(true)]);
    }
}
