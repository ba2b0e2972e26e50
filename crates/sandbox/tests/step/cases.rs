//! What a step finds, what it may do, and what is left of it.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize, tcgetattr};
use sandbox::{Caps, Exit, Input, Io, Network, Output, Root, Ulimit};

use crate::Case;
use crate::entering::gone;
use crate::helpers::{bind, check, names};
use crate::probe::signal;
use crate::world::{World, run, run_with, start, step};

cases![
    exit_codes_and_signals,
    the_environment_is_exact,
    ids_and_groups,
    capabilities_and_filter_are_dockers,
    insecure_keeps_all,
    another_user_has_no_capabilities,
    setuid_programs_work,
    refused_calls,
    host_name_and_hosts,
    stdin_is_at_its_end,
    stdin_can_be_given,
    a_pipe_can_be_reopened_by_another_user,
    no_descriptor_leaks,
    limits_and_umask,
    devices,
    proc_is_our_own_and_masked,
    sys_is_readonly,
    only_our_mounts_are_seen,
    network_none_has_only_loopback,
    the_use_of_the_network_is_seen,
    a_program_that_is_missing,
    a_program_that_cannot_run,
    a_working_directory_that_is_missing,
    a_source_that_is_missing,
    killing,
    signals,
    other_processes_die_with_the_first,
    dropping_kills,
    an_order_that_comes_too_late,
    without_monitors_that_wait,
    what_is_ready_fits_the_next,
    what_is_ready_may_be_gone,
    a_killed_program_leaves_nothing,
    a_terminal,
    the_callers_terminal,
];

fn exit_codes_and_signals(world: &World) {
    assert_eq!(run(&world.sh("exit 0")).exit(), Exit::Code(0));
    assert_eq!(run(&world.sh("exit 37")).exit(), Exit::Code(37));
    assert_eq!(run(&world.sh("exit 255")).exit(), Exit::Code(255));
    // A first process can't kill itself with most signals; running out of CPU time it can.
    let mut step = world.sh("while :; do :; done");
    step.ulimits = vec![Ulimit { name: "cpu".into(), soft: 1, hard: 1 }];
    assert_eq!(run(&step).exit(), Exit::Signal(9));
}

fn the_environment_is_exact(world: &World) {
    let mut step = step(Root::Scratch { lowers: vec![world.base().into()] }, &["env"]);
    step.env = vec![("A".into(), "1 2".into()), ("PATH".into(), "/bin".into()), ("EMPTY".into(), "".into())];
    check(&step, "A=1 2\nPATH=/bin\nEMPTY=\n");
}

fn ids_and_groups(world: &World) {
    let mut step = world.sh("id -u; id -g; id -G; pwd");
    (step.uid, step.gid, step.groups) = (1000, 100, vec![5, 7]);
    step.cwd = "/tmp".into();
    check(&step, "1000\n100\n100 5 7\n/tmp\n");
    check(&world.sh("id -u; id -g; id -G"), "0\n0\n0\n");
}

const STATUS: &str = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status";

fn capabilities_and_filter_are_dockers(world: &World) {
    let expected = "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n\
                    CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n";
    check(&world.sh(STATUS), expected);
}

fn insecure_keeps_all(world: &World) {
    let mut step =
        world.sh("grep -E '^(CapEff|Seccomp:)' /proc/self/status; mount -t tmpfs x /tmp && echo mounted");
    (step.caps, step.seccomp) = (Caps::All, false);
    step.argv[0] = "/bin/busybox".into();
    step.argv.insert(1, "sh".into());
    let output = run(&step).ok();
    let ours = fs::read_to_string("/proc/self/status").expect("read");
    let ours = ours.lines().find(|line| line.starts_with("CapEff")).expect("a line");
    assert_eq!(output, format!("{ours}\nSeccomp:\t0\nmounted\n"));
}

