//! Two builds of the same to the reasons why each step of the later one ran, changed, or didn't have to.
//!
//! Reads records, lists of layers and what is known of steps from the store; prints nothing and changes nothing.
//! What goes out as JSON is version 1 of [`Answer`]; the kinds of reasons are a closed list:
//!
//! | kind | of | `path` or `name` | `was`, `now` | says |
//! |---|---|---|---|---|
//! | `content` | RUN, COPY | path of a file, or the step below whose files it is | digests | its bytes are others |
//! | `mode` | RUN, COPY | path | modes, owners | who may use it, or what type it has |
//! | `absent` | RUN, COPY | path | `absent`, or what is there | it has come or gone |
//! | `listing` | RUN | path of a directory | digests | other names are in it |
//! | `link` | RUN, COPY | path of a link | digests | it leads elsewhere |
//! | `arg` | RUN | name of a build argument | digests | its value |
//! | `env` | RUN | name of a variable, or of a further host | digests | its value |
//! | `command` | all | `command`, `script`, `user`, `cwd`, `network`, `security`, `platform`, a part of COPY, or the flag that asked for it | digests | the step itself |
//! | `base` | FROM, RUN | the image as the Dockerfile names it | digests of manifests | another image |
//! | `mount` | RUN | path of where it is mounted | digests | what is mounted, or how |
//! | `network` | RUN | | | it used the network, so that nobody knows what it rests on: it goes by all that is below it |
//! | `tool-cache` | RUN | | | the cache that was all it had filled is gone |
//! | `unread` | RUN that was reused | path, or where something is mounted | digests, modes | changed, and never read |
//! | `nondeterministic` | RUN | | digests | two runs on the same made different things |
//! | `new` | all | | | nothing is known of it |
//!
//! `by` is the program that read. `was` and `now` are digits of digests, modes, or `absent` and `there`: never a value
//! that may be secret.

mod below;
mod build_id;
mod compare;
mod facts;
mod files;
mod parts;
mod same;
#[cfg(test)]
mod tests;

use serde::Serialize;
use store::builds::{Ended, How as Came, Kind as Op, Record, Step};
use store::{LayerId, Store};

pub use compare::{Compared, Difference, compare};
use same::{Past, Pasts};

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
        Reason { kind, path: None, name: None, by: None, was: None, now: None }
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
        Explained {
            step: step.place.clone(),
            line: step.line,
            instruction: step.instruction.clone(),
            outcome,
            how: case.how(),
            reasons: case.reasons(outcome),
            millis: step.millis,
            same_but_id: case.same_but_id().filter(|_| outcome == Outcome::Ran),
        }
    };
    now.steps.iter().enumerate().map(explain).collect()
}

/// A step, with what it is compared with.
struct Case<'a> {
    store: &'a Store,
    now: &'a Record,
    step: &'a Step,
    past: Option<Past<'a>>,
}

