//! The root file system of the tests, and how to run a step in it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use sandbox::{Error, Exit, Finished, Input, Io, Output, Root, Step};

const APPLETS: [&str; 24] = [
    "awk", "cat", "chmod", "chown", "grep", "head", "hostname", "id", "kill", "ln", "ls", "mkdir", "mv",
    "rm", "sh", "sleep", "stat", "stty", "sync", "touch", "true", "tty", "wc", "env",
];

/// A directory that goes away with it, and in it a root file system that no test changes.
pub struct World {
    dir: PathBuf,
    names: AtomicUsize,
}

impl World {
    pub fn new() -> World {
        let dir = std::env::temp_dir().join(format!("sandbox-test-{}", std::process::id()));
        let world = World { dir, names: AtomicUsize::new(0) };
        fill(&world.base());
        world
    }

    /// The read-only layer with busybox and the prober.
    pub fn base(&self) -> PathBuf {
        self.dir.join("base")
    }

    /// A new empty directory.
    pub fn new_dir(&self) -> PathBuf {
        let dir = self.dir.join(self.names.fetch_add(1, Ordering::SeqCst).to_string());
        fs::create_dir_all(&dir).expect("make a directory");
        dir
    }

    /// A root over the base that keeps its changes, and where it keeps them.
    pub fn overlay(&self) -> (Root, PathBuf) {
        self.overlay_over(vec![self.base()])
    }

    pub fn overlay_over(&self, lowers: Vec<PathBuf>) -> (Root, PathBuf) {
        let upper = self.new_dir();
        let lowers = lowers.into_iter().map(Into::into).collect();
        (Root::Overlay { lowers, upper: upper.clone(), work: self.new_dir() }, upper)
    }

    /// A shell script in a root that forgets its changes.
    pub fn sh(&self, script: &str) -> Step {
        step(Root::Scratch { lowers: vec![self.base().into()] }, &["/bin/sh", "-c", script])
    }

    /// The prober with arguments.
    pub fn probe(&self, args: &[&str]) -> Step {
        let argv: Vec<&str> = ["/bin/prober", "__probe"].into_iter().chain(args.iter().copied()).collect();
        step(Root::Scratch { lowers: vec![self.base().into()] }, &argv)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).expect("remove the tests' directory");
    }
}

pub fn step(root: Root, argv: &[&str]) -> Step {
    let mut step = Step::new(root, argv.iter().map(OsString::from).collect());
    step.env = vec![("PATH".into(), "/sbin:/bin".into())];
    // So that nearly all cases have a process that was ready before.
    step.followed = true;
    step
}

fn fill(base: &Path) {
    for dir in ["bin", "etc", "opt/dir", "tmp"] {
        fs::create_dir_all(base.join(dir)).expect("make the base");
    }
    fs::copy(busybox(), base.join("bin/busybox")).expect("copy busybox");
    for applet in APPLETS {
        symlink("busybox", base.join("bin").join(applet)).expect("link an applet");
    }
    fs::copy("/proc/self/exe", base.join("bin/prober")).expect("copy the prober");
    fs::copy("/proc/self/exe", base.join("bin/prober-suid")).expect("copy the prober");
    fs::set_permissions(base.join("bin/prober-suid"), PermissionsExt::from_mode(0o4755)).expect("chmod");
    fs::set_permissions(base.join("tmp"), PermissionsExt::from_mode(0o1777)).expect("chmod");
    fs::write(base.join("etc/motd"), "hello\n").expect("write");
    fs::write(base.join("opt/dir/old"), "old\n").expect("write");
    fs::write(base.join("etc/plain"), "not a program\n").expect("write");
    fs::write(base.join("bin/script"), "#!/bin/nowhere\n").expect("write");
    fs::set_permissions(base.join("bin/script"), PermissionsExt::from_mode(0o755)).expect("chmod");
    fs::write(base.join("bin/garbage"), "\x01\x02\x03").expect("write");
    fs::set_permissions(base.join("bin/garbage"), PermissionsExt::from_mode(0o755)).expect("chmod");
}

/// The host's busybox, which must be static to run in an otherwise empty root.
fn busybox() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/bin"].map(PathBuf::from);
    let mut found = std::env::split_paths(&path).chain(usual).map(|dir| dir.join("busybox"));
    let busybox =
        found.find(|file| file.is_file()).expect("install `busybox-static`: the tests build a root of it");
    let static_ = !has_interpreter(&fs::read(&busybox).expect("read busybox"));
    assert!(static_, "`{}` is not static: install `busybox-static`", busybox.display());
    busybox
}