fn another_user_has_no_capabilities(world: &World) {
    let mut step = world.sh("grep -E '^(CapPrm|CapEff|CapBnd)' /proc/self/status");
    step.uid = 1000;
    check(&step, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n");
}

fn setuid_programs_work(world: &World) {
    let mut step = world.probe(&["euid"]);
    step.uid = 1000;
    check(&step, "1000\n");
    step.argv[0] = "/bin/prober-suid".into();
    check(&step, "0\n");
}

fn refused_calls(world: &World) {
    let expected = "unshare user: EPERM\nunshare mount: EPERM\nmount: EPERM\nkeyctl: EPERM\nclone3: ENOSYS\n\
                    clone newuser: EPERM\nio_uring_setup: EPERM\nsocket unix: ok\nsocket alg: EPERM\n\
                    socket vsock: EPERM\npersonality: ok\npersonality randomize: EPERM\nfrom the future: ENOSYS\n";
    check(&world.probe(&["calls"]), expected);
    check(&world.probe(&["threads"]), "7\n");
}

fn host_name_and_hosts(world: &World) {
    check(&world.sh("hostname"), "buildkitsandbox\n");
    let mut step = world.sh("hostname; cat /etc/hosts");
    step.hostname = "builder".into();
    step.hosts = vec![("db".into(), IpAddr::from([10, 0, 0, 7]))];
    let output = run(&step).ok();
    assert!(output.starts_with("builder\n127.0.0.1\tlocalhost\n"), "{output}");
    assert!(output.ends_with("127.0.0.1\tbuilder\n10.0.0.7\tdb\n"), "{output}");
}

fn stdin_is_at_its_end(world: &World) {
    check(&world.sh("stat -L -c %F /proc/self/fd/0; cat; echo end"), "fifo\nend\n");
}

fn stdin_can_be_given(world: &World) {
    let (reader, mut writer) = std::io::pipe().expect("make a pipe");
    writer.write_all(b"given").expect("write");
    drop(writer);
    assert_eq!(run_with(&world.sh("cat"), Input::Fd(reader.into())).ok(), "given");
}

fn a_pipe_can_be_reopened_by_another_user(world: &World) {
    let mut step = world.sh("echo hi > /dev/stdout");
    step.uid = 1000;
    check(&step, "hi\n");
}

fn no_descriptor_leaks(world: &World) {
    // Held open across the spawn, and not marked to be closed by exec.
    let leaked = fs::File::open("/").expect("open");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("clear the flag");
    check(&world.probe(&["files"]), "[0, 1, 2]\n");
}

fn limits_and_umask(world: &World) {
    let outside = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.expect("a limit");
    check(&world.sh("ulimit -n; umask"), &format!("{outside}\n0022\n"));
    let mut step = world.sh("ulimit -n; ulimit -c; umask");
    step.ulimits = vec![
        Ulimit { name: "nofile".into(), soft: 77, hard: 88 },
        Ulimit { name: "core".into(), soft: 0, hard: 0 },
    ];
    step.umask = 0o077;
    check(&step, "77\n0\n0077\n");
    step.ulimits[0].name = "nonsense".into();
    assert_eq!(run(&step).error().to_string(), "set the limit `nonsense` to 77:88: invalid argument");
}

fn devices(world: &World) {
    let expected =
        "core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n";
    check(&world.sh("ls /dev"), expected);
    check(
        &world.sh("echo x > /dev/null; head -c 3 /dev/zero | wc -c; echo y > /dev/full || echo full"),
        "3\nfull\n",
    );
    check(&world.sh("head -c 8 /dev/urandom | wc -c; stat -c %a /dev/shm /dev/null"), "8\n1777\n666\n");
    let mut step = world.sh("awk '$5==\"/dev/shm\"' /proc/self/mountinfo");
    assert!(run(&step).ok().contains("size=65536k"));
    step.shm_size = 1 << 20;
    assert!(run(&step).ok().contains("size=1024k"));
}

fn proc_is_our_own_and_masked(world: &World) {
    check(&world.sh("echo $$; cat /proc/1/comm; echo /proc/[0-9]*"), "1\nsh\n/proc/1\n");
    check(
        &world.sh("wc -c < /proc/timer_list; wc -c < /proc/keys; ls -A /proc/acpi 2>/dev/null || true"),
        "0\n0\n",
    );
    check(&world.sh("echo 1 2>/dev/null > /proc/sys/kernel/pid_max || echo readonly"), "readonly\n");
    check(&world.sh("echo h 2>/dev/null > /proc/sysrq-trigger || echo readonly"), "readonly\n");
}

fn sys_is_readonly(world: &World) {
    for network in [Network::Host, Network::None] {
        let mut step = world.sh("test -d /sys/class && mkdir /sys/fs/x 2>&1; ls -d /sys/fs/cgroup/* /sys/firmware/* 2>&1 | grep -v 'No such'; echo end");
        step.network = network;
        let outcome = run(&step);
        assert!(outcome.stdout.contains("Read-only file system") || outcome.stdout.contains("not permitted"));
        assert!(outcome.stdout.ends_with("\nend\n") && outcome.stdout.lines().count() == 2, "{outcome:?}");
    }
}

fn only_our_mounts_are_seen(world: &World) {
    let output =
        run(&world.sh("awk '{print $5}' /proc/self/mountinfo | grep -vE '^/(proc|sys|dev)(/|$)'")).ok();
    assert_eq!(output, "/\n/etc/hosts\n/etc/resolv.conf\n");
    check(
        &world.sh("ls / /.."),
        "/:\nbin\ndev\netc\nopt\nproc\nsys\ntmp\n\n/..:\nbin\ndev\netc\nopt\nproc\nsys\ntmp\n",
    );
}

fn network_none_has_only_loopback(world: &World) {
    let mut step = world.sh(
        "grep -c : /proc/net/dev; grep -o lo: /proc/net/dev; cat /sys/class/net/lo/flags; ls /sys/class/net",
    );
    step.network = Network::None;
    let output = run(&step).ok();
    // 0x9: up and loopback.
    assert_eq!(output, "1\nlo:\n0x9\nlo\n");
}

fn the_use_of_the_network_is_seen(world: &World) {
    let used = |script: &str, change: &dyn Fn(&mut sandbox::Step)| {
        let mut step = world.sh(script);
        step.watch_network = true;
        change(&mut step);
        run(&step).result.expect("it ran").network
    };
    let connect = "busybox nc -w 1 127.0.0.1 1 2>/dev/null; true";
    assert!(used(connect, &|_| {}));
    assert!(used(&format!("({connect}) & ({connect}) & wait"), &|_| {}));
    assert!(!used("echo x | cat > /tmp/x", &|_| {}));
    assert!(!used(connect, &|step| step.network = Network::None));
    // Nobody looks.
    assert!(used("true", &|step| step.watch_network = false));
    assert!(used("true", &|step| (step.caps, step.seccomp) = (Caps::All, false)));
}

fn a_program_that_is_missing(world: &World) {
    let check = |argv: &[&str], message: &str| {
        let error = run(&step(Root::Scratch { lowers: vec![world.base().into()] }, argv)).error();
        assert_eq!((error.to_string().as_str(), error.code()), (message, Some(127)));
    };
    check(&["foo"], "exec `foo`: no such file or directory");
    check(&["/bin/foo"], "exec `/bin/foo`: no such file or directory");
    check(&["/bin/script"], "exec `/bin/script`: its interpreter is missing: no such file or directory");
    check(&["script"], "exec `script`: its interpreter is missing: no such file or directory");
    check(&[""], "exec ``: no such file or directory");
    let mut step = step(Root::Scratch { lowers: vec![world.base().into()] }, &["true"]);
    step.env = vec![("PATH".into(), "/opt".into())];
    assert_eq!(run(&step).error().code(), Some(127));
    step.env = Vec::new();
    assert_eq!(run(&step).exit(), Exit::Code(0));
}

fn a_program_that_cannot_run(world: &World) {
    let check = |argv: &[&str], message: &str| {
        let error = run(&step(Root::Scratch { lowers: vec![world.base().into()] }, argv)).error();
        assert_eq!((error.to_string().as_str(), error.code()), (message, Some(126)));
    };
    check(&["/etc/plain"], "exec `/etc/plain`: permission denied");
    check(&["/bin"], "exec `/bin`: permission denied");
    check(&["garbage"], "exec `garbage`: exec format error");
}

fn a_working_directory_that_is_missing(world: &World) {
    let mut step = world.sh("true");
    step.cwd = "/nowhere".into();
    let error = run(&step).error();
    assert_eq!(error.to_string(), "enter the working directory `/nowhere`: no such file or directory");
    assert_eq!(error.code(), None);
}

fn a_source_that_is_missing(world: &World) {
    let mut step = world.sh("true");
    step.mounts = vec![bind(Path::new("/no/where"), "/src", true)];
    assert_eq!(run(&step).error().to_string(), "bind `/no/where` to `/src`: no such file or directory");
    let (root, upper) = world.overlay_over(vec!["/no/lower".into()]);
    let error = run(&crate::world::step(root, &["true"])).error();
    assert_eq!(error.to_string(), "open `/no/lower`: no such file or directory");
    assert_eq!(names(&upper), Vec::<OsString>::new());
}

fn killing(world: &World) {
    let (running, _) = start(&world.sh("echo up; sleep 1000"));
    running.kill();
    assert_eq!(running.wait().expect("ran").exit, Exit::Signal(9));
}

fn signals(world: &World) {
    let (running, line) = start(&world.probe(&["obey"]));
    assert_eq!(line, "ready\n");
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait().expect("ran").exit, Exit::Code(42));
    // Without a handler the kernel would keep it from a first process.
    let (running, _) = start(&world.sh("echo up; sleep 1000"));
    running.control().signal(libc::SIGTERM);
    assert_eq!(running.wait().expect("ran").exit, Exit::Signal(libc::SIGTERM));
    // One that does not listen is killed at the second time of asking.
    let (running, _) = start(&world.sh("trap '' INT; echo up; sleep 1000"));
    running.signal(libc::SIGINT);
    std::thread::sleep(Duration::from_millis(50));
    running.signal(libc::SIGINT);
    assert_eq!(running.wait().expect("ran").exit, Exit::Signal(libc::SIGINT));
}

