//! Who looks, and whether it may be forgotten.

use std::sync::Arc;

/// Says which program a process runs.
///
/// It is asked while the process waits for the answer to a system call, so what `/proc` says of it is true then.
/// It must not wait for anything that the process may hold: its memory (`/proc/PID/cmdline`, `environ`, `maps`) can
/// be locked by a thread that waits for us. A policy that needs those has to give up, not to wait.
pub trait Policy: Send + Sync {
    /// Who the process is. The number is a thread's, in the PID namespace in which the server was started, and 0
    /// where the kernel knows none.
    fn reader(&self, pid: u32) -> Reader;
}

/// A program that looks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reader {
    /// It could not be found out.
    Unknown,
    /// A program, by the path of its executable.
    Program(Arc<str>),
    /// A go command that was proved to be one, running `build` or `install`.
    Go(Arc<str>),
}

impl Reader {
    pub(crate) fn program(self) -> Option<Arc<str>> {
        match self {
            Reader::Unknown => None,
            Reader::Program(path) | Reader::Go(path) => Some(path),
        }
    }
}

/// Forgets nothing; programs are known by what `/proc` says.
pub struct Strict;

impl Policy for Strict {
    fn reader(&self, pid: u32) -> Reader {
        match rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new()) {
            Ok(path) => Reader::Program(path.to_string_lossy().into()),
            Err(_) => Reader::Unknown,
        }
    }
}
