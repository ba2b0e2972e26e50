//! `cargo xtask COMMAND`: the project's chores, and the table that lists them.
//!
//! Everything that a machine needs for them is prepared by `setup`, everything that runs meanwhile is in
//! `serve` and ends with the run. Knows the crates only from outside: their Cargo.toml, the `tare` binary.

mod bench;
mod case;
mod chaos;
mod check;
mod demo;
mod docs;
mod oracle;
mod place;
mod release;
mod serve;
mod setup;
mod shell;
mod tidy;
mod units;
mod world;

use std::process::ExitCode;

/// A message for the one who called; small start, no full stop.
type Result<T> = std::result::Result<T, String>;

struct Chore {
    name: &'static str,
    args: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

#[rustfmt::skip]
const CHORES: &[Chore] = &[
    Chore { name: "demo", args: "", about: "build tare, build the example with it, run the image", run: demo::run },
    Chore { name: "test", args: "", about: "prepare the machine, then run all that CI runs", run: check::run },
    Chore { name: "case", args: "[FILTER…] [--as-user] [--release]", about: "run Markdown cases whose path has a FILTER in it", run: case::run },
    Chore { name: "accept", args: "[FILTER…] [--release]", about: "run cases and write what came out into their files", run: case::accept },
    Chore { name: "chaos", args: "[--rounds N] [--seed S] [--as-user] [--keep]", about: "reuse of steps of invented Dockerfiles, after invented edits", run: chaos::run },
    Chore { name: "oracle", args: "[FILTER…] [--as-user]", about: "compare tare's images of small Dockerfiles with buildah's", run: oracle::run },
    Chore { name: "tidy", args: "", about: "check who imports whom, sizes, formatting, lints", run: tidy::run },
    Chore { name: "docs", args: "[--check]", about: "write docs/cli and docs/rules from the definitions of both", run: docs::run },
    Chore { name: "bench", args: "[curves|instructions] [FILTER…] [--quick|--full]", about: "measure tare beside the builders that are installed", run: bench::run },
    Chore { name: "release", args: "", about: "build the static binary into target/dist and check it", run: release::run },
];

/// Not listed: `test`, `case` and `chaos` call them in a process of the test user.
const AS_USER: [Chore; 3] = [
    Chore { name: "__cases", args: "", about: "", run: case::run_prepared },
    Chore { name: "__oracle", args: "", about: "", run: oracle::run_prepared },
    Chore { name: "__chaos", args: "", about: "", run: chaos::run_prepared },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.first() else {
        list();
        return ExitCode::SUCCESS;
    };
    let Some(chore) = CHORES.iter().chain(&AS_USER).find(|c| c.name == name) else {
        list();
        eprintln!("error: no chore `{name}`");
        return ExitCode::from(2);
    };
    match (chore.run)(&args[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("cargo xtask COMMAND");
    for chore in CHORES {
        println!("  {:<42} {}", format!("{} {}", chore.name, chore.args), chore.about);
    }
}
