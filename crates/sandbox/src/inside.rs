//! From a fresh process in new namespaces to the program that was asked for: the order of things.
//!
//! Runs in the child of `monitor`, which is alone in its process. First comes all that no step differs in, then the
//! child waits for its step. What can fail says so over the status socket, which the exec closes. Everything that needs
//! privileges comes before `identity` takes them away.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FileType, Gid, Mode, Uid};
use rustix::mount::{MountPropagationFlags, UnmountFlags};
use rustix::process::Signal;

use crate::child::Form;
use crate::exec::Launch;
use crate::place::Points;
use crate::root::{OpenFiles, Scratch};
use crate::step::{Network, Step};
use crate::system::System;
use crate::wire::{self, Doing, Failure, Report, Run};
use crate::{identity, mounts, root, sys, system, tty};

/// Becomes the program of the step that it is told.
pub(crate) fn run(form: Form, status: UnixStream) -> ! {
    let failure = match prepare(form, &status) {
        Ok(launch) => launch.exec(),
        Err(failure) => failure,
    };
    let _ = wire::send(&status, &Report::Failed(failure));
    sys::exit_now(127)
}

fn prepare(form: Form, status: &UnixStream) -> Result<Launch, Failure> {
    die_with_the_monitor(status);
    sys::default_signals();
    let _ = rustix::process::setsid();
    sys::join_new_keyring();
    rustix::process::umask(Mode::empty());
    let aside = Aside::mount(form)?;

    let (step, mut given) = wait(status);
    let launch = Launch::new(&step)?;
    set_up_names(&step)?;
    build(&step, aside, std::mem::take(&mut given.mounts), status)?;
    connect(&step, given, status)?;
    rustix::process::chdir(&step.cwd)
        .doing(|| format!("enter the working directory `{}`", step.cwd.display()))?;
    if let Some(listener) = identity::assume(&step)? {
        wire::send_with(status, &Report::Listener, &[listener.as_fd()])
            .doing(|| "hand over the filter's listener".to_owned())?;
    }
    // Changing ids has cleared it.
    die_with_the_monitor(status);
    sys::close_on_exec_from_3().doing(|| "close our files".to_owned())?;
    Ok(launch)
}

/// What is mounted before the step is known.
struct Aside {
    scratch: Scratch,
    system: System,
}

impl Aside {
    fn mount(form: Form) -> Result<Aside, Failure> {
        // What the host mounts and unmounts until the step comes still reaches us; nothing of ours goes out.
        propagate(MountPropagationFlags::DOWNSTREAM)?;
        let scratch = Scratch::mount()?;
        let system = System::mount(form, &scratch)?;
        Ok(Aside { scratch, system })
    }
}

fn propagate(how: MountPropagationFlags) -> Result<(), Failure> {
    rustix::mount::mount_change("/", how | MountPropagationFlags::REC)
        .doing(|| "make our mounts private".to_owned())
}

/// Waits for the step. If none comes any more, that is the end.
fn wait(status: &UnixStream) -> (Box<Step>, Given) {
    match wire::receive(status) {
        Ok(Some((Run { step, stdin, outputs, .. }, fds))) => (step, Given::sorted(fds, stdin, outputs)),
        Ok(None) | Err(_) => sys::exit_now(127),
    }
}

/// What came with the order to run.
struct Given {
    stdin: Option<OwnedFd>,
    /// Standard output and error, unless they are the monitor's own.
    outputs: Vec<OwnedFd>,
    mounts: Vec<OwnedFd>,
}

impl Given {
    fn sorted(fds: Vec<OwnedFd>, stdin: bool, outputs: bool) -> Given {
        let mut fds = fds.into_iter();
        let stdin = if stdin { fds.next() } else { None };
        let outputs = fds.by_ref().take(if outputs { 2 } else { 0 }).collect();
        Given { stdin, outputs, mounts: fds.collect() }
    }
}

fn die_with_the_monitor(status: &UnixStream) {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    // It may have died before that. Our parent has no pid in this namespace, but it holds the socket.
    let mut fds = [PollFd::new(status, PollFlags::empty())];
    let _ = rustix::event::poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }));
    if fds[0].revents().contains(PollFlags::HUP) {
        sys::exit_now(127);
    }
}

fn set_up_names(step: &Step) -> Result<(), Failure> {
    sys::set_hostname(step.hostname.as_bytes()).doing(|| format!("set the host name `{}`", step.hostname))?;
    match step.network {
        Network::Host => Ok(()),
        Network::None => sys::loopback_up().doing(|| "bring the loopback interface up".to_owned()),
    }
}

/// Builds the root file system, and moves into it for good.
fn build(step: &Step, aside: Aside, given: Vec<OwnedFd>, status: &UnixStream) -> Result<(), Failure> {
    propagate(MountPropagationFlags::PRIVATE)?;
    let _room = OpenFiles::raise();
    let Aside { scratch, system } = aside;
    let scratch = scratch.with(given);
    let root = root::mount(&step.root, &scratch)?;
    let mut points = Points::new(root.as_fd(), &step.root)?;
    system.place(step, &mut points)?;
    for mount in &step.mounts {
        mounts::mount(mount, &scratch, &mut points)?;
    }
    system::mount_network_files(step, &scratch, &mut points)?;
    if step.readonly_root {
        root::make_readonly(root.as_fd(), false).doing(|| "make the root read-only".to_owned())?;
    }
    let report = Report::Prepared(points.into_prepared());
    wire::send(status, &report).doing(|| "report the mount points".to_owned())?;
    move_into(root)
}

fn move_into(root: OwnedFd) -> Result<(), Failure> {
    let moving = || "move into the new root".to_owned();
    rustix::process::fchdir(&root).doing(moving)?;
    // The old root ends up mounted over the new one, with the scratch on top: two to take away.
    rustix::process::pivot_root(".", ".").doing(moving)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).doing(moving)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).doing(moving)?;
    rustix::process::chdir("/").doing(moving)
}

/// Puts the three standard descriptors in place: 1 and 2 already are, unless they were given or there is a terminal.
fn connect(step: &Step, given: Given, status: &UnixStream) -> Result<(), Failure> {
    if step.tty {
        return tty::open_console(step.uid, given.stdin.as_ref(), status);
    }
    for (output, number) in given.outputs.iter().zip(1..) {
        sys::dup_onto(output.as_fd(), number).doing(|| "connect the outputs".to_owned())?;
    }
    let connecting = || "connect the standard input".to_owned();
    let stdin = match given.stdin {
        Some(fd) => fd,
        // The writing end is closed at once, so reading finds the end.
        None => rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).doing(connecting)?.0,
    };
    sys::dup_onto(stdin.as_fd(), 0).doing(connecting)?;
    give_pipes_to(step.uid);
    Ok(())
}

/// Lets another user open `/dev/stdout` and friends: a pipe belongs to the one who made it. Never a file or a
/// terminal: those are the caller's.
fn give_pipes_to(uid: u32) {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for fd in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        let pipe =
            rustix::fs::fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
        if pipe {
            // The maker may be a user that has no number here.
            let _ = rustix::fs::fchown(fd, Some(Uid::from_raw(uid)), None::<Gid>);
        }
    }
}

/// Bytes to a C string, for those that come from outside and may hold a zero.
pub(crate) fn c_string(bytes: &[u8], what: &str) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| Failure::Setup {
        what: format!("use {what} with a zero byte in it"),
        errno: libc::EINVAL,
    })
}
