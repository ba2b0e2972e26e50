//! A terminal for a step: its own inside, copied from and to the caller's outside.
//!
//! The process inside opens the pair in its own `/dev/pts`, so that `tty` there tells the truth, and hands
//! the controlling side to the monitor, which stays in the caller's session and copies. While it does, the
//! caller's terminal is raw: Ctrl-C is a byte, and the terminal inside makes a signal of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, Termios};

use crate::root;
use crate::sys;
use crate::wire::{self, Doing, Failure, Report};

/// Opens the step's terminal and makes it its standard input, output and error.
pub(crate) fn open_console(uid: u32, callers: Option<&OwnedFd>, status: &UnixStream) -> Result<(), Failure> {
    let opening = || "open a terminal".to_owned();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master =
        rustix::fs::open("/dev/ptmx", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
            .doing(opening)?;
    rustix::pty::unlockpt(&master).doing(opening)?;
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).doing(opening)?;
    let _ = rustix::fs::fchown(&slave, Some(Uid::from_raw(uid)), None::<Gid>);
    copy_size(callers, &master);
    sys::set_controlling_tty(slave.as_fd()).doing(opening)?;
    mount_console(&master).doing(|| "make `/dev/console`".to_owned())?;
    wire::send_with(status, &Report::Console, &[master.as_fd()]).doing(opening)?;
    for number in 0..3 {
        sys::dup_onto(slave.as_fd(), number).doing(opening)?;
    }
    Ok(())
}

fn mount_console(master: &OwnedFd) -> io::Result<()> {
    let name = rustix::pty::ptsname(master, Vec::new())?;
    let node = rustix::fs::open(name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mount = root::bind(node.as_fd(), false)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    rustix::fs::open("/dev/console", flags, Mode::from_raw_mode(0o600))?;
    Ok(move_mount(&mount, "", CWD, "/dev/console", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// Copies between the caller's terminal and the step's.
pub(crate) struct Relay {
    master: OwnedFd,
    /// The caller's standard input, until it ends.
    input: Option<OwnedFd>,
    /// What was read from it and did not fit into the step's terminal yet.
    pending: Vec<u8>,
    /// Nobody inside has the terminal open any more.
    hung_up: bool,
    resized: Option<OwnedFd>,
    _raw: Option<Raw>,
}

impl Relay {
    pub(crate) fn new(master: OwnedFd, input: Option<OwnedFd>) -> Relay {
        // A full terminal must not keep us from emptying its other direction.
        let _ = rustix::fs::fcntl_setfl(&master, OFlags::NONBLOCK);
        sys::block(&[libc::SIGWINCH]);
        // A terminal in the background may stop whoever writes to it or changes its modes.
        sys::ignore(libc::SIGTTOU);
        Relay {
            _raw: input.as_ref().and_then(|input| Raw::set(input).ok()),
            resized: sys::signal_fd(&[libc::SIGWINCH]).ok(),
            pending: Vec::new(),
            hung_up: false,
            master,
            input,
        }
    }

    /// Adds what we wait for.
    pub(crate) fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, !self.pending.is_empty());
        if !self.hung_up {
            fds.push(PollFd::new(&self.master, wanted));
        }
        if let (Some(input), true) = (&self.input, self.pending.is_empty()) {
            fds.push(PollFd::new(input, PollFlags::IN));
        }
        if let Some(resized) = &self.resized {
            fds.push(PollFd::new(resized, PollFlags::IN));
        }
    }

    /// Copies what there is, without waiting.
    pub(crate) fn turn(&mut self) {
        self.drain();
        if self.pending.is_empty() && self.input.as_ref().is_some_and(|input| is_readable(input.as_fd())) {
            self.read_input();
        }
        self.write_pending();
        if let Some(resized) = &self.resized
            && rustix::io::read(resized, &mut [0u8; 128]).is_ok()
        {
            copy_size(self.input.as_ref(), &self.master);
        }
    }

    /// Copies all output that there is.
    pub(crate) fn drain(&mut self) {
        let mut buffer = [0; 16 << 10];
        loop {
            match rustix::io::read(&self.master, &mut buffer) {
                Ok(length @ 1..) if write_all(io::stdout().as_fd(), &buffer[..length]).is_ok() => {}
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Ok(_) | Err(_) => {
                    self.hung_up = true;
                    break;
                }
            }
        }
    }

    fn read_input(&mut self) {
        let Some(input) = &self.input else { return };
        let mut buffer = [0; 4 << 10];
        match rustix::io::read(input, &mut buffer) {
            Ok(length @ 1..) => self.pending.extend_from_slice(&buffer[..length]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(_) | Err(_) => {
                // What Ctrl-D sends: the step's terminal makes an end of input of it.
                self.pending.push(4);
                self.input = None;
            }
        }
    }

    fn write_pending(&mut self) {
        match rustix::io::write(&self.master, &self.pending) {
            Ok(length) => drop(self.pending.drain(..length)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.pending.clear(),
        }
    }
}

/// Gives the step's terminal the size of the caller's.
fn copy_size(callers: Option<&OwnedFd>, master: &OwnedFd) {
    let size = callers.and_then(|callers| rustix::termios::tcgetwinsize(callers).ok());
    if let Some(size) = size.or_else(|| rustix::termios::tcgetwinsize(io::stdout()).ok()) {
        let _ = rustix::termios::tcsetwinsize(master, size);
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            // The caller's own descriptor may be non-blocking; its terminal will take more soon.
            Err(Errno::AGAIN) => {
                let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The caller's terminal in raw mode, until dropped.
struct Raw {
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    fn set(terminal: &OwnedFd) -> io::Result<Raw> {
        let before = rustix::termios::tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Raw { terminal: terminal.try_clone()?, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}
