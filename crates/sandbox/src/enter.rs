//! The program itself onto a rung: once a build, before its first thread.
//!
//! ```text
//! the process that was started ── waits, hands signals on, exits with our code
//!   └─ this program, going on as root of a user namespace
//!        ├─ monitor ── step
//!        └─ monitor ── step
//! ```
//! The two set-uid helpers that fill the id maps cost about five milliseconds, which is why there is one user
//! namespace for all steps. As root there is nothing to do: each step has its own mount namespace.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use rustix::mount::MountPropagationFlags;
use rustix::process::Signal;

use crate::rung::{Ids, Rung};
use crate::subid::Range;
use crate::sys::{self, Ended, Forked};

/// Signals that are sent to the process that was started but meant for us. What a terminal sends reaches both of
/// us anyway, and a second Ctrl-C means something else than the first.
const HANDED_ON: [i32; 6] =
    [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

/// We are on the rung.
#[derive(Debug)]
pub struct Entered {
    /// Which one.
    pub rung: Rung,
}

/// Enters `rung`: afterwards this process is root over the ids that it has. Must be called before there are
/// threads. On [`Rung::UsernsSubuids`] it is a child that returns, and the caller's process stays behind to exit
/// with its code.
pub fn enter(rung: Rung) -> io::Result<Entered> {
    match rung {
        Rung::Root => {}
        Rung::UsernsSubuids => enter_userns()?,
    }
    Ok(Entered { rung })
}

fn enter_userns() -> io::Result<()> {
    let ids = Ids::of_user().map_err(io::Error::other)?;
    let (ours, childs) = UnixStream::pair()?;
    let before = rustix::process::getpid();
    match sys::fork()? {
        Forked::Child => {
            drop(ours);
            wait_for_ids(childs);
            become_root()?;
            die_with(before)
        }
        Forked::Parent(pid) => {
            drop(childs);
            let mapped = map_ids(pid, &ids, ours);
            if mapped.is_err() {
                let _ = sys::kill(pid, libc::SIGKILL);
                let _ = sys::reap(pid, true);
            }
            mapped?;
            std::process::exit(stand_by(pid))
        }
    }
}

/// In the child: makes the namespace, and returns when the parent has filled its maps. If anything fails it is the
/// parent that tells the caller, since there must be one error and not two.
fn wait_for_ids(mut parent: UnixStream) {
    let made = sys::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS);
    let errno = made.map_or_else(|e| e.raw_os_error().unwrap_or(libc::EPERM), |()| 0);
    let told = parent.write_all(&[errno as u8]).and_then(|()| parent.read_exact(&mut [0]));
    if errno != 0 || told.is_err() {
        sys::exit_now(1);
    }
}

fn become_root() -> io::Result<()> {
    sys::become_user(0, 0, &[])?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", private)?)
}

fn die_with(parent: rustix::process::Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    if rustix::process::getppid() != Some(parent) {
        sys::exit_now(128 + libc::SIGKILL);
    }
    Ok(())
}

/// In the parent: waits for the child's namespace and fills its maps.
fn map_ids(pid: i32, ids: &Ids, mut child: UnixStream) -> io::Result<()> {
    let mut errno = [0];
    child.read_exact(&mut errno)?;
    if errno != [0] {
        return Err(io::Error::from_raw_os_error(errno[0].into()));
    }
    map(&ids.newuidmap, pid, rustix::process::getuid().as_raw(), &ids.uids)?;
    map(&ids.newgidmap, pid, rustix::process::getgid().as_raw(), &ids.gids)?;
    child.write_all(&[0])
}

fn map(tool: &Path, pid: i32, own: u32, ranges: &[Range]) -> io::Result<()> {
    let output = Command::new(tool).arg(pid.to_string()).args(extents(own, ranges)).output();
    let output = output.map_err(|e| io::Error::new(e.kind(), format!("run `{}`: {e}", tool.display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("map ids with `{}`: {}", tool.display(), said.trim())))
}

/// 0 is ourselves; from 1 on come the subordinate ids, one range after the other.
fn extents(own: u32, ranges: &[Range]) -> Vec<String> {
    let mut numbers = vec![0, own, 1];
    let mut next = 1u32;
    for range in ranges {
        let count = range.count.min(u32::MAX - next);
        numbers.extend([next, range.start, count]);
        next += count;
    }
    numbers.iter().map(u32::to_string).collect()
}

/// Waits for the child, hands signals on, and gives its exit code as a shell would.
fn stand_by(pid: i32) -> i32 {
    let mut signals = HANDED_ON.to_vec();
    signals.push(libc::SIGCHLD);
    sys::block(&signals);
    loop {
        match sys::reap(pid, false) {
            Ok(Some(Ended::Code(code))) => return code,
            Ok(Some(Ended::Signal(signal))) => return 128 + signal,
            Ok(None) => hand_on(pid, &signals),
            Err(_) => return 1,
        }
    }
}

fn hand_on(pid: i32, signals: &[i32]) {
    if let Ok(came) = sys::wait_signal(signals)
        && came.signal != libc::SIGCHLD
        && !came.from_kernel
    {
        let _ = sys::kill(pid, came.signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other_after_root() {
        let ranges = [Range { start: 100_000, count: 65_536 }, Range { start: 300_000, count: 10 }];
        let expected = ["0", "1000", "1", "1", "100000", "65536", "65537", "300000", "10"];
        assert_eq!(extents(1000, &ranges), expected);
    }
}
