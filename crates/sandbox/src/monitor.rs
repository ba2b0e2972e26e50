//! The process next to each step: starts it, passes orders in and reports out, and outlives it by a moment.
//!
//! This binary again, started by `idle` with one argument; standard input is the socket to the
//! program. It has one thread and a small heap, so that it may fork. It ends the step when the program goes
//! away, and the kernel ends the step when the monitor goes away. When a step is over it waits for the next.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags};

use crate::child::{Child, Form};
use crate::place;
use crate::run::Exit;
use crate::step::{Network, Root, Step};
use crate::sys::{self, Ended};
use crate::tty::Relay;
use crate::wire::{self, Failure, Order, Prepared, Report, Run};

/// What makes this binary a monitor.
pub(crate) const ARGUMENT: &str = "__sandbox";

/// Becomes a step's monitor, and never returns, if that is what this process was started for.
/// Call it first thing in `main`.
pub fn main_if_sandbox() {
    if std::env::args_os().nth(1).is_some_and(|first| first == ARGUMENT) {
        std::process::exit(i32::from(main().is_err()));
    }
}

fn main() -> io::Result<()> {
    let control = UnixStream::from(sys::take_stdin()?);
    let mut spare = None;
    while let Some((order, fds)) = wire::receive(&control)? {
        // What was meant for a step that is over comes too late.
        let Order::Run(run) = order else { continue };
        let report = match supervise(&control, spare.take(), &run, fds) {
            Ok(ended) => Report::Ended(ended),
            Err(failure) => Report::Failed(failure),
        };
        wire::send(&control, &report)?;
        // Our own outputs were the step's, so whoever reads them waits for our end.
        if !run.outputs {
            break;
        }
        // While the program looks at what the step has left, the next one's process gets ready.
        spare = run.step.followed.then(|| Child::start(Form::of(&run.step)).ok()).flatten();
    }
    Ok(())
}

fn supervise(
    control: &UnixStream,
    spare: Option<Child>,
    run: &Run,
    fds: Vec<OwnedFd>,
) -> Result<wire::Ended, Failure> {
    let step = &*run.step;
    let terminal = if step.tty && run.stdin { fds.first().and_then(|fd| fd.try_clone().ok()) } else { None };
    let child = child_for(step, spare).map_err(|e| Failure::new("start a process in new namespaces", &e))?;
    let mut watch = Watch::new(run.number, child, terminal);
    if let Err(e) = watch.child.tell(run, &fds) {
        // What it says itself of its end is better, if it has one to speak of.
        watch.failure = Some(Failure::new("tell a process what to run", &e));
        watch.child.kill();
    }
    drop(fds);
    let outcome = watch.until_the_end(control);
    sweep(step, &watch.prepared);
    let network = watch.network.may_have_been_used(step);
    outcome.map(|exit| wire::Ended { exit, network })
}

/// The one that is ready, if it is of the right form, or a new one.
fn child_for(step: &Step, spare: Option<Child>) -> io::Result<Child> {
    if !step.tty {
        // Ctrl-C in a terminal is for the program, which then decides what becomes of the steps.
        let _ = rustix::process::setsid();
    }
    let form = Form::of(step);
    match spare.and_then(|mut child| (child.form == form && child.is_alive()).then_some(child)) {
        Some(child) => Ok(child),
        None => Child::start(form),
    }
}

fn sweep(step: &Step, prepared: &Prepared) {
    match &step.root {
        Root::Overlay { upper: dir, .. } | Root::Dir(dir) => place::sweep(dir, prepared),
        Root::Scratch { .. } => {}
    }
}

/// What the monitor keeps an eye on while the step runs.
struct Watch {
    /// The step's.
    number: u64,
    child: Child,
    network: Watched,
    failure: Option<Failure>,
    prepared: Prepared,
    signals: Vec<i32>,
    killed_for: Option<i32>,
    terminal: Option<OwnedFd>,
    relay: Option<Relay>,
}

impl Watch {
    fn new(number: u64, child: Child, terminal: Option<OwnedFd>) -> Watch {
        Watch {
            number,
            child,
            network: Watched::default(),
            failure: None,
            prepared: Prepared::default(),
            signals: Vec::new(),
            killed_for: None,
            terminal,
            relay: None,
        }
    }

