//! Stories in Markdown to builds that are compared with what the stories say; `accept` goes the other way.
//!
//! tests/cases/README.md is the format's page. Each case has a folder and a store of its own, several run
//! at once, and after each one nothing may be left: no process, no mount, no temporary file.

mod accept;
pub mod diff;
pub mod image;
mod leftover;
mod normal;
pub mod parse;
pub mod put;
pub mod room;
mod steps;
mod story;

use crate::place::{self, Profile};
use crate::setup::{packages, user};
use crate::units::Count;
use crate::world::{self, Around};
use crate::{Result, shell};
use parse::Case;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use story::Outcome;

/// Cases wait for the disk and for each other's locks more than they compute.
const AT_ONCE: usize = 3;
/// Tells the process of the test user where its copy of the cases is.
const STORIES: &str = "TARE_TEST_CASES";

/// The chore `case`.
pub fn run(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let world = world::start(packages::TEST, asked.profile)?;
    let count = if asked.as_user && shell::is_root() {
        run_as(&user::ensure()?, &asked.filters, &world.around)?
    } else {
        run_all(&asked.filters, &world.around)?
    };
    close(count)
}

/// The chore `accept`.
pub fn accept(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let world = world::start(packages::TEST, asked.profile)?;
    let cases = find(&place::root().join("tests/cases"), &asked.filters)?;
    for (case, outcome) in run_cases(&cases, &world.around)? {
        if !outcome.edits.is_empty() {
            accept::write(&case.path, &outcome.edits)?;
            println!("wrote {}: read it as if somebody else had", case.name);
        }
    }
    Ok(())
}

/// The hidden chore: runs the cases in a world that another process made, given in the environment.
pub fn run_prepared(filters: &[String]) -> Result<()> {
    let (around, cases) = taken_over()?;
    close(count(run_cases(&find(&cases, filters)?, &around)?))
}

/// Says how many there were; an error if one failed.
pub fn close(count: Count) -> Result<()> {
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed == 0 { Ok(()) } else { Err("there are failures, see above".into()) }
}

struct Asked {
    filters: Vec<String>,
    as_user: bool,
    profile: Profile,
}

impl Asked {
    fn parse(args: &[String]) -> Result<Asked> {
        let mut asked = Asked { filters: Vec::new(), as_user: false, profile: Profile::Dev };
        for arg in args {
            match arg.as_str() {
                "--as-user" => asked.as_user = true,
                "--release" => asked.profile = Profile::Release,
                flag if flag.starts_with('-') => return Err(format!("no such flag: `{flag}`")),
                filter => asked.filters.push(filter.trim_end_matches(".md").to_owned()),
            }
        }
        Ok(asked)
    }
}

/// Runs the cases as the user that we are.
pub fn run_all(filters: &[String], around: &Around) -> Result<Count> {
    Ok(count(run_cases(&find(&place::root().join("tests/cases"), filters)?, around)?))
}

/// Runs those that aren't long as the user that we are: what is long is for another.
pub fn run_short(around: &Around) -> Result<Count> {
    let mut cases = find(&place::root().join("tests/cases"), &[])?;
    cases.retain(|case| !case.is_long);
    Ok(count(run_cases(&cases, around)?))
}

/// Runs the cases in a process of `user`.
pub fn run_as(user: &user::User, filters: &[String], around: &Around) -> Result<Count> {
    hand_over(user, ("__cases", "tests/cases"), filters, around)
}

/// Runs a hidden chore in a process of `user`, on a copy of the stories in a folder of the repository.
pub fn hand_over(
    user: &user::User,
    (chore, folder): (&str, &str),
    filters: &[String],
    around: &Around,
) -> Result<Count> {
    let own = Around { scratch: around.scratch.join("user"), ..around.clone() };
    user.mkdir(&own.scratch)?;
    let stories = around.scratch.join(chore.trim_start_matches('_'));
    shell::capture(std::process::Command::new("cp").arg("-r").arg(place::root().join(folder)).arg(&stories))?;
    shell::capture(std::process::Command::new("chmod").args(["-R", "a+rX"]).arg(&stories))?;
    let mut command = user.command(&own_program(around)?);
    command.arg(chore).args(filters).envs(own.to_env()).env(STORIES, &stories);
    follow(command)
}

/// The world and the stories that `hand_over` gave to this process.
pub fn taken_over() -> Result<(Around, PathBuf)> {
    let stories = std::env::var_os(STORIES).ok_or("this is for xtask itself")?;
    Ok((Around::from_env()?, stories.into()))
}

/// A copy of this program where every user can run it.
pub fn own_program(around: &Around) -> Result<PathBuf> {
    let program = around.scratch.join("bin/xtask");
    let ours = std::env::current_exe().map_err(|e| format!("find our own program: {e}"))?;
    std::fs::copy(ours, &program).map_err(|e| format!("copy our own program: {e}"))?;
    place::open_to_all(&program)?;
    Ok(program)
}

/// Prints what the process prints, and takes the count from its last line.
pub fn follow(mut command: std::process::Command) -> Result<Count> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("run as user: {e}"))?;
    let mut last = None;
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(|l| l.ok()) {
        if let Some(line) = last.replace(line) {
            println!(
                "{}",
                line.replacen("ok    ", "ok    as user ", 1).replacen("FAIL  ", "FAIL  as user ", 1)
            );
        }
    }
    let _ = child.wait();
    let line = last.unwrap_or_default();
    parse_count(&line).ok_or_else(|| format!("the cases as user ended with `{line}`"))
}

fn parse_count(line: &str) -> Option<Count> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Count { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

fn count(outcomes: Vec<(&Case, Outcome)>) -> Count {
    let failed = outcomes.iter().filter(|(_, o)| !o.faults.is_empty()).count();
    Count { passed: outcomes.len() - failed, failed }
}

/// All cases below a folder whose name has one of the filters in it, by name.
pub fn find(dir: &Path, filters: &[String]) -> Result<Vec<Case>> {
    let mut paths = Vec::new();
    collect(dir, &mut paths)?;
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let name = path.strip_prefix(dir).unwrap_or(&path).with_extension("").to_string_lossy().into_owned();
        if filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str())) {
            cases.push(parse::parse(&path, name, &shell::read(&path)?)?);
        }
    }
    if cases.is_empty() { Err(format!("no case is named so: `{}`", filters.join(" "))) } else { Ok(cases) }
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).map_err(|e| format!("list `{}`: {e}", dir.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|e| e == "md") && !path.ends_with("README.md") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Runs them, some at once, and prints one line each.
fn run_cases<'a>(cases: &'a [Case], around: &Around) -> Result<Vec<(&'a Case, Outcome)>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, case)) = take(&next, cases) {
                    let start = Instant::now();
                    let outcome = story::run(case, number, around);
                    print(case, &outcome, start);
                    done.lock().expect("no thread panics").push((number, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics");
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(number, outcome)| (&cases[number], outcome)).collect())
}

fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    cases.get(number).map(|case| (number, case))
}

/// One write a case, so that lines of several threads don't mix.
fn print(case: &Case, outcome: &Outcome, start: Instant) {
    let time = start.elapsed().as_secs_f32();
    if outcome.faults.is_empty() {
        return println!("ok    {:<34} {time:5.1} s  {}", case.name, case.title);
    }
    println!("FAIL  {:<34} {time:5.1} s  {}\n{}", case.name, case.title, outcome.faults.join("\n"));
}
