//! A `Step` to a running process, and to how it ended: the side of the program.
//!
//! Every step has a monitor, a small process of one thread that is this same binary started with
//! [`MONITOR`](crate::monitor) as its argument (see `monitor`): the program has threads and a big heap, and
//! forking that is slow and unsafe. The socket between the two carries the step, orders and reports;
//! when it closes because the program died, the monitor kills the step. A monitor may have one step after the other,
//! see `idle`.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use rustix::termios::{OptionalActions, Termios};
use serde::{Deserialize, Serialize};

use crate::idle::{self, Monitor};
use crate::step::Step;
use crate::wire::{self, Failure, Order, Prepared, Report, Run};

/// Where the three standard descriptors of a step lead.
#[derive(Debug)]
pub struct Io {
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error; with a terminal it goes where `stdout` does.
    pub stderr: Output,
}

/// A standard input.
#[derive(Debug)]
pub enum Input {
    /// A pipe that is at its end.
    Empty,
    /// The program's own.
    Inherit,
    /// This one.
    Fd(OwnedFd),
}

/// A standard output or error.
#[derive(Debug)]
pub enum Output {
    /// Nobody listens.
    Null,
    /// The program's own.
    Inherit,
    /// This one; our copy of it is closed by `spawn`.
    Fd(OwnedFd),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// With a code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl Exit {
    /// What a shell would have in `$?`.
    pub fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

/// A step that ran to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How the process ended.
    pub exit: Exit,
    /// The mount points that had to be created, as paths of the root. Those in an overlay's upper directory
    /// are already gone again, unless the step put something into them.
    pub created: Vec<PathBuf>,
    /// Whether it may have used a network beyond its own loopback. Always, unless the step was watched or had none.
    pub network: bool,
}

/// Why there is no exit code: the program was never started, or we lost sight of it.
#[derive(Debug)]
pub enum Error {
    /// The sandbox could not be built.
    Setup {
        /// The verb and the thing.
        what: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The program could not be started.
    Exec {
        /// As it was asked for.
        program: String,
        /// The kernel's reason.
        source: io::Error,
        /// The program is there, what its first line or its ELF header names is not.
        interpreter: bool,
    },
    /// The monitor died or could not be spoken to; whatever it ran is dead.
    Lost(io::Error),
}

impl Error {
    /// The exit code that a shell would give: 127 for a program that isn't there, 126 for one that
    /// can't be run, `None` if it never came to that.
    pub fn code(&self) -> Option<i32> {
        match self {
            Error::Exec { source, .. } => match source.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR) => Some(127),
                _ => Some(126),
            },
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setup { what, source } => write!(f, "{what}: {}", plain(source)),
            Error::Exec { program, source, interpreter: true } => {
                write!(f, "exec `{program}`: its interpreter is missing: {}", plain(source))
            }
            Error::Exec { program, source, .. } => write!(f, "exec `{program}`: {}", plain(source)),
            Error::Lost(source) => write!(f, "talk to the step's monitor: {}", plain(source)),
        }
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        let source = io::Error::from_raw_os_error;
        match failure {
            Failure::Setup { what, errno } => Error::Setup { what, source: source(errno) },
            Failure::Exec { program, errno, interpreter } => {
                Error::Exec { program, source: source(errno), interpreter }
            }
        }
    }
}