    fn until_the_end(&mut self, control: &UnixStream) -> Result<Exit, Failure> {
        let mut control = Some(control);
        while !self.turn(&mut control) {}
        while self.child.status.is_some() {
            self.read_status(control);
        }
        if let Some(relay) = &mut self.relay {
            relay.drain();
        }
        let ended = self.child.reap().map_err(|e| Failure::new("wait for the step", &e))?;
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(self.exit(ended.unwrap_or(Ended::Signal(libc::SIGKILL)))),
        }
    }

    /// One round of waiting and acting; true when the step is over.
    fn turn(&mut self, control: &mut Option<&UnixStream>) -> bool {
        let ready = self.poll(*control);
        if ready.status {
            self.read_status(*control);
        }
        if ready.control && !control.is_some_and(|control| self.obey(control)) {
            *control = None;
            self.child.kill();
        }
        self.network.answer(ready.network);
        if let Some(relay) = &mut self.relay {
            relay.turn();
        }
        ready.over
    }

    fn poll(&self, control: Option<&UnixStream>) -> Ready {
        let mut fds = vec![PollFd::new(&self.child.pidfd, PollFlags::IN)];
        let status = self.child.status.as_ref().map(|status| push(&mut fds, status.as_fd()));
        let control = control.map(|control| push(&mut fds, control.as_fd()));
        let network = self.network.listener.as_ref().map(|listener| push(&mut fds, listener.as_fd()));
        if let Some(relay) = &self.relay {
            relay.watch(&mut fds);
        }
        // An error is EINTR or a lack of memory; either way the next round asks again.
        let _ = rustix::event::poll(&mut fds, None);
        let is = |index: Option<usize>| index.is_some_and(|i| !fds[i].revents().is_empty());
        let network = network.map_or(PollFlags::empty(), |i| fds[i].revents());
        Ready { over: is(Some(0)), status: is(status), control: is(control), network }
    }

    fn read_status(&mut self, control: Option<&UnixStream>) {
        let Some(status) = &self.child.status else { return };
        match wire::receive(status) {
            Ok(Some((Report::Prepared(prepared), _))) => {
                self.prepared = prepared.clone();
                if let Some(control) = control {
                    let _ = wire::send(control, &Report::Prepared(prepared));
                }
            }
            Ok(Some((Report::Failed(failure), _))) => self.failure = Some(failure),
            Ok(Some((Report::Console, mut fds))) => {
                let terminal = self.terminal.take();
                self.relay = fds.pop().map(|master| Relay::new(master, terminal));
            }
            Ok(Some((Report::Listener, mut fds))) => self.network.listener = fds.pop(),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => self.child.status = None,
        }
    }

    /// Carries out one order; false when the program is gone.
    fn obey(&mut self, control: &UnixStream) -> bool {
        match wire::receive(control) {
            Ok(Some((Order::Kill { number }, _))) if number == self.number => self.child.kill(),
            Ok(Some((Order::Signal { number, signal }, _))) if number == self.number => self.signal(signal),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return false,
        }
        true
    }

    fn signal(&mut self, signal: i32) {
        if ends_by_default(signal) && (self.signals.contains(&signal) || !minds(self.child.pid, signal)) {
            self.killed_for = Some(signal);
            self.child.kill();
        } else {
            self.signals.push(signal);
            let _ = sys::pidfd_signal(self.child.pidfd.as_fd(), signal);
        }
    }

    fn exit(&self, ended: Ended) -> Exit {
        match (ended, self.killed_for) {
            (Ended::Code(code), _) => Exit::Code(code),
            (Ended::Signal(libc::SIGKILL), Some(signal)) => Exit::Signal(signal),
            (Ended::Signal(signal), _) => Exit::Signal(signal),
        }
    }
}

struct Ready {
    over: bool,
    status: bool,
    control: bool,
    network: PollFlags,
}

/// The kernel's questions about sockets: each is let through, but not unseen.
#[derive(Default)]
struct Watched {
    listener: Option<OwnedFd>,
    seen: bool,
}

impl Watched {
    fn answer(&mut self, ready: PollFlags) {
        let Some(listener) = &self.listener else { return };
        if ready.contains(PollFlags::IN) {
            self.seen = true;
            // If it fails, the one who asked is gone, or the next round asks again.
            let _ = sys::let_through(listener.as_fd());
        } else if !ready.is_empty() {
            // Nobody is left who could ask.
            self.listener = None;
        }
    }

    fn may_have_been_used(&self, step: &Step) -> bool {
        step.network != Network::None && (self.seen || !(step.watch_network && step.seccomp))
    }
}

fn push<'a>(fds: &mut Vec<PollFd<'a>>, fd: BorrowedFd<'a>) -> usize {
    fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
    fds.len() - 1
}

fn ends_by_default(signal: i32) -> bool {
    !matches!(
        signal,
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH | libc::SIGTSTP | libc::SIGSTOP
    )
}

/// Whether a process catches, ignores or holds back a signal, rather than leave it to the kernel's
/// default, which for the first process of a namespace is to do nothing.
fn minds(pid: i32, signal: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
    };
    (mask("SigCgt:") | mask("SigIgn:") | mask("SigBlk:")) & (1 << (signal - 1)) != 0
}