fn other_processes_die_with_the_first(world: &World) {
    // They hold the pipe: reading it to its end shows that they are gone.
    check(&world.sh("sleep 1000 & sleep 1000 & echo up"), "up\n");
}

fn dropping_kills(world: &World) {
    let (running, _) = start(&world.sh("echo up; sleep 1000"));
    let mine = descendants(std::process::id());
    drop(running);
    // Other tests have steps of their own, but this one took at least two processes with it.
    assert!(mine.into_iter().filter(|pid| gone(*pid)).count() >= 2);
}

/// The monitor of a step that is over has another step by then, and orders for the first are none for the second.
fn an_order_that_comes_too_late(world: &World) {
    let over = [(); 4].map(|()| {
        let (running, _) = start(&world.sh("echo up"));
        let control = running.control();
        assert_eq!(running.wait().expect("ran").exit, Exit::Code(0));
        control
    });
    let (running, _) = start(&world.sh("trap 'exit 4' TERM; echo up; sleep 0.2; exit 3"));
    for control in &over {
        control.signal(libc::SIGTERM);
        control.kill();
    }
    assert_eq!(running.wait().expect("ran").exit, Exit::Code(3));
}

fn without_monitors_that_wait(world: &World) {
    assert_eq!(run(&world.sh("echo 1")).ok(), "1\n");
    sandbox::dismiss();
    assert_eq!(run(&world.sh("echo 2")).ok(), "2\n");
}

