//! Steps for real: a root file system of busybox, and what the processes in it find.
//!
//! The binary is at once the tests, the monitor of their steps (so it has a `main` of its own) and, copied into the root,
//! the prober that makes the system calls which busybox has no applet for. Runs as root and as an ordinary
//! user with subordinate ids alike: there it first becomes root of a user namespace, as `tare` does.

#[macro_use]
mod helpers;
mod cases;
mod files;
mod entering;
mod probe;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use world::World;

/// A name and what to do.
type Case = (&'static str, fn(&World));

fn main() -> ExitCode {
    sandbox::main_if_sandbox();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("__probe") => return probe::main(&args[1..]),
        Some("__program") => return entering::program(&args[1..]),
        Some("__parent") => return world::parent(&args[1..]),
        Some("__ready") => return cases::kill_what_is_ready(&args[1..]),
        Some("__measure") => return world::measure(),
        _ => {}
    }
    // Before we have threads, and before we are root.
    let entering = run_all(entering::CASES, &args, |case| case());
    if let Err(refused) = sandbox::probe().map(|rung| sandbox::enter(rung).expect("enter the rung")) {
        eprintln!("these tests need namespaces: {refused}\nhelp: {}", refused.help());
        return ExitCode::FAILURE;
    }
    let world = World::new();
    let all = [cases::CASES, files::CASES].concat();
    let failed = entering + run_in_threads(&all, &args, &world);
    drop(world);
    summary(PASSED.load(Ordering::SeqCst), failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many cases have passed.
static PASSED: AtomicUsize = AtomicUsize::new(0);

/// The closing line that whoever counts tests looks for.
fn summary(passed: usize, failed: usize) {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
}

fn run_in_threads(cases: &[Case], args: &[String], world: &World) -> usize {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            failed.fetch_add(run_all(&[*case], args, |case| case(world)), Ordering::SeqCst);
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
    failed.into_inner()
}

/// Runs those that the arguments name, or all; says how many failed.
fn run_all<F: Copy>(cases: &[(&'static str, F)], args: &[String], run: impl Fn(F)) -> usize {
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let chosen = cases.iter().filter(|(name, _)| wanted(name));
    let fails = |(name, case): &&(&'static str, F)| {
        let passed = catch_unwind(AssertUnwindSafe(|| run(*case))).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        PASSED.fetch_add(usize::from(passed), Ordering::SeqCst);
        !passed
    };
    chosen.filter(fails).count()
}
