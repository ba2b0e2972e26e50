//! `tare history`: the builds that the store knows, newest first.

use engine::clock;
use serde::Serialize;
use store::Store;
use store::builds::{Ended, How, Kind, Outcome as Came, Record};

use super::images::table::{print, table};
use crate::cli::History;
use crate::failure::{Failure, Outcome};
use crate::units;

/// What `--json` prints. Fields are only ever added.
#[derive(Serialize)]
struct Listed {
    version: u32,
    builds: Vec<Build>,
}

#[derive(Serialize)]
struct Build {
    id: String,
    started: String,
    millis: u64,
    tare: String,
    context: String,
    dockerfile: String,
    target: Option<String>,
    platforms: Vec<String>,
    outcome: Came,
    image: Option<String>,
    /// How many steps there are, and how many of them were done.
    steps: usize,
    done: usize,
}

/// Lists.
pub fn run(args: &History) -> Outcome {
    let store = crate::home::store()?;
    let builds: Vec<Build> = store.builds().map(listed).collect();
    match args.json {
        true => {
            let all = Listed { version: 1, builds };
            print(&(serde_json::to_string_pretty(&all).expect("lists are plain data") + "\n"))?;
        }
        false => print(&rows(&builds, clock::now()))?,
    }
    Ok(0)
}

fn listed(record: Record) -> Build {
    let done = record.steps.iter().filter(|step| step.kind != Kind::Base && step.ended == Ended::Well);
    let done = done.filter(|step| step.how == Some(How::Anew)).count();
    let (seconds, millis) = (record.started / 1000, record.started % 1000);
    Build {
        id: record.id,
        started: oci::time::rfc3339(seconds as i64, millis as u32 * 1_000_000),
        millis: record.millis,
        tare: record.tare,
        context: record.context,
        dockerfile: record.dockerfile,
        target: record.target,
        platforms: record.platforms,
        outcome: record.outcome,
        image: record.image,
        steps: record.steps.len(),
        done,
    }
}

fn rows(builds: &[Build], now: i64) -> String {
    let rows: Vec<_> = builds.iter().enumerate().map(|(at, build)| row(at + 1, build, now)).collect();
    table(["", "BUILD", "STARTED", "TOOK", "RESULT", "DONE", "OF"], &rows)
}

fn row(number: usize, build: &Build, now: i64) -> [String; 7] {
    let started = oci::time::parse_rfc3339(&build.started).unwrap_or(now);
    let result = match build.outcome {
        Came::Ok => "ok",
        Came::Failed => "failed",
        Came::Cancelled => "cancelled",
    };
    let target = build.target.iter().map(|target| format!(" --target {target}"));
    let what = std::iter::once(format!("{} in {}", build.dockerfile, build.context)).chain(target);
    [
        number.to_string(),
        build.id.clone(),
        units::ago(now.saturating_sub(started)),
        units::duration(std::time::Duration::from_millis(build.millis)),
        result.to_owned(),
        format!("{} of {} steps", build.done, build.steps),
        what.collect(),
    ]
}

/// The longest number that counts builds; a longer one is the beginning of an id.
const LONGEST_NUMBER: usize = 3;

/// A build by its number in the list, its id or the beginning of that.
///
/// # Errors
/// If there is none of that name, or several.
pub fn named(store: &Store, name: &str) -> Result<Record, Failure> {
    let none = || Failure::Usage(format!("there is no build `{name}`; `tare history` lists them"));
    if let Some(number) = name.parse::<usize>().ok().filter(|_| name.len() <= LONGEST_NUMBER) {
        return number.checked_sub(1).and_then(|at| store.builds().nth(at)).ok_or_else(none);
    }
    let mut found: Vec<Record> = store.builds().filter(|record| record.id.starts_with(name)).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(none()),
        n => Err(Failure::Usage(format!("`{name}` is the beginning of {n} builds"))),
    }
}
