//! `cargo xtask bench instructions`: how many instructions the warm path takes, counted by valgrind's callgrind.
//!
//! A count doesn't depend on what else the machine does, so a small change shows. It is compared with the last one in
//! bench/results/instructions.jsonl; one that is clearly larger is an error and isn't kept, unless `--accept` says so.
//! valgrind 3.19 doesn't know openat2, and answers that there is no such call: what is counted is tare's way around it.

use super::builders::Job;
use super::meter::median_of;
use super::record::{self, Stamp};
use super::room::Room;
use super::run::Run;
use super::{Asked, inputs};
use crate::setup::packages::{self, Package};
use crate::{Result, shell};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const PACKAGES: &[Package] = &[("valgrind", "valgrind")];

/// Hash tables are seeded anew in each process, and threads find work in another order: up to a twentieth.
const TOLERATED: f64 = 1.1;

/// Two stages, a base, and a step of each kind, over a project of a few dozen files.
const PROJECT: &str = "\
FROM busybox:1.35 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN true
COPY . .
RUN cp main.go /app
FROM scratch
COPY --from=build /app /app
ENTRYPOINT [\"/app\"]
";

/// A count.
struct Counted {
    what: &'static str,
    instructions: f64,
}

/// Counts, compares, records.
pub fn run(run: &Run, asked: &Asked) -> Result<()> {
    packages::ensure(PACKAGES)?;
    let stamp = Stamp::new(run.mode);
    let before = shell::read(&record::file("instructions")?).unwrap_or_default();
    let mut worse = Vec::new();
    for counted in count_all(run)? {
        let last = last(&before, counted.what);
        println!("{}", change(&counted, last.as_ref()));
        let is_worse = last.is_some_and(|(last, _)| counted.instructions > last * TOLERATED);
        if is_worse && !asked.accept {
            worse.push(counted.what);
        } else if asked.records() {
            let line = json!({"what": counted.what, "instructions": counted.instructions});
            record::append("instructions", &stamp.line(line))?;
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    let most = (TOLERATED - 1.0) * 100.0;
    Err(format!("more than {most:.0} % worse: {}; `--accept` records it all the same", worse.join(", ")))
}

fn count_all(run: &Run) -> Result<Vec<Counted>> {
    let room = run.room(run.choice.installed(run.mode)[0])?;
    let mut version = Command::new(&run.around.tare);
    version.arg("--version");
    let lint = lint(run)?;
    let mut counted = vec![
        Counted { what: "--version", instructions: count(&version, &room.dir)? },
        Counted { what: "lint of 80 instructions", instructions: count(&lint, &room.dir)? },
    ];
    let project = run.dir("project")?.join("shop");
    let mut copy = Command::new("cp");
    shell::capture(copy.arg("-r").arg(run.around.examples.join("shop")).arg(&project))?;
    shell::write(&project.join("Dockerfile"), PROJECT)?;
    let many = inputs::folder(run.around, "many", "FROM scratch\nCOPY . .\n")?;
    inputs::files(&many, 1000, 1_000_000, false)?;
    inputs::settle();
    for (what, context) in [("no-op of two stages", project), ("no-op of 1,000 files", many)] {
        counted.push(Counted { what, instructions: count_again(&room, &Job::new(&context, "count"))? });
    }
    Ok(counted)
}

/// BuildKit's checks of a Dockerfile that has nothing wrong.
fn lint(run: &Run) -> Result<Command> {
    let lines = (0..39).map(|n| format!("ENV A{n}=x B{n}=${{A:-$A}}\nRUN echo {n}\n"));
    let text = format!("FROM scratch\nENV A=a\n{}", lines.collect::<String>());
    let folder = inputs::folder(run.around, "lint", &text)?;
    let mut lint = Command::new(&run.around.tare);
    lint.args(["build", "--check", "."]).current_dir(folder);
    Ok(lint)
}

/// The third build of the same: by the second, all that can be remembered is.
fn count_again(room: &Room, job: &Job) -> Result<f64> {
    room.build(job)?;
    room.build(job)?;
    count(&(room.builder.build)(room, job), &room.dir)
}

/// The median of three counts of a command and its children.
fn count(command: &Command, dir: &Path) -> Result<f64> {
    median_of(
        (0..3)
            .map(|round| count_once(command, &dir.join(format!("count-{round}"))))
            .collect::<Result<_>>()?,
    )
}

fn count_once(command: &Command, dir: &Path) -> Result<f64> {
    shell::mkdir(dir)?;
    let mut counting = Command::new("valgrind");
    counting.args(["--tool=callgrind", "--trace-children=yes", "--quiet"]);
    counting.arg(format!("--log-file={}", dir.join("log").display()));
    counting.arg(format!("--callgrind-out-file={}", dir.join("out.%p").display()));
    counting.arg(command.get_program()).args(command.get_args());
    counting.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        counting.current_dir(folder);
    }
    shell::capture(&mut counting)?;
    let mut sum = 0.0;
    super::limits::files(dir, &mut |file| {
        sum += shell::read(file).ok().and_then(|t| total(&t)).unwrap_or(0.0)
    })?;
    let removed = std::fs::remove_dir_all(dir).map_err(|e| format!("remove `{}`: {e}", dir.display()));
    removed.and_then(|()| if sum > 0.0 { Ok(sum) } else { Err("callgrind counted nothing".into()) })
}

/// The `totals:` line of one process.
fn total(out: &str) -> Option<f64> {
    out.lines().rev().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// The last count of the same, and the commit that it is of.
fn last(lines: &str, what: &str) -> Option<(f64, String)> {
    let lines = lines.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["what"] == what)?;
    Some((line["instructions"].as_f64()?, line["commit"].as_str().unwrap_or("?").to_owned()))
}

fn change(counted: &Counted, last: Option<&(f64, String)>) -> String {
    let line = format!("{:<24} {:>9.3} million instructions", counted.what, counted.instructions / 1e6);
    match last {
        None => format!("{line}, the first count"),
        Some((before, commit)) => {
            let percent = (counted.instructions / before - 1.0) * 100.0;
            format!("{line}, {percent:+.1} % since {commit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"{"what":"a","instructions":1000.0,"commit":"old"}
{"what":"a","instructions":2000.0,"commit":"new"}
{"what":"b","instructions":7.0,"commit":"new"}
"#;

    #[test]
    fn a_count_is_compared_with_the_last_one() {
        let last = last(BEFORE, "a");
        assert_eq!(last, Some((2000.0, "new".into())));
        let counted = Counted { what: "a", instructions: 2500.0 };
        let text = change(&counted, last.as_ref());
        assert_eq!(text, "a                            0.003 million instructions, +25.0 % since new");
        assert!(change(&counted, None).ends_with("the first count"));
    }

    #[test]
    fn the_totals_are_callgrinds() {
        assert_eq!(total("events: Ir\nsummary: 5\ntotals: 587040\n"), Some(587_040.0));
        assert_eq!(total("==7== killed\n"), None);
    }
}
