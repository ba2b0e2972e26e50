//! `probe` and `enter`, from outside: as a program that a user starts.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use crate::probe::signal;

pub const CASES: &[(&str, fn())] = &[
    ("entering/we_are_root_over_all_our_ids", root_over_all_ids),
    ("entering/the_exit_code_is_handed_on", exit_code),
    ("entering/a_deadly_signal_becomes_an_exit_code", deadly_signal),
    ("entering/a_termination_signal_reaches_the_program", termination),
    ("entering/killing_the_outer_process_kills_the_program", outer_killed),
];

/// A program that enters and then does as its first argument says.
pub fn program(args: &[String]) -> ExitCode {
    let rung = sandbox::probe().expect("a rung");
    sandbox::enter(rung).expect("enter the rung");
    match args[0].as_str() {
        "exit" => ExitCode::from(args[1].parse::<u8>().expect("a number")),
        "abort" => std::process::abort(),
        "ids" => {
            print!("{}", fs::read_to_string("/proc/self/status").expect("read"));
            print!("uid_map{}", fs::read_to_string("/proc/self/uid_map").expect("read"));
            ExitCode::SUCCESS
        }
        _ => {
            println!("{}", std::process::id());
            std::io::stdout().flush().expect("write");
            thread::sleep(Duration::from_secs(60));
            ExitCode::SUCCESS
        }
    }
}

fn start(args: &[&str]) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.arg("__program").args(args).stdout(Stdio::piped()).spawn().expect("start ourselves")
}

fn code(args: &[&str]) -> Option<i32> {
    start(args).wait().expect("wait").code()
}

fn root_over_all_ids() {
    let output = start(&["ids"]).wait_with_output().expect("wait");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0"), "{text}");
    let map = &text[text.find("uid_map").expect("a map")..];
    let ids: u64 = map.lines().filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum();
    assert!(ids > 65_535, "{text}");
}

fn exit_code() {
    assert_eq!(code(&["exit", "0"]), Some(0));
    assert_eq!(code(&["exit", "41"]), Some(41));
}

fn deadly_signal() {
    let status = start(&["abort"]).wait().expect("wait");
    // As root there is no process in between.
    assert!(status.code() == Some(128 + libc::SIGABRT) || status.signal() == Some(libc::SIGABRT), "{status}");
}

/// Starts the program and tells the pid of the one that entered, as we see it.
fn sleeper() -> (Child, u32) {
    let mut child = start(&["sleep"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("read a line");
    (child, line.trim().parse().expect("a pid"))
}

fn termination() {
    for number in [libc::SIGTERM, libc::SIGINT] {
        let (mut child, inner) = sleeper();
        signal(child.id(), number);
        let status = child.wait().expect("wait");
        assert!(status.code() == Some(128 + number) || status.signal() == Some(number), "{status}");
        assert!(gone(inner));
    }
}

fn outer_killed() {
    let (mut child, inner) = sleeper();
    signal(child.id(), libc::SIGKILL);
    child.wait().expect("wait");
    assert!(gone(inner));
}

/// Whether a process is gone, soon.
pub fn gone(pid: u32) -> bool {
    let running = || match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.contains(") Z"),
        Err(_) => false,
    };
    for _ in 0..300 {
        if !running() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}
