//! The server under a real kernel: a tree, served, as the lower layer of an overlay, and programs that look at it.
//!
//! The binary starts itself again in a mount namespace of its own, so that nothing stays mounted. Where the kernel
//! gives no FUSE mount it says so; that is all that can be tested there.

mod cases;
mod go;
mod overlay;
mod shared;
mod weak;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use world::World;

/// A name and what to do.
type Case = (&'static str, fn(&World));

/// Says that this is the one in the namespace.
const INSIDE: &str = "TRACE_TEST_INSIDE";

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_none() {
        return again_inside();
    }
    if let Err(e) = trace::available() {
        println!("not tested, since there is no tracing on this machine: {e}");
        summary(0, 0);
        return ExitCode::SUCCESS;
    }
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| args.is_empty() || args.iter().any(|filter| name.contains(filter.as_str()));
    let all = [cases::CASES, overlay::CASES, shared::CASES, weak::CASES, go::CASES].concat();
    let chosen: Vec<&Case> = all.iter().filter(|(name, _)| wanted(name)).collect();
    let failed = chosen.iter().filter(|case| !passes(case)).count();
    summary(chosen.len() - failed, failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn passes((name, case): &Case) -> bool {
    let world = World::new();
    let passed = catch_unwind(AssertUnwindSafe(|| case(&world))).is_ok();
    println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    passed
}

/// The closing line that whoever counts tests looks for.
fn summary(passed: usize, failed: usize) {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
}

fn again_inside() -> ExitCode {
    let flags: &[&str] = if rustix::process::geteuid().is_root() { &["-m"] } else { &["-U", "-r", "-m"] };
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("unshare");
    command.args(flags).arg("--").arg(program).args(std::env::args().skip(1)).env(INSIDE, "1");
    match command.status() {
        Ok(status) => ExitCode::from(status.code().unwrap_or(1) as u8),
        Err(e) => {
            eprintln!("run `unshare`: {e}");
            ExitCode::FAILURE
        }
    }
}