impl Case<'_> {
    fn outcome(&self) -> Outcome {
        match (self.step.ended, self.step.kind, self.step.how) {
            (Ended::Badly, ..) => Outcome::Failed,
            (Ended::Stopped | Ended::Never, ..) => Outcome::Skipped,
            (Ended::Well, Op::Run, Some(Came::Anew)) => Outcome::Ran,
            (Ended::Well, Op::Run, _) => Outcome::Reused,
            (Ended::Well, ..) if self.is_changed() => Outcome::Changed,
            (Ended::Well, ..) => Outcome::Reused,
        }
    }

    fn is_changed(&self) -> bool {
        match &self.past {
            Some(past) if self.step.kind == Op::Base => past.step.base != self.step.base,
            Some(past) => past.step.layers != self.step.layers,
            None => self.step.how == Some(Came::Anew),
        }
    }

    fn how(&self) -> Option<How> {
        let traced = self.step.how == Some(Came::Traced) || self.step.broken.is_some();
        (self.step.ended != Ended::Never).then_some(if traced { How::Traced } else { How::Exact })
    }

    fn reasons(&self, outcome: Outcome) -> Vec<Reason> {
        let found = self.step.nondeterministic.then(|| Reason::of(Kind::Nondeterministic));
        let mut reasons = self.reasons_of(outcome);
        reasons.extend(found);
        reasons
    }

    fn reasons_of(&self, outcome: Outcome) -> Vec<Reason> {
        match (outcome, self.step.kind) {
            (Outcome::Skipped, _) => Vec::new(),
            (Outcome::Reused, Op::Run) if self.step.how == Some(Came::Traced) => self.unread(),
            (Outcome::Reused, _) => Vec::new(),
            (_, Op::Run) => self.why_run(),
            (Outcome::Failed, _) => self.past.iter().flat_map(|past| self.parts(past)).collect(),
            (_, Op::Base) => self.why_base(),
            _ => self.why_changed(),
        }
    }

    fn why_base(&self) -> Vec<Reason> {
        let Some(past) = &self.past else { return vec![Reason::of(Kind::New)] };
        vec![base_reason(past.step, self.step)]
    }

    fn why_changed(&self) -> Vec<Reason> {
        let Some(past) = &self.past else { return vec![Reason::of(Kind::New)] };
        let mut reasons = self.parts(past);
        reasons.extend(files::differences(self.store, &past.step.layers, &self.step.layers));
        if reasons.is_empty() {
            reasons.push(Reason::of(Kind::New));
        }
        reasons
    }

    fn why_run(&self) -> Vec<Reason> {
        if let Some(flag) = &self.step.asked {
            return vec![Reason::named(Kind::Command, flag)];
        }
        if self.step.cache_lost {
            return vec![Reason::of(Kind::ToolCache)];
        }
        let mut reasons = facts::broken(self.store, self.now, self.step);
        if let Some(past) = &self.past {
            let further = self.since(past, reasons.is_empty());
            further.into_iter().for_each(|reason| add(&mut reasons, reason));
        }
        if reasons.is_empty() {
            reasons.push(Reason::of(Kind::New));
        }
        reasons
    }

    /// What has changed since the last time, as far as it counted. `alone`: nothing else is known.
    fn since(&self, past: &Past, alone: bool) -> Vec<Reason> {
        let was_watched = past.ran.watched.is_some() && !past.ran.network && !past.ran.wide;
        let by_facts = !alone || (self.step.watched.is_some() && was_watched);
        let mut reasons = self.parts(past);
        if alone {
            reasons.extend(parts::contents_of_mounts(past.step, self.step));
        }
        if alone && by_facts {
            reasons.extend(facts::changed(self.store, self.now, self.step, past));
        }
        let below = below::changed(self.now, self.step, past);
        let counts = |change: &&below::Changed| !by_facts || !change.is_served(self.store);
        reasons.extend(below.iter().filter(counts).map(below::Changed::reason));
        if reasons.is_empty() && alone {
            reasons.extend(below.iter().map(below::Changed::reason));
        }
        let only_files = !reasons.is_empty() && reasons.iter().all(|reason| reason.kind == Kind::Content);
        if alone && only_files && past.ran.network {
            reasons.push(Reason::of(Kind::Network));
        }
        reasons
    }

    fn parts(&self, past: &Past) -> Vec<Reason> {
        let mut reasons = parts::differences(past.step, self.step);
        reasons.extend(below::inputs(self.now, self.step, past));
        reasons
    }

    fn same_but_id(&self) -> Option<String> {
        let past = self.past.as_ref().filter(|past| past.step.kind == Op::Run)?;
        let (was, now) = (&past.step.layers, &self.step.layers);
        build_id::program(self.store, was, now, &files::differences(self.store, was, now))
    }

    /// What has changed below a step that was reused, because it had never read that.
    fn unread(&self) -> Vec<Reason> {
        let Some(past) = &self.past else { return Vec::new() };
        let (was, now) = (past.record.below(past.step), self.now.below(self.step));
        let only = |these: &[LayerId], others: &[LayerId]| -> Vec<LayerId> {
            these.iter().filter(|id| !others.contains(id)).copied().collect()
        };
        let mut reasons = files::differences(self.store, &only(&was, &now), &only(&now, &was));
        let read = facts::read_since(self.store, self.step, &was);
        reasons.retain(|reason| !reason.path.as_deref().is_some_and(|path| read.covers(path)));
        reasons.extend(parts::contents_of_mounts(past.step, self.step));
        reasons.iter_mut().for_each(|reason| reason.kind = Kind::Unread);
        reasons
    }
}

/// One thing is told once, also if it has changed in two ways.
fn add(reasons: &mut Vec<Reason>, reason: Reason) {
    let same =
        |other: &Reason| (other.kind, &other.path, &other.name) == (reason.kind, &reason.path, &reason.name);
    if !reasons.iter().any(same) {
        reasons.push(reason);
    }
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