fn a_killed_program_leaves_nothing(world: &World) {
    let mut parent = Command::new("/proc/self/exe");
    let mut parent = parent.arg("__parent").arg(world.base()).stdout(Stdio::piped()).spawn().expect("start");
    let mut line = String::new();
    BufReader::new(parent.stdout.take().expect("a pipe")).read_line(&mut line).expect("read");
    assert_eq!(line, "up\n");
    // The monitor, the shell that became its last command, the other, a monitor without a step, and what that one gets
    // ready for the next.
    let family = wait_for(|| Some(descendants(parent.id())).filter(|family| family.len() == 5));
    parent.kill().expect("kill");
    parent.wait().expect("wait");
    assert!(family.into_iter().all(gone));
}

/// What is ready before a step is known is either of the right form for it, or not used.
fn what_is_ready_fits_the_next(world: &World) {
    let of = |change: fn(&mut sandbox::Step)| {
        let mut step = world.sh(
            "hostname; busybox df -k /dev/shm | awk 'NR == 2 { print $2 }'; ls /sys/class/net; grep Bnd /proc/self/status",
        );
        change(&mut step);
        run(&step).ok()
    };
    let usual = of(|_| {});
    let other = of(|step| (step.hostname, step.shm_size) = ("other".into(), 1 << 20));
    assert!(other.starts_with("other\n1024\n"), "{other}");
    let alone = of(|step| step.network = Network::None);
    assert!(alone.contains("\n65536\nlo\nCapBnd"), "{alone}");
    let insecure = of(|step| step.caps = Caps::All);
    assert!(insecure.lines().last() != usual.lines().last(), "{insecure}");
    assert_eq!(of(|_| {}), usual);
}