/// "No such file or directory (os error 2)" as `no such file or directory`.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // "I/O error" and the like keep their capitals.
    let lower = text.chars().nth(1).is_some_and(char::is_lowercase);
    match letters.next() {
        Some(first) if lower => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// A step under way. Dropping it kills the step.
#[derive(Debug)]
pub struct Running {
    /// None once it was waited for.
    monitor: Option<Monitor>,
    /// Whether the monitor can have another step afterwards.
    again: bool,
    control: Control,
    _terminal: Option<Restore>,
}

/// A handle to influence a running step from another thread.
#[derive(Clone, Debug)]
pub struct Control {
    socket: Arc<UnixStream>,
    /// The step's number.
    number: u64,
}

impl Control {
    /// Kills everything in the step.
    pub fn kill(&self) {
        self.order(&Order::Kill { number: self.number });
    }

    /// Sends a signal to the step's first process. Since the kernel keeps most signals from a first process
    /// without a handler, such a one is killed, and so is everybody at the second time of asking.
    pub fn signal(&self, signal: i32) {
        self.order(&Order::Signal { number: self.number, signal });
    }

    fn order(&self, order: &Order) {
        // The step may be over, and that is all right.
        let _ = wire::send(&self.socket, order);
    }
}

/// Starts a step. That the program inside was found is only known after [`Running::wait`].
pub fn spawn(step: &Step, io: Io) -> io::Result<Running> {
    spawn_with(step, io, &[])
}

/// Starts a step that has some of `mounts` as layers: see [`Lower::Given`](crate::step::Lower::Given).
pub fn spawn_with(step: &Step, io: Io, mounts: &[OwnedFd]) -> io::Result<Running> {
    let terminal = step.tty.then(|| Restore::of(&io.stdin)).flatten();
    let stdin = io.stdin.into_fd()?;
    let (mut monitor, outputs) = match (io.stdout, io.stderr) {
        (Output::Fd(stdout), Output::Fd(stderr)) if !step.tty => (idle::take()?, vec![stdout, stderr]),
        (stdout, stderr) => (Monitor::start(stdout.into(), stderr.into())?, Vec::new()),
    };
    let control = Control { socket: monitor.socket.clone(), number: monitor.next_number() };
    let again = !outputs.is_empty();
    let running = Running { monitor: Some(monitor), again, control, _terminal: terminal };
    running.order_run(step, stdin.as_ref(), &outputs, mounts)?;
    Ok(running)
}

impl Running {
    /// A handle for other threads.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Kills everything in the step. [`wait`](Running::wait) tells when it is over.
    pub fn kill(&self) {
        self.control.kill();
    }

    /// See [`Control::signal`].
    pub fn signal(&self, signal: i32) {
        self.control.signal(signal);
    }

    /// Waits for the end. After it, no process and no mount of the step is left.
    pub fn wait(mut self) -> Result<Finished, Error> {
        let outcome = self.follow();
        let Some(monitor) = self.monitor.take() else { unreachable!("it is waited for once") };
        match outcome {
            Some(outcome) if self.again && !matches!(outcome, Err(Error::Lost(_))) => {
                idle::keep(monitor);
                outcome
            }
            outcome => {
                let status = monitor.end().map_err(Error::Lost)?;
                outcome.unwrap_or_else(|| {
                    Err(Error::Lost(io::Error::other(format!("it ended early: {status}"))))
                })
            }
        }
    }

    fn follow(&self) -> Option<Result<Finished, Error>> {
        let mut prepared = Prepared::default();
        loop {
            match wire::receive(&self.control.socket) {
                Ok(Some((Report::Prepared(made), _))) => prepared = made,
                Ok(Some((Report::Failed(failure), _))) => return Some(Err(failure.into())),
                Ok(Some((Report::Ended(ended), _))) => {
                    let (exit, network) = (ended.exit, ended.network);
                    return Some(Ok(Finished { exit, created: prepared.created, network }));
                }
                Ok(Some((Report::Console | Report::Listener, _))) => {}
                Ok(None) => return None,
                Err(e) => return Some(Err(Error::Lost(e))),
            }
        }
    }

    fn order_run(
        &self,
        step: &Step,
        stdin: Option<&OwnedFd>,
        outputs: &[OwnedFd],
        mounts: &[OwnedFd],
    ) -> io::Result<()> {
        let order = Order::Run(Run {
            number: self.control.number,
            step: Box::new(step.clone()),
            stdin: stdin.is_some(),
            outputs: !outputs.is_empty(),
        });
        let fds: Vec<BorrowedFd> = stdin.into_iter().chain(outputs).chain(mounts).map(AsFd::as_fd).collect();
        wire::send_with(&self.control.socket, &order, &fds)
    }
}

impl Input {
    fn into_fd(self) -> io::Result<Option<OwnedFd>> {
        match self {
            Input::Empty => Ok(None),
            Input::Inherit => io::stdin().as_fd().try_clone_to_owned().map(Some),
            Input::Fd(fd) => Ok(Some(fd)),
        }
    }
}

impl From<Output> for Stdio {
    fn from(output: Output) -> Stdio {
        match output {
            Output::Null => Stdio::null(),
            Output::Inherit => Stdio::inherit(),
            Output::Fd(fd) => fd.into(),
        }
    }
}

/// Gives the caller's terminal its modes back, should the monitor die before it could.
#[derive(Debug)]
struct Restore {
    terminal: OwnedFd,
    modes: Termios,
}

impl Restore {
    fn of(stdin: &Input) -> Option<Restore> {
        let terminal = match stdin {
            Input::Empty => return None,
            Input::Inherit => io::stdin().as_fd().try_clone_to_owned().ok()?,
            Input::Fd(fd) => fd.try_clone().ok()?,
        };
        let modes = rustix::termios::tcgetattr(&terminal).ok()?;
        Some(Restore { terminal, modes })
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.modes);
    }
}
