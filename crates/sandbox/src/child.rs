//! A step's first process, as its monitor has it: made in namespaces of its own, and told later what to run.
//!
//! So one can be got ready while the program is still busy with what the step before has left. By the time it is told,
//! it has mounted what all steps have: see `inside`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::inside;
use crate::step::{Caps, Network, Step};
use crate::sys::{self, Cloned, Ended};
use crate::wire::{self, Run};

/// What of a step its process has to know from the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub network: Network,
    pub caps: Caps,
}

impl Form {
    pub(crate) fn of(step: &Step) -> Form {
        Form { network: step.network, caps: step.caps }
    }

    fn namespaces(self) -> u64 {
        let own = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        let net = match self.network {
            Network::Host => 0,
            Network::None => libc::CLONE_NEWNET,
        };
        (own | net) as u64
    }
}

/// The process. Dropped, it is killed and reaped.
pub(crate) struct Child {
    pub form: Form,
    pub pid: i32,
    pub pidfd: OwnedFd,
    /// Takes the order, and closes when the program inside was started, or wasn't.
    pub status: Option<UnixStream>,
    reaped: bool,
}

impl Child {
    /// Makes one. Only for a process with one thread.
    pub(crate) fn start(form: Form) -> io::Result<Child> {
        let (status, theirs) = UnixStream::pair()?;
        match sys::clone3(form.namespaces())? {
            Cloned::Child => {
                drop(status);
                inside::run(form, theirs)
            }
            Cloned::Parent { pid, pidfd } => {
                Ok(Child { form, pid, pidfd, status: Some(status), reaped: false })
            }
        }
    }

    /// Hands the order to run on to it, with what came with that.
    pub(crate) fn tell(&self, run: &Run, fds: &[OwnedFd]) -> io::Result<()> {
        let Some(status) = &self.status else { return Err(io::ErrorKind::NotConnected.into()) };
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        wire::send_with(status, run, &fds)
    }

    /// Whether it can still be told.
    pub(crate) fn is_alive(&mut self) -> bool {
        let ended = sys::reap(self.pid, false);
        self.reaped = !matches!(ended, Ok(None));
        !self.reaped
    }

    // The first process of a pid namespace takes all others with it.
    pub(crate) fn kill(&self) {
        let _ = sys::pidfd_signal(self.pidfd.as_fd(), libc::SIGKILL);
    }

    /// Waits for its end.
    pub(crate) fn reap(&mut self) -> io::Result<Option<Ended>> {
        self.reaped = true;
        sys::reap(self.pid, true)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            let _ = self.reap();
        }
    }
}