/// Whether a 64-bit ELF file names a dynamic linker: has a program header of type 3.
fn has_interpreter(elf: &[u8]) -> bool {
    let number = |at: usize, size: usize| {
        elf[at..at + size].iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|index| number(table + index * size, 4) == 3)
}

/// What came of a step; printed whole when a test fails.
#[derive(Debug)]
#[expect(dead_code, reason = "stderr is only for Debug")]
pub struct Outcome {
    pub result: Result<Finished, Error>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Its output, if it succeeded.
    pub fn ok(self) -> String {
        match self.result {
            Ok(Finished { exit: Exit::Code(0), .. }) => self.stdout,
            _ => panic!("{self:?}"),
        }
    }

    pub fn exit(self) -> Exit {
        self.result.expect("the step ran").exit
    }

    pub fn error(self) -> Error {
        self.result.expect_err("the step can't run")
    }
}

/// Runs a step with nothing to read.
pub fn run(step: &Step) -> Outcome {
    run_with(step, Input::Empty)
}

pub fn run_with(step: &Step, stdin: Input) -> Outcome {
    run_given(step, stdin, &[])
}

/// Runs a step that has some of `mounts` as layers.
pub fn run_given(step: &Step, stdin: Input, mounts: &[OwnedFd]) -> Outcome {
    let (stdout, to_stdout) = io::pipe().expect("make a pipe");
    let (stderr, to_stderr) = io::pipe().expect("make a pipe");
    let io = Io { stdin, stdout: Output::Fd(to_stdout.into()), stderr: Output::Fd(to_stderr.into()) };
    let running = sandbox::spawn_with(step, io, mounts).expect("spawn");
    let stderr = thread::spawn(move || text(stderr));
    let stdout = text(stdout);
    Outcome { result: running.wait(), stdout, stderr: stderr.join().expect("read stderr") }
}

fn text(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("read what the step says");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A step under way whose first line of output has been read: it is surely started.
pub fn start(step: &Step) -> (sandbox::Running, String) {
    let (stdout, to_stdout) = io::pipe().expect("make a pipe");
    let stderr = Output::Fd(io::stderr().as_fd().try_clone_to_owned().expect("a copy"));
    let io = Io { stdin: Input::Empty, stdout: Output::Fd(to_stdout.into()), stderr };
    let running = sandbox::spawn(step, io).expect("spawn");
    let mut line = String::new();
    io::BufReader::new(stdout).read_line(&mut line).expect("read a line");
    (running, line)
}

/// A program in the middle of a step, for a test to kill, with the monitor of another that is over. Its argument is the
/// base.
pub fn parent(args: &[String]) -> ExitCode {
    let root = || Root::Scratch { lowers: vec![std::path::PathBuf::from(args[0].clone()).into()] };
    let script = |script| step(root(), &["sh", "-c", script]);
    let (running, line) = start(&script("sleep 1000 & echo up; sleep 1000"));
    run(&script("true")).ok();
    print!("{line}");
    io::stdout().flush().expect("write");
    let _ = running.wait();
    ExitCode::SUCCESS
}

/// Prints what a step costs: not a test, but `target/…/step-… __measure` by hand.
pub fn measure() -> ExitCode {
    let rung = sandbox::probe().expect("a rung");
    sandbox::enter(rung).expect("enter the rung");
    let world = World::new();
    let stubs = world.new_dir();
    sandbox::make_stubs(&stubs).expect("make the mount points");
    for followed in [false, true] {
        let mut times: Vec<u128> = (0..200).map(|_| time(&world, &stubs, followed)).collect();
        times.sort_unstable();
        let (min, median, most) = (times[0], times[100], times[180]);
        println!("{rung:?}, followed {followed}: min {min} us, median {median} us, p90 {most} us");
    }
    ExitCode::SUCCESS
}

/// One step, as one of several with something to do in between.
fn time(world: &World, stubs: &Path, followed: bool) -> u128 {
    let (root, _) = world.overlay_over(vec![world.base(), stubs.to_owned()]);
    let step = Step { followed, ..step(root, &["/bin/true"]) };
    let null = || Output::Fd(fs::File::create("/dev/null").expect("open").into());
    std::thread::sleep(std::time::Duration::from_millis(3));
    let start = Instant::now();
    let io = Io { stdin: Input::Empty, stdout: null(), stderr: null() };
    let finished = sandbox::spawn(&step, io).expect("spawn").wait().expect("wait");
    assert_eq!(finished.exit, Exit::Code(0));
    start.elapsed().as_micros()
}
