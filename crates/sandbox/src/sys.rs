//! System calls to functions: the few that rustix lacks or that are `unsafe` there.
//!
//! Used by every other file here, knows nothing of steps. All `unsafe` of the crate that is not a
//! fork or a `pre_exec` stands here, each with the reason for which it is sound.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// What `clone3` returned: in the child, or in the parent with a handle on the child.
pub(crate) enum Cloned {
    Child,
    Parent { pid: i32, pidfd: OwnedFd },
}

/// What `fork` returned.
pub(crate) enum Forked {
    Child,
    Parent(i32),
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Forks into the new namespaces of `flags`. Only for a process with one thread.
pub(crate) fn clone3(flags: u64) -> io::Result<Cloned> {
    let mut pidfd: i32 = -1;
    let args = CloneArgs {
        flags: flags | libc::CLONE_PIDFD as u64,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: `args` outlives the call; without CLONE_VM and with no stack given this is a plain fork,
    // and the caller has one thread, so no lock can be held by somebody who isn't there any more.
    match check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) })? {
        0 => Ok(Cloned::Child),
        // SAFETY: the kernel has just put a new descriptor there, and nobody else has it.
        pid => Ok(Cloned::Parent { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
    }
}

/// A plain fork. Only for a process with one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: the caller has one thread, so the child may go on as any program.
    match check(unsafe { libc::fork() } as i64)? {
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid as i32)),
    }
}

/// `unshare`; only for a process with one thread.
pub(crate) fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: no pointers; no CLONE_FILES among our flags, so no descriptor changes hands.
    check(unsafe { libc::unshare(flags) } as i64).map(drop)
}

/// Ends the process without running destructors: for a child of [`clone3`] or [`fork`].
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns.
    unsafe { libc::_exit(code) }
}

/// `struct mount_attr`, of which only the two masks are used here.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Sets attributes (`MOUNT_ATTR_*`) on a mount, and on all below it.
pub(crate) fn mount_setattr(mount: BorrowedFd<'_>, set: u64, recursive: bool) -> io::Result<()> {
    let attr = MountAttr { set, ..MountAttr::default() };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string and `attr` outlives the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// One instruction of a classic BPF program.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Insn {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

#[repr(C)]
struct Program {
    len: u16,
    insns: *const Insn,
}

/// Loads a filter for this thread and its children. Without "no new privileges", so it needs
/// CAP_SYS_ADMIN.
pub(crate) fn seccomp_load(insns: &[Insn]) -> io::Result<()> {
    const SET_MODE_FILTER: u32 = 1;
    let program = Program { len: insns.len() as u16, insns: insns.as_ptr() };
    // SAFETY: `program` points to `insns`, both of which outlive the call; the kernel copies them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const program) }).map(drop)
}

/// As [`seccomp_load`]; the descriptor tells of the calls for which the filter says so. There is one a process
/// tree: a program that wants a listener of its own is refused.
pub(crate) fn seccomp_load_listening(insns: &[Insn]) -> io::Result<OwnedFd> {
    const SET_MODE_FILTER: u32 = 1;
    const NEW_LISTENER: u64 = 1 << 3;
    let program = Program { len: insns.len() as u16, insns: insns.as_ptr() };
    // SAFETY: `program` points to `insns`, both of which outlive the call; the kernel copies them. What it
    // gives back is a new descriptor, ours alone.
    unsafe {
        let fd = check(libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, NEW_LISTENER, &raw const program))?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Takes one question from a listener and answers that the call may go on. Does not block if there is one.
pub(crate) fn let_through(listener: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both structures are plain integers, zeroed as the kernel demands, and outlive the calls.
    unsafe {
        let mut question: libc::seccomp_notif = std::mem::zeroed();
        check(libc::ioctl(listener.as_raw_fd(), NOTIF_RECV, &raw mut question) as i64)?;
        let mut answer: libc::seccomp_notif_resp = std::mem::zeroed();
        answer.id = question.id;
        answer.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        check(libc::ioctl(listener.as_raw_fd(), NOTIF_SEND, &raw mut answer) as i64).map(drop)
    }
}

/// `SECCOMP_IOCTL_NOTIF_RECV` and `SECCOMP_IOCTL_NOTIF_SEND`: read-write, type `!`, sizes 80 and 24.
const NOTIF_RECV: libc::Ioctl = 0xc050_2100_u32 as libc::Ioctl;
const NOTIF_SEND: libc::Ioctl = 0xc018_2101_u32 as libc::Ioctl;

/// Leaves the caller's session keyring for a new one, where the kernel has keyrings.
pub(crate) fn join_new_keyring() {
    const JOIN_SESSION_KEYRING: i32 = 1;
    // SAFETY: a null name asks for an anonymous keyring. Failing is harmless: quota, or no keyrings at all.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, ptr::null::<u8>()) };
}

/// Takes every capability that is not in `mask` from what this process and its children can ever get.
pub(crate) fn drop_bounding_set_to(mask: u64) -> io::Result<()> {
    for capability in (0..64).filter(|bit| mask & (1 << bit) == 0) {
        // SAFETY: integers only.
        match check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } as i64) {
            // Past the last one that this kernel knows.
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => break,
            other => other?,
        };
    }
    Ok(())
}

/// Brings the loopback interface of this network namespace up.
pub(crate) fn loopback_up() -> io::Result<()> {
    // SAFETY: a new socket, owned by us alone when it is not negative.
    let socket = unsafe {
        let fd = check(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) as i64)?;
        OwnedFd::from_raw_fd(fd as i32)
    };
    // SAFETY: `ifreq` is plain data for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[..2].copy_from_slice(&[b'l' as libc::c_char, b'o' as libc::c_char]);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which outlives the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) } as i64)
        .map(drop)
}

