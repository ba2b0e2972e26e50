//! What a step had read to what of it has changed.
//!
//! The parts of a file system that are watched are found again from the layers' lists as `sight` has them. Mounted
//! folders are in no layer, so of those only what was noted in the record is known.

use std::collections::{BTreeMap, BTreeSet};

use plan::Key;
use store::builds::{Broken, Record, Step};
use store::traces::Run;
use store::{LayerId, Store};
use trace::{Fact, Look, Tree};
use tree::Change;

use super::same::Past;
use super::{ABSENT, Kind, Reason, short};
use crate::sight::Sight;

/// What a fact says of a file of a layer below that is hidden.
const WHITEOUT: &str = "whiteout";

/// Why no known run could stand in for a step: everything that the newest of them had read and that has changed.
pub fn broken(store: &Store, now: &Record, step: &Step) -> Vec<Reason> {
    let Some(first) =
        step.broken.as_ref().filter(|broken| !broken.fact.path.is_empty() || broken.now != "new")
    else {
        return Vec::new();
    };
    let runs = step.watched.as_deref().map(|hex| runs(store, hex)).unwrap_or_default();
    let run =
        runs.into_iter().find(|run| run.facts.get(&first.gap).is_some_and(|all| all.contains(&first.fact)));
    let mut all = run.map(|run| failing(&run, &gaps(store, &now.below(step)))).unwrap_or_default();
    if !all.contains(first) {
        all.push(first.clone());
    }
    told(&all, step)
}

/// What a step had read the last time, and that has changed; nothing if that can't be compared, since the layers are
/// others between which it lay.
pub fn changed(store: &Store, now: &Record, step: &Step, past: &Past) -> Vec<Reason> {
    let (was, is) = (past.record.below(past.step), now.below(step));
    let natives = |stack: &[LayerId]| -> Vec<LayerId> {
        distinct(stack).into_iter().filter(|id| !is_served(store, id)).collect()
    };
    let run = run_of(store, past.ran, &was).filter(|_| natives(&was) == natives(&is));
    told(&run.map(|run| failing(&run, &gaps(store, &is))).unwrap_or_default(), step)
}

/// Whether it is known what a step had read.
pub fn are_known(store: &Store, step: &Step) -> bool {
    runs_of(store, step).next().is_some()
}

/// What is known of the run that a step's layer comes from: of several with the same result the one whose facts hold
/// on what was below the step.
fn run_of(store: &Store, step: &Step, below: &[LayerId]) -> Option<Run> {
    let mut all: Vec<Run> = runs_of(store, step).collect();
    let gaps = if all.len() > 1 { gaps(store, below) } else { Gaps::new() };
    let place = all.iter().position(|run| failing(run, &gaps).is_empty()).unwrap_or(0);
    (place < all.len()).then(|| all.swap_remove(place))
}

fn runs_of(store: &Store, step: &Step) -> impl Iterator<Item = Run> {
    let all = step.watched.as_deref().map(|hex| runs(store, hex)).unwrap_or_default();
    all.into_iter().filter(|run| step.layers.contains(&run.layer))
}

fn runs(store: &Store, hex: &str) -> Vec<Run> {
    let mut digest = [0; 32];
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    }
    store.traces(&Key { digest, parts: Vec::new() }).runs
}

/// The watched parts of a stack, by name.
type Gaps = BTreeMap<String, Tree>;

fn gaps(store: &Store, stack: &[LayerId]) -> Gaps {
    let (mut natives, mut all) = (0, BTreeMap::<String, Vec<Vec<Change>>>::new());
    for id in distinct(stack) {
        let changes = if is_served(store, &id) { store.layer_changes(&id).ok() } else { None };
        match changes {
            Some(changes) => all.entry(Sight::gap_name(natives)).or_default().push(changes),
            None => natives += 1,
        }
    }
    all.into_iter().map(|(name, layers)| (name, Tree::new(&layers))).collect()
}

