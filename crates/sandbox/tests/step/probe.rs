//! The program inside: system calls that no applet makes, and their errors as text.
#![allow(unsafe_code)]

use std::io;
use std::process::ExitCode;

/// Does what its first argument says.
pub fn main(args: &[String]) -> ExitCode {
    match args[0].as_str() {
        "calls" => calls(),
        "euid" => println!("{}", rustix::process::geteuid().as_raw()),
        "files" => files(),
        "threads" => println!("{}", std::thread::spawn(|| 7).join().expect("join")),
        "obey" => wait_for_signal(),
        other => panic!("{other}"),
    }
    ExitCode::SUCCESS
}

fn calls() {
    // SAFETY: each either fails or harms nobody but us; no pointers but a null and two strings of our own.
    unsafe {
        said("unshare user", libc::unshare(libc::CLONE_NEWUSER) as i64);
        said("unshare mount", libc::unshare(libc::CLONE_NEWNS) as i64);
        let tmpfs = c"tmpfs".as_ptr();
        said("mount", libc::mount(tmpfs, c"/tmp".as_ptr(), tmpfs, 0, std::ptr::null()) as i64);
        said("keyctl", libc::syscall(libc::SYS_keyctl, 0, -3, 0));
        said("clone3", libc::syscall(libc::SYS_clone3, 0, 0));
        said(
            "clone newuser",
            libc::syscall(libc::SYS_clone, libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0),
        );
        said("io_uring_setup", libc::syscall(libc::SYS_io_uring_setup, 1, 0));
        said("socket unix", libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) as i64);
        said("socket alg", libc::socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0) as i64);
        said("socket vsock", libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0) as i64);
        said("personality", libc::syscall(libc::SYS_personality, 0xffff_ffff_u32));
        said("personality randomize", libc::syscall(libc::SYS_personality, 0x004_0000));
        said("from the future", libc::syscall(900));
    }
}

fn said(what: &str, result: i64) {
    let error = io::Error::last_os_error();
    match (result, error.raw_os_error()) {
        (0.., _) => println!("{what}: ok"),
        (_, Some(libc::EPERM)) => println!("{what}: EPERM"),
        (_, Some(libc::ENOSYS)) => println!("{what}: ENOSYS"),
        _ => println!("{what}: {error}"),
    }
}

/// The open descriptors, without the one that lists them.
fn files() {
    let mut open: Vec<i32> =
        (0..1024).filter(|fd| std::fs::symlink_metadata(format!("/proc/self/fd/{fd}")).is_ok()).collect();
    open.sort_unstable();
    println!("{open:?}");
}

/// Exits with 42 on SIGTERM.
fn wait_for_signal() {
    extern "C" fn leave(_: i32) {
        // SAFETY: `_exit` may be called from a handler.
        unsafe { libc::_exit(42) }
    }
    let handler: extern "C" fn(i32) = leave;
    // SAFETY: the handler does nothing but end the process.
    unsafe { libc::signal(libc::SIGTERM, handler as libc::sighandler_t) };
    println!("ready");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// Sends a signal to a process that may be gone.
pub fn signal(pid: u32, signal: i32) {
    // SAFETY: no memory involved; the caller names a child of the test or of one of these.
    unsafe { libc::kill(pid as i32, signal) };
}