/// `sethostname`.
pub(crate) fn set_hostname(name: &[u8]) -> io::Result<()> {
    // SAFETY: pointer and length are of one slice.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) } as i64).map(drop)
}

/// `setrlimit` by number, for the resources that rustix has no name for.
pub(crate) fn set_rlimit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` outlives the call.
    check(unsafe { libc::setrlimit(resource as _, &raw const limit) } as i64).map(drop)
}

/// The limit of open files, soft and hard.
pub(crate) fn open_files_limit() -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call, which can only fail for a bad pointer or a bad number.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}

/// Marks every descriptor from 3 on to be closed by the next exec.
pub(crate) fn close_on_exec_from_3() -> io::Result<()> {
    // SAFETY: closes nothing now; CLOEXEC can't break an owner in this process.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
        .map(drop)
}

/// Puts every signal back to its default action and unblocks all.
pub(crate) fn default_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is always a valid handler; for SIGKILL, SIGSTOP and the two of libc it fails, unharmed.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    set_mask(&[], libc::SIG_SETMASK);
}

/// Ignores a signal.
pub(crate) fn ignore(signal: i32) {
    // SAFETY: SIG_IGN is always a valid handler.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Blocks `signals`, so that they can be waited for.
pub(crate) fn block(signals: &[i32]) {
    set_mask(signals, libc::SIG_BLOCK);
}

fn set_mask(signals: &[i32], how: i32) {
    let set = signal_set(signals);
    // SAFETY: `set` is initialised and outlives the call.
    unsafe { libc::sigprocmask(how, &raw const set, ptr::null_mut()) };
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: `sigset_t` is plain data, `sigemptyset` gives it its value.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    for &signal in signals {
        // SAFETY: `set` is a valid set; an invalid number is refused.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    set
}

/// A signal that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Came {
    /// Which.
    pub signal: i32,
    /// The kernel sent it, as a terminal does for Ctrl-C, and so to the whole group; else a process did.
    pub from_kernel: bool,
}

/// Waits for one of `signals`, which must be blocked.
pub(crate) fn wait_signal(signals: &[i32]) -> io::Result<Came> {
    let set = signal_set(signals);
    // SAFETY: `set` and `info` are valid and outlive the call; all zero is a valid siginfo_t.
    let (signal, info) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        (libc::sigwaitinfo(&raw const set, &raw mut info), info)
    };
    let signal = check(signal.into())? as i32;
    Ok(Came { signal, from_kernel: info.si_code == libc::SI_KERNEL })
}

/// A descriptor that becomes readable when one of `signals`, which must be blocked, arrives.
pub(crate) fn signal_fd(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    // SAFETY: -1 asks for a new descriptor, which is ours alone.
    unsafe {
        let fd = check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) as i64)?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no memory involved; the caller gives the pid of a child that it has not reaped.
    check(unsafe { libc::kill(pid, signal) } as i64).map(drop)
}

/// Sends a signal by number through a pidfd.
pub(crate) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: a null siginfo stands for what `kill` would send.
    check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, ptr::null::<u8>(), 0)
    })
    .map(drop)
}

/// How a child ended.
pub(crate) enum Ended {
    Code(i32),
    Signal(i32),
}

/// Reaps a child. With `block` waits for its end, else `None` while it runs.
pub(crate) fn reap(pid: i32, block: bool) -> io::Result<Option<Ended>> {
    let mut status = 0;
    let flags = if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: `status` outlives the call.
        match check(unsafe { libc::waitpid(pid, &raw mut status, flags) } as i64) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
            Ok(0) => return Ok(None),
            Ok(_) if libc::WIFSIGNALED(status) => return Ok(Some(Ended::Signal(libc::WTERMSIG(status)))),
            Ok(_) => return Ok(Some(Ended::Code(libc::WEXITSTATUS(status)))),
        }
    }
}

/// Puts `from` at the number `to`, which stays open across exec.
pub(crate) fn dup_onto(from: BorrowedFd<'_>, to: i32) -> io::Result<()> {
    // SAFETY: only called for 0, 1 and 2, which no Rust object owns.
    check(unsafe { libc::dup2(from.as_raw_fd(), to) } as i64).map(drop)
}

/// A descriptor of our standard input, made our own: for the process that got its orders there.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor, ours alone.
    unsafe {
        let fd = check(libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3) as i64)?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Real, effective and saved ids of both kinds, and the supplementary groups. Gone past the point of return.
pub(crate) fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    // SAFETY: pointer and length are of one slice; the raw calls change this thread only, which is our only one.
    unsafe {
        check(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()))?;
        check(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        check(libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
    }
    Ok(())
}

/// `execve`; returns only the reason for which it failed.
pub(crate) fn execve(program: &CString, argv: &[CString], env: &[CString]) -> io::Error {
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both arrays end with a null pointer, and the strings that they point to are borrowed for the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Gives the calling session this terminal.
pub(crate) fn set_controlling_tty(tty: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: an ioctl with an integer argument.
    check(unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCSCTTY, 0) } as i64).map(drop)
}

/// Whether this process has CAP_SYS_ADMIN in effect.
pub(crate) fn has_sys_admin() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|caps| caps & (1 << 21) != 0)
}

fn check(result: i64) -> io::Result<i64> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
