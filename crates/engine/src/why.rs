//! Two builds of the same to the reasons why each step of the later one ran, changed, or didn't have to.
//!
//! Reads records, lists of layers and what is known of steps from the store; prints nothing and changes nothing.
//! What goes out as JSON is version 1 of [`Answer`]; the kinds of reasons are a closed list:
//!
//! | kind | of | `path` or `name` | `was`, `now` | says |
//! |---|---|---|---|---|
//! | `content` | RUN, COPY | path of a file, or the step below that made it | digests | its bytes are others |
//! | `mode` | RUN, COPY | path | modes, owners, types | who may use it, or what type it has |
//! | `absent` | RUN, COPY | path | `absent`, or what is there | it has come or gone |
//! | `listing` | RUN | path of a directory | digests | other names are in it |
//! | `link` | RUN, COPY | path of a link | digests | it leads elsewhere |
//! | `arg` | RUN | name of a build argument | digests | its value |
//! | `env` | RUN | name of a variable, or `host NAME` of a further host | digests | its value, or its address |
//! | `command` | all | `command`, `script`, `user`, `cwd`, `network`, `security`, `platform`, a part of COPY, or the flag that asked for it | digests | the step itself |
//! | `base` | FROM, RUN | the image as the Dockerfile names it | digests of manifests | another image |
//! | `mount` | RUN | path of where it is mounted | digests | what is mounted, or how |
//! | `network` | RUN | `security`, where it can't be seen | | it used the network, or may have, so that nobody knows what it rests on: it goes by all that is below it |
//! | `tool-cache` | RUN | | | the cache that was all it had filled is gone |
//! | `unread` | RUN that was reused | path | digests, modes | changed, and never read; of a file with `by`: not the part that was read, of a folder that is mounted: nothing that was read there |
//! | `nondeterministic` | RUN | path, if it is known | digests, modes | two runs on the same made different things |
//! | `new` | all | | | nothing is known of it |
//!
//! `by` is the program that read, or that asked for a file's status. `was` and `now` are digits of digests, modes, types,
//! or `absent` and `there`: never a value that may be secret.

mod below;
mod build_id;
mod case;
mod compare;
mod facts;
mod files;
mod parts;
mod same;
#[cfg(test)]
mod tests;

use serde::Serialize;
use store::builds::{Record, Step};
use store::{LayerId, Store};

use case::Case;
pub use compare::{Compared, Difference, compare};
use same::Pasts;

/// What `--json` prints.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    /// Always 1: fields are only ever added.
    pub version: u32,
    /// The build's id.
    pub build: String,
    /// Its steps.
    pub steps: Vec<Explained>,
}

/// One step, explained.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explained {
    /// Its place: `builder 2/6`.
    pub step: String,
    /// Its line in the Dockerfile.
    pub line: u32,
    /// The instruction.
    pub instruction: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What that was decided by; none of a step that never started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What it took.
    pub millis: u64,
    /// A program that it made, which is as before but for Go's build id.
    #[serde(skip)]
    pub same_but_id: Option<String>,
    /// Whether it is from an earlier build than the last, below which there was something else.
    #[serde(skip)]
    pub is_older: bool,
    /// Why it went by all that is below it.
    #[serde(skip)]
    pub unwatched: Option<Unwatched>,
}

/// Why nothing is known of what a step read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unwatched {
    /// It looks at too much.
    Wide,
    /// It used the network, or may have.
    Network,
    /// What has changed is mounted as it is: links and attributes that can't be served, or very much.
    Native,
    /// Nobody watched, or what was seen is gone.
    Unseen,
}

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// An earlier result was taken.
    Reused,
    /// A step other than RUN that came to something else than before.
    Changed,
    /// A RUN that was executed.
    Ran,
    /// It failed.
    Failed,
    /// It never started, or was stopped, because another one failed.
    Skipped,
}

/// By what it was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// By all that it depends on.
    Exact,
    /// By what it had read.
    Traced,
}

