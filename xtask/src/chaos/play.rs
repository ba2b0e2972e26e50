//! States of a context, one after the other, to builds of them, and to what the builds' records say.
//!
//! Every build but the first verifies: what tare would reuse it makes again, and compares. The last state is built a
//! second time in an empty store without tracing, and each step must have made the same.

use super::edit::State;
use super::files::{Files, lay_out, sync};
use crate::case::room::Room;
use crate::world::Around;
use crate::{Result, shell};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What became of RUNs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Reused, since nothing below them had changed.
    pub exact: usize,
    /// Reused, since nothing that they had read had changed.
    pub traced: usize,
    /// Run.
    pub ran: usize,
    /// Run, though what they made is what they had made in the build before.
    pub missed: usize,
    /// Why they were run: what sort of fact had broken.
    pub because: BTreeMap<String, usize>,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.exact += other.exact;
        self.traced += other.traced;
        self.ran += other.ran;
        self.missed += other.missed;
        for (look, count) in other.because {
            *self.because.entry(look).or_default() += count;
        }
    }
}

impl Tally {
    /// Of the steps that need not have been run, so many in a hundred were.
    pub fn missed_rate(&self) -> f64 {
        100.0 * self.missed as f64 / (self.exact + self.traced + self.missed).max(1) as f64
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { exact, traced, ran, missed, .. } = self;
        write!(f, "{exact} reused as exact, {traced} as traced, {ran} ran, {missed} of them missed")
    }
}

/// What went wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// Which of the states.
    pub state: usize,
    /// The kind, by which a smaller example is known to show the same.
    pub kind: Kind,
    /// The stage and the number of the step in it, where one is known.
    pub step: Option<(String, u64)>,
    /// For people.
    pub message: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What was kept of a step is wrong.
    Reuse,
    /// A step makes something else every time, so nothing can be said of it.
    Nondeterministic,
    /// A step sees something else when it isn't traced.
    Untraced,
    /// Anything else.
    Failed,
}

impl Kind {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Kind::Reuse => "a wrong reuse",
            Kind::Nondeterministic => "a step that isn't deterministic",
            Kind::Untraced => "a step that makes something else when it is not traced",
            Kind::Failed => "a build that failed",
        }
    }
}

/// Builds all states in a room of their own; the tally of each build but the first, or what went wrong.
///
/// # Errors
/// If there can be no room.
pub fn play(
    states: &[State],
    number: usize,
    around: &Around,
) -> Result<std::result::Result<Vec<Tally>, Fault>> {
    let room = Room::new(number, around)?;
    let mut player = Player { room: &room, files: Files::new(), before: HashMap::new() };
    let mut tallies = Vec::new();
    for (at, state) in states.iter().enumerate() {
        match player.step(at, state)? {
            Ok(tally) => tallies.push(tally),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    let fault = player.compare_untraced(states.len() - 1)?;
    Ok(fault.map_or(Ok(tallies.split_off(1)), Err))
}

struct Player<'a> {
    room: &'a Room,
    files: Files,
    /// What the steps of the build before made.
    before: Made,
}

/// A RUN by its stage and what it says, to its layers.
type Made = HashMap<(String, String), Value>;

impl Player<'_> {
    fn step(&mut self, at: usize, state: &State) -> Result<std::result::Result<Tally, Fault>> {
        sync(&self.room.context(), &self.files, &state.files)?;
        self.files = state.files.clone();
        shell::write(&self.room.beside("Dockerfile"), state.program.text())?;
        let output = shell::output(self.command("store").arg("--verify").arg("."))?;
        let steps = self.record("store")?;
        let message = String::from_utf8_lossy(&output.stderr);
        if let Some(fault) = fault(at, output.status.success(), &message, &steps) {
            return Ok(Err(fault));
        }
        let tally = tally(&steps, &self.before);
        self.before = made(&steps);
        Ok(Ok(tally))
    }

    fn compare_untraced(&self, at: usize) -> Result<Option<Fault>> {
        let output = shell::output(self.command("other").args(["--trace", "off", "."]))?;
        let steps = self.record("other")?;
        let message = String::from_utf8_lossy(&output.stderr);
        if let Some(fault) = fault(at, output.status.success(), &message, &steps) {
            return Ok(Some(fault));
        }
        let other =
            steps.iter().find(|step| is_run(step) && self.before.get(&name(step)) != Some(&step["layers"]));
        Ok(other.map(|step| Fault {
            state: at,
            kind: Kind::Untraced,
            step: place(step),
            message: format!(
                "it made {} and, not traced, {}",
                self.before.get(&name(step)).unwrap_or(&Value::Null),
                step["layers"]
            ),
        }))
    }

    fn store(&self, name: &str) -> PathBuf {
        self.room.beside(name)
    }

    fn command(&self, store: &str) -> Command {
        let mut command = self.room.tare();
        command.env("TARE_HOME", self.store(store)).args(["build", "--progress", "plain", "-f"]);
        command.arg(self.room.beside("Dockerfile"));
        command
    }

    fn record(&self, store: &str) -> Result<Vec<Value>> {
        let builds = self.store(store).join("builds");
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(&builds).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        let Some(last) = paths.last() else { return Ok(Vec::new()) };
        let text = shell::read(&last.join("record.json"))?;
        let record: Value = serde_json::from_str(&text).map_err(|e| format!("a build's record: {e}"))?;
        Ok(record["steps"].as_array().cloned().unwrap_or_default())
    }
}

