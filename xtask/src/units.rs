//! What `cargo test --no-run` built to one line a test program: run as we are, or as the test user.
//!
//! The programs are copied to a folder that everybody can read, with the sources beside them, because a
//! test may read files of its package. Reads libtest's `test result:` line and nothing else.

use crate::place::Executable;
use crate::setup::user::User;
use crate::world::Around;
use crate::{Result, place, shell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// How many tests passed and failed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Count {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Count {
    /// A check that either holds or not, with its reason printed.
    pub fn of(name: &str, result: Result<()>) -> Count {
        match result {
            Ok(()) => {
                println!("ok    {name}");
                Count { passed: 1, failed: 0 }
            }
            Err(message) => {
                println!("FAIL  {name}\n{message}");
                Count { passed: 0, failed: 1 }
            }
        }
    }
}

/// Compiles all test programs and puts them where everybody can run them.
pub fn build(around: &Around) -> Result<Vec<Executable>> {
    shell::say("compiling the tests");
    let built = place::executables(place::cargo().args([
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ]))?;
    let sources = copy_sources(&around.scratch)?;
    let programs = around.scratch.join("tests");
    shell::mkdir(&programs)?;
    place::open_to_all(&programs)?;
    built.into_iter().filter(is_test).map(|e| copy(e, &programs, &sources)).collect()
}

/// cargo names plain binaries and examples as well; those are no tests.
fn is_test(executable: &Executable) -> bool {
    executable.path.parent().is_some_and(|dir| dir.ends_with("deps"))
}

fn copy_sources(scratch: &Path) -> Result<PathBuf> {
    let to = scratch.join("src");
    shell::mkdir(&to)?;
    for name in ["crates", "xtask", "tests", "examples"] {
        let from = place::root().join(name);
        if from.is_dir() {
            shell::capture(Command::new("cp").args(["-r", "--no-preserve=ownership"]).arg(from).arg(&to))?;
        }
    }
    shell::capture(Command::new("chmod").args(["-R", "a+rX"]).arg(&to))?;
    Ok(to)
}

fn copy(executable: Executable, programs: &Path, sources: &Path) -> Result<Executable> {
    let name = executable.path.file_name().expect("cargo names a file");
    let to = programs.join(name);
    std::fs::copy(&executable.path, &to).map_err(|e| format!("copy `{}`: {e}", executable.path.display()))?;
    place::open_to_all(&to)?;
    let package = executable.package.strip_prefix(place::root()).map(|p| sources.join(p));
    Ok(Executable { path: to, package: package.unwrap_or(executable.package), target: executable.target })
}

/// Runs each program once, as `user` or as we are.
pub fn run(programs: &[Executable], user: Option<&User>, around: &Around) -> Result<Count> {
    let who = if user.is_some() { "user" } else { "self" };
    let temp = around.scratch.join(format!("tmp-{who}"));
    match user {
        Some(user) => user.mkdir(&temp)?,
        None => shell::mkdir(&temp)?,
    }
    let mut count = Count::default();
    for program in programs {
        count += run_one(program, user, around, &temp)?;
    }
    Ok(count)
}

fn run_one(program: &Executable, user: Option<&User>, around: &Around, temp: &Path) -> Result<Count> {
    let mut command = match user {
        Some(user) => user.command(Path::new("timeout")),
        None => Command::new("timeout"),
    };
    command.args(["-k", "10", "900"]).arg(&program.path).current_dir(&program.package);
    command.envs(around.to_env()).env("TMPDIR", temp).env("CARGO_MANIFEST_DIR", &program.package);
    let start = Instant::now();
    let out = shell::output(&mut command)?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut count = read_count(&text);
    if !out.status.success() && count.failed == 0 {
        count.failed = 1;
    }
    let who = if user.is_some() { "as user" } else { "" };
    let name = format!("{} {} {who}", package_name(&program.package), program.target);
    let verdict = if count.failed == 0 { "ok   " } else { "FAIL " };
    println!("{verdict} {name:<40} {:>4} passed {:6.1} s", count.passed, start.elapsed().as_secs_f32());
    if count.failed != 0 {
        println!("{text}{}\n{}", String::from_utf8_lossy(&out.stderr), out.status);
    }
    Ok(count)
}

fn package_name(package: &Path) -> String {
    package.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Runs the examples in doc comments.
pub fn run_docs() -> Result<Count> {
    let out = shell::output(place::cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut count = read_count(&text);
    if !out.status.success() {
        println!("FAIL  doc tests\n{text}{}", String::from_utf8_lossy(&out.stderr));
        count.failed = count.failed.max(1);
    }
    Ok(count)
}

/// Adds up the `test result: ok. 5 passed; 0 failed; …` lines.
fn read_count(text: &str) -> Count {
    let mut count = Count::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let number = |word: &str| {
            let before = line.split(&format!(" {word}")).next()?;
            before.rsplit(' ').next()?.parse().ok()
        };
        count += Count { passed: number("passed").unwrap_or(0), failed: number("failed").unwrap_or(0) };
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up() {
        let text = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\
                    test result: FAILED. 11 passed; 3 failed; 0 ignored; 0 measured\n";
        assert_eq!(read_count(text), Count { passed: 13, failed: 3 });
        assert_eq!(read_count("nothing"), Count::default());
    }
}