/// Each layer once, where it is uppermost, and none that holds nothing.
fn distinct(stack: &[LayerId]) -> Vec<LayerId> {
    let mut kept = Vec::new();
    for id in stack.iter().rev().filter(|id| **id != super::below::empty()) {
        if !kept.contains(id) {
            kept.push(*id);
        }
    }
    kept.reverse();
    kept
}

/// Whether steps get a layer served, so that what they read of it is seen.
pub fn is_served(store: &Store, id: &LayerId) -> bool {
    store.layer_meta(id).is_some_and(|meta| crate::sight::is_served(&meta))
}

/// The facts of a run that don't hold on these gaps. One that can't be told is left out.
fn failing(run: &Run, gaps: &Gaps) -> Vec<Broken> {
    let empty = Tree::new(&[[]; 0]);
    let mut out = Vec::new();
    for (gap, facts) in run.facts.iter().filter(|(gap, _)| gap.starts_with("layer.")) {
        let tree = gaps.get(gap).unwrap_or(&empty);
        for fact in facts {
            if let Ok(Some(now)) = fact.differs(tree)
                && !is_unknown_head(fact, &now)
            {
                out.push(Broken { gap: gap.clone(), fact: fact.clone(), now });
            }
        }
    }
    out
}

/// A layer that was not copied has no bytes any more in which to find where a file's head ends. Then the answer is about
/// the whole file, and says nothing of the head.
fn is_unknown_head(fact: &Fact, now: &str) -> bool {
    fact.look == Look::GoHead && fact.answer.starts_with(HEAD) && is_digest(now)
}

/// One reason for each path: the one that says most.
fn told(all: &[Broken], step: &Step) -> Vec<Reason> {
    let mut best: BTreeMap<String, (u8, Reason)> = BTreeMap::new();
    for broken in all {
        let reason = reason(broken, step);
        let rank = rank(&reason) + u8::from(reason.was.is_some());
        let path = reason.path.clone().unwrap_or_default();
        match best.get(&path) {
            Some((known, _)) if *known >= rank => {}
            _ => drop(best.insert(path, (rank, reason))),
        }
    }
    best.into_values().map(|(_, reason)| reason).collect()
}

fn rank(reason: &Reason) -> u8 {
    match reason.kind {
        Kind::Absent => 12,
        Kind::Mode if reason.was.as_deref().is_some_and(|was| TYPES.contains(&was)) => 10,
        Kind::Content if !reason.is_status => 8,
        Kind::Content => 6,
        Kind::Link => 4,
        Kind::Listing => 2,
        _ => 0,
    }
}

fn reason(broken: &Broken, step: &Step) -> Reason {
    let Broken { gap, fact, now } = broken;
    let by = program(fact);
    let (kind, was, is) = kind(fact, now);
    let is_status = matches!(fact.look, Look::Stat | Look::Time);
    Reason { by, is_status, ..Reason::at(kind, path(gap, fact, step)).between(was, is) }
}

fn program(fact: &Fact) -> Option<String> {
    fact.by.as_deref().map(|by| by.rsplit('/').next().unwrap_or(by).to_owned())
}

/// As the step sees it.
fn path(gap: &str, fact: &Fact, step: &Step) -> String {
    let mount = gap.strip_prefix("mount.").and_then(|number| step.mounts.get(number.parse::<usize>().ok()?));
    let root = mount.map_or("", |mount| mount.place.trim_end_matches('/'));
    match fact.path.is_empty() && !root.is_empty() {
        true => root.to_owned(),
        false => format!("{root}/{}", fact.path),
    }
}

type Told = (Kind, Option<String>, Option<String>);

fn kind(fact: &Fact, now: &str) -> Told {
    let was = fact.answer.as_str();
    if let Some((was, now)) = of_being_there(was, now) {
        return (Kind::Absent, Some(was.to_owned()), Some(now.to_owned()));
    }
    let (old, new) = (type_of(fact.look, was), type_of(fact.look, now));
    if old != new {
        return (Kind::Mode, Some(old.to_owned()), Some(new.to_owned()));
    }
    let digests = |kind| (kind, Some(digest(was)), Some(digest(now)));
    match fact.look {
        Look::Content | Look::Time | Look::GoHead => digests(Kind::Content),
        Look::List | Look::GoNames => digests(Kind::Listing),
        Look::Link => digests(Kind::Link),
        Look::Entry | Look::Stat | Look::Shared => of_status(was, now),
    }
}