fn fault(state: usize, well: bool, message: &str, steps: &[Value]) -> Option<Fault> {
    let bad = steps.iter().find(|step| step["ended"] == "badly");
    let unsteady = steps.iter().find(|step| step["nondeterministic"] == true);
    let (kind, step) = match (well, unsteady) {
        (false, _) if message.contains("what was kept of this step") => (Kind::Reuse, bad),
        (false, _) => (Kind::Failed, bad),
        (true, Some(step)) => (Kind::Nondeterministic, Some(step)),
        (true, None) => return None,
    };
    Some(Fault { state, kind, step: step.and_then(place), message: said(message) })
}

/// What a build says besides its progress.
fn said(message: &str) -> String {
    let is_progress = |line: &&str| line.starts_with('#') && !line.contains("ERROR: what");
    let lines: Vec<&str> = message.lines().filter(|line| !is_progress(line) && line.contains(' ')).collect();
    shell::tail(&lines.join("\n"), 25)
}

fn tally(steps: &[Value], before: &Made) -> Tally {
    let mut tally = Tally::default();
    for step in steps.iter().filter(|step| is_run(step)) {
        match step["how"].as_str() {
            Some("exact") => tally.exact += 1,
            Some("traced") => tally.traced += 1,
            _ => {
                tally.ran += 1;
                if before.get(&name(step)) == Some(&step["layers"]) {
                    tally.missed += 1;
                    // Without a fact there was no run whose facts are known.
                    let look = step["broken"]["fact"]["look"].as_str().unwrap_or("nothing known");
                    *tally.because.entry(look.to_owned()).or_default() += 1;
                }
            }
        }
    }
    tally
}

fn made(steps: &[Value]) -> Made {
    steps.iter().filter(|step| is_run(step)).map(|step| (name(step), step["layers"].clone())).collect()
}

fn is_run(step: &Value) -> bool {
    step["kind"] == "run"
}

fn name(step: &Value) -> (String, String) {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    (text("stage"), text("instruction"))
}

fn place(step: &Value) -> Option<(String, u64)> {
    Some((step["stage"].as_str()?.to_owned(), step["number"].as_u64()?))
}

/// Writes the states into a folder, for people.
///
/// # Errors
/// If that can't be.
pub fn keep(dir: &Path, states: &[State]) -> Result<()> {
    for (at, state) in states.iter().enumerate() {
        let dir = dir.join(at.to_string());
        lay_out(&dir.join("context"), &state.files)?;
        shell::write(&dir.join("Dockerfile"), state.program.text())?;
    }
    Ok(())
}
