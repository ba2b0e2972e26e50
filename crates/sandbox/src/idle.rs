//! Monitors between two steps: whoever has done its work waits for the next, which saves a step the start of a program.
//!
//! Such a monitor has nothing of the step that was: it was told of it over the socket, and the process inside is gone.
//! Its outputs are never a step's own. It may have a process ready for the next step, see `child`. It ends when the
//! program does, for then the socket closes.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::monitor;

/// How many wait at most: each holds a megabyte.
const MOST: usize = 16;

static IDLE: Mutex<Vec<Monitor>> = Mutex::new(Vec::new());

/// A monitor's process and the socket to it. Dropped, it ends, and kills the step that it has.
#[derive(Debug)]
pub(crate) struct Monitor {
    process: Child,
    pub socket: Arc<UnixStream>,
    /// How many steps it has had.
    steps: u64,
}

impl Monitor {
    /// Starts one that has these outputs.
    pub(crate) fn start(stdout: Stdio, stderr: Stdio) -> io::Result<Monitor> {
        let (ours, theirs) = UnixStream::pair()?;
        let process = Command::new("/proc/self/exe")
            .arg0("tare-step")
            .arg(monitor::ARGUMENT)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout)
            .stderr(stderr)
            .spawn()?;
        Ok(Monitor { process, socket: Arc::new(ours), steps: 0 })
    }

    /// The number of the step that it is going to have.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> io::Result<ExitStatus> {
        let _ = self.socket.shutdown(Shutdown::Both);
        self.process.wait()
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // It may have ended before, and that is all right.
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.process.wait();
    }
}

/// One that waits, or a new one.
pub(crate) fn take() -> io::Result<Monitor> {
    while let Some(mut monitor) = pop() {
        // Somebody may have killed it.
        if monitor.is_alive() {
            return Ok(monitor);
        }
    }
    Monitor::start(Stdio::null(), Stdio::null())
}

/// Lets one wait whose step is over.
pub(crate) fn keep(monitor: Monitor) {
    let mut idle = lock();
    if idle.len() < MOST {
        idle.push(monitor);
    }
}

/// Ends the monitors that have no step. Without it they end with the program.
pub fn dismiss() {
    let idle = std::mem::take(&mut *lock());
    // All of them first, so that they end at the same time.
    idle.iter().for_each(|monitor| drop(monitor.socket.shutdown(Shutdown::Both)));
}

fn pop() -> Option<Monitor> {
    lock().pop()
}

fn lock() -> MutexGuard<'static, Vec<Monitor>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}