/// What isn't there any more, or is there again, if it is that.
fn of_being_there(was: &str, now: &str) -> Option<(&'static str, &'static str)> {
    const THERE: &str = "there";
    match (was, now) {
        // Whether something is hidden only counts if there is something below.
        (ABSENT, WHITEOUT) => Some((THERE, ABSENT)),
        (WHITEOUT, ABSENT) => Some((ABSENT, THERE)),
        (_, ABSENT | WHITEOUT) => Some((THERE, ABSENT)),
        (ABSENT | WHITEOUT, _) => Some((ABSENT, THERE)),
        _ => None,
    }
}

const TYPES: [&str; 3] = ["file", "dir", "link"];

/// The type of what gave that answer.
fn type_of(look: Look, answer: &str) -> &'static str {
    let word = answer.split(' ').next().unwrap_or_default();
    if let Some(named) = TYPES.into_iter().find(|name| *name == word) {
        return named;
    }
    match look {
        Look::Link => "link",
        Look::List | Look::GoNames => "dir",
        _ => "file",
    }
}

/// `file 644 0:0 12`: type, mode, owner and size.
fn of_status(was: &str, now: &str) -> Told {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (words(was), words(now));
    let at = |words: &[String], n: usize| words.get(n).cloned();
    let differs = |n: usize| at(&old, n) != at(&new, n);
    match (differs(1), differs(2)) {
        (true, false) => (Kind::Mode, at(&old, 1), at(&new, 1)),
        (false, true) => (Kind::Mode, at(&old, 2), at(&new, 2)),
        (true, true) => (Kind::Mode, Some(old[1..].join(" ")), Some(new[1..].join(" "))),
        // What is left is the size, and with it the content.
        (false, false) => (Kind::Content, None, None),
    }
}

/// An answer as digits of a digest; the target of a link is digested.
fn digest(answer: &str) -> String {
    let hex = answer.trim_start_matches(HEAD);
    match is_digest(hex) {
        true => short(hex),
        false => short(blake3::hash(answer.as_bytes()).to_hex().as_str()),
    }
}

const HEAD: &str = "head ";

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a step has read of what has changed.
pub struct Read {
    paths: BTreeSet<String>,
    listed: BTreeSet<String>,
    /// Files of which a program read the beginning.
    heads: BTreeMap<String, Option<String>>,
}

impl Read {
    /// Whether a change of that path would have shown.
    pub fn covers(&self, path: &str) -> bool {
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        self.paths.contains(path) || self.listed.contains(dir)
    }

    /// Who read a part of a file and no more, if somebody did.
    pub fn in_part(&self, path: Option<&str>) -> Option<String> {
        self.heads.get(path?).cloned().flatten()
    }
}

/// What a reused step has read that was different in an earlier build, below which there was `was`: it was taken from a
/// build before that.
pub fn read_since(store: &Store, now: &Record, step: &Step, was: &[LayerId]) -> Read {
    let mut read = Read { paths: BTreeSet::new(), listed: BTreeSet::new(), heads: BTreeMap::new() };
    let Some(run) = run_of(store, step, &now.below(step)) else { return read };
    for (gap, facts) in &run.facts {
        let heads = facts.iter().filter(|fact| fact.look == Look::GoHead);
        read.heads.extend(heads.map(|fact| (path(gap, fact, step), program(fact))));
    }
    for broken in failing(&run, &gaps(store, was)) {
        let path = path(&broken.gap, &broken.fact, step);
        match broken.fact.look {
            Look::List | Look::GoNames => read.listed.insert(path.trim_end_matches('/').to_owned()),
            _ => read.paths.insert(path),
        };
    }
    read
}