/// One reason; see the table above.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reason {
    /// Which kind.
    pub kind: Kind,
    /// Where, as the step sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What, if it is no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The program that read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether all that it asked for was the file's status: size, time and mode.
    #[serde(skip)]
    pub is_status: bool,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// The kinds of reasons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the table above has them")]
pub enum Kind {
    Content,
    Mode,
    Absent,
    Listing,
    Link,
    Arg,
    Env,
    Command,
    Base,
    Mount,
    Network,
    ToolCache,
    Unread,
    Nondeterministic,
    New,
}

/// What `was` and `now` say of something that isn't there.
pub const ABSENT: &str = "absent";

impl Reason {
    /// Of that kind, and nothing more.
    pub fn of(kind: Kind) -> Reason {
        Reason { kind, path: None, name: None, by: None, is_status: false, was: None, now: None }
    }

    fn named(kind: Kind, name: impl Into<String>) -> Reason {
        Reason { name: Some(name.into()), ..Reason::of(kind) }
    }

    fn at(kind: Kind, path: impl Into<String>) -> Reason {
        Reason { path: Some(path.into()), ..Reason::of(kind) }
    }

    fn between(self, was: Option<String>, now: Option<String>) -> Reason {
        Reason { was, now, ..self }
    }
}

/// The builds that one is compared with: those of the same before it, the newest first.
pub fn before(store: &Store, now: &Record) -> Vec<Record> {
    store.builds().filter(|record| record.id < now.id && record.is_like(now)).collect()
}

/// Explains every step, compared with the builds before it, the newest first. Of a step that didn't come to its end
/// there the one before counts.
pub fn explain(store: &Store, now: &Record, before: &[Record]) -> Vec<Explained> {
    let pasts = Pasts::of(now, before);
    let explain = |(at, step): (usize, &Step)| {
        let case = Case { store, now, step, past: pasts.of_step(at) };
        let outcome = case.outcome();
        let (reasons, is_older) = case.reasons(outcome);
        Explained {
            step: step.place.clone(),
            line: step.line,
            instruction: step.instruction.clone(),
            outcome,
            how: case.how(),
            reasons,
            millis: step.millis,
            same_but_id: case.same_but_id().filter(|_| outcome == Outcome::Ran),
            is_older,
            unwatched: case.unwatched(outcome),
        }
    };
    now.steps.iter().enumerate().map(explain).collect()
}

/// The paths at which two layers differ.
pub fn differing(store: &Store, one: &LayerId, other: &LayerId) -> Vec<String> {
    between_runs(store, one, other).into_iter().filter_map(|reason| reason.path).collect()
}

fn between_runs(store: &Store, one: &LayerId, other: &LayerId) -> Vec<Reason> {
    let mut found = files::differences(store, &[*one], &[*other]);
    once_a_path(&mut found, Kind::Nondeterministic);
    found
}

/// A file may have changed in two ways. Where it counts only that it has, it is told once, as of that kind.
fn once_a_path(reasons: &mut Vec<Reason>, kind: Kind) {
    reasons.dedup_by(|b, a| a.path == b.path);
    reasons.iter_mut().for_each(|reason| reason.kind = kind);
}

fn base_reason(was: &Step, now: &Step) -> Reason {
    let name = now.base.as_ref().or(was.base.as_ref()).map_or("scratch", |base| base.name.as_str());
    let digest = |step: &Step| {
        let manifest = step.base.as_ref().map(|base| base.manifest.as_str());
        manifest.map(|text| short(text.split(':').next_back().unwrap_or_default()))
    };
    Reason::named(Kind::Base, name).between(digest(was), digest(now))
}

/// The first digits of a digest.
fn short(hex: &str) -> String {
    hex.chars().take(16).collect()
}

/// The first digits of a layer's digest.
fn short_id(layers: &[LayerId]) -> Option<String> {
    let text = layers.last()?.to_string();
    Some(short(text.split('-').next_back().unwrap_or_default()))
}