/// Somebody may kill what is ready: then another is made.
fn what_is_ready_may_be_gone(world: &World) {
    let program = Command::new("/proc/self/exe").arg("__ready").arg(world.base()).output().expect("start");
    assert_eq!(String::from_utf8_lossy(&program.stdout), "1\n2\n3\n", "{program:?}");
}

/// The program of the case above: kills what is ready between its steps.
pub fn kill_what_is_ready(args: &[String]) -> ExitCode {
    for number in 1..4 {
        let root = Root::Scratch { lowers: vec![std::path::PathBuf::from(args[0].clone()).into()] };
        print!("{}", run(&step(root, &["sh", "-c", &format!("echo {number}")])).ok());
        let me = std::process::id();
        // The monitor is ours, what is ready is the monitor's.
        let ready = wait_for(|| descendants(me).into_iter().find(|pid| parent_of(*pid) != Some(me)));
        rustix::process::kill_process(Pid::from_raw(ready as i32).expect("a pid"), Signal::KILL)
            .expect("kill");
        wait_for(|| is_over(ready).then_some(()));
    }
    ExitCode::SUCCESS
}

/// Whether nobody is at it any more: nobody has reaped it yet.
fn is_over(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

fn wait_for<T>(what: impl Fn() -> Option<T>) -> T {
    let bound = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(Instant::now() < bound, "it never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn descendants(of: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = names(Path::new("/proc"))
        .iter()
        .filter_map(|name| name.to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let mut family = vec![of];
    let mut known = 0;
    while let Some(&parent) = family.get(known) {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        known += 1;
    }
    family.split_off(1)
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}

fn a_terminal(world: &World) {
    let (reader, mut writer) = std::io::pipe().expect("make a pipe");
    writer.write_all(b"typed\n").expect("write");
    let mut step = world.sh("tty; stat -c %F /dev/console; read line; echo got $line; cat; echo end >&2");
    step.tty = true;
    drop(writer);
    let output = run_with(&step, Input::Fd(reader.into())).ok();
    // The terminal echoes, and ends lines with both characters.
    for line in ["/dev/pts/0\r\n", "character special file\r\n", "got typed\r\n", "end\r\n"] {
        assert!(output.contains(line), "{output:?}");
    }
}

fn the_callers_terminal(world: &World) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags).expect("open a terminal");
    rustix::pty::unlockpt(&master).expect("unlock it");
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).expect("its other side");
    let resize = |rows, columns| {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).expect("resize");
    };
    let echoes = || tcgetattr(&slave).expect("modes").local_modes.contains(LocalModes::ECHO);
    resize(40, 100);

    let mut step =
        world.sh("trap 'stty size' WINCH; stty size; while :; do sleep 0.02; read -t 0 x && exit 9; done");
    step.tty = true;
    let (stdout, to_stdout) = std::io::pipe().expect("make a pipe");
    let stdin = Input::Fd(slave.try_clone().expect("a copy"));
    let running =
        sandbox::spawn(&step, Io { stdin, stdout: Output::Fd(to_stdout.into()), stderr: Output::Null });
    let running = running.expect("spawn");
    let mut lines = BufReader::new(stdout).lines();
    let mut line = || lines.next().expect("a line").expect("UTF-8");
    assert_eq!(line(), "40 100");
    assert!(!echoes());

    resize(50, 120);
    // The terminal is not the monitor's own, so the kernel doesn't tell it. It harms no other process of ours.
    descendants(std::process::id()).into_iter().for_each(|pid| signal(pid, libc::SIGWINCH));
    // The shell is one of them, and may be told before the monitor is.
    assert!([(); 2].iter().any(|()| line() == "50 120"));

    rustix::io::write(&master, b"x\n").expect("type");
    assert_eq!(running.wait().expect("ran").exit, Exit::Code(9));
    assert!(echoes());
}
