//! A step and the same one of an earlier build to what became of it, and why.
//!
//! Which reasons count goes by how the step came to its layer: the flag that asked for it, a lost cache, what it had read,
//! parts of its key, what is below it. Each kind of reason has a file of its own.

use store::builds::{Ended, How as Came, Kind as Op, Record, Step};
use store::{LayerId, Store};

use super::same::Past;
use super::{
    How, Kind, Outcome, Reason, Unwatched, base_reason, below, between_runs, build_id, facts, files,
    once_a_path, parts,
};

/// A step, with what it is compared with.
pub struct Case<'a> {
    /// Where its layers are.
    pub store: &'a Store,
    /// The build.
    pub now: &'a Record,
    /// The step.
    pub step: &'a Step,
    /// The same in an earlier build.
    pub past: Option<Past<'a>>,
}

impl Case<'_> {
    /// What became of it.
    pub fn outcome(&self) -> Outcome {
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

    /// By what it was decided.
    pub fn how(&self) -> Option<How> {
        let traced = self.step.how == Some(Came::Traced) || self.step.broken.is_some();
        (self.step.ended != Ended::Never).then_some(if traced { How::Traced } else { How::Exact })
    }

    /// The reasons, and whether the result is from before the last build.
    pub fn reasons(&self, outcome: Outcome) -> (Vec<Reason>, bool) {
        let (mut reasons, is_older) = match (outcome, self.step.kind, self.step.how) {
            (Outcome::Reused, Op::Run, Some(Came::Traced)) => self.unread(),
            (Outcome::Reused, Op::Run, _) => (Vec::new(), self.is_older()),
            _ => (self.reasons_of(outcome), false),
        };
        reasons.extend(self.twins());
        (reasons, is_older)
    }

    /// What is different between two runs on the same.
    fn twins(&self) -> Vec<Reason> {
        let [one, other] = self.step.twins[..] else { return Vec::new() };
        let found = between_runs(self.store, &one, &other);
        if found.is_empty() { vec![Reason::of(Kind::Nondeterministic)] } else { found }
    }

    fn reasons_of(&self, outcome: Outcome) -> Vec<Reason> {
        match (outcome, self.step.kind) {
            (Outcome::Skipped | Outcome::Reused, _) => Vec::new(),
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
        let by_facts = !alone || self.why_unwatched(past).is_none();
        let mut reasons = self.parts(past);
        if alone {
            reasons.extend(parts::contents_of_mounts(past.step, self.step));
        }
        if alone && by_facts {
            reasons.extend(facts::changed(self.store, self.now, self.step, past));
        }
        let below = below::changed(self.now, self.step, past);
        let counts = |change: &&below::Changed| !by_facts || !change.is_served(self.store);
        reasons.extend(below.iter().filter(counts).flat_map(|change| change.reasons(self.store)));
        if reasons.is_empty() && alone {
            reasons.extend(below.iter().flat_map(|change| change.reasons(self.store)));
        }
        // It says why all the rest counts, so it comes first.
        reasons.splice(..0, self.network(past, alone));
        reasons
    }

    /// That a step goes by all that is below it because of the network.
    fn network(&self, past: &Past, alone: bool) -> Option<Reason> {
        let is_why = alone && self.goes_by_what_is_below(past) == Some(Unwatched::Network);
        let seen = || {
            if past.ran.network {
                Reason::of(Kind::Network)
            } else {
                Reason::named(Kind::Network, "security")
            }
        };
        is_why.then(seen)
    }

    /// Why it went by all that is below it, if it did.
    pub fn unwatched(&self, outcome: Outcome) -> Option<Unwatched> {
        let has_run = matches!(outcome, Outcome::Ran | Outcome::Failed) && self.step.kind == Op::Run;
        let is_open = self.step.asked.is_none() && !self.step.cache_lost && self.step.broken.is_none();
        self.goes_by_what_is_below(self.past.as_ref().filter(|_| has_run && is_open)?)
    }

    /// If a step ran only because something below it has changed, and nobody knows whether it had read that: why not.
    fn goes_by_what_is_below(&self, past: &Past) -> Option<Unwatched> {
        let mut below = below::changed(self.now, self.step, past);
        below.retain(below::Changed::is_files);
        if below.is_empty() || !self.parts(past).is_empty() {
            return None;
        }
        let is_native = || below.iter().any(|change| !change.is_served(self.store));
        self.why_unwatched(past).or_else(|| is_native().then_some(Unwatched::Native))
    }

    /// Why nothing is known of what the step had read the last time; none if that is known.
    fn why_unwatched(&self, past: &Past) -> Option<Unwatched> {
        match past.ran {
            ran if self.step.wide || ran.wide => Some(Unwatched::Wide),
            ran if ran.network || parts::hides_network(ran) => Some(Unwatched::Network),
            ran if self.step.watched.is_some() && facts::are_known(self.store, ran) => None,
            _ => Some(Unwatched::Unseen),
        }
    }

    fn parts(&self, past: &Past) -> Vec<Reason> {
        let mut reasons = parts::differences(past.step, self.step);
        reasons.extend(below::inputs(self.now, self.step, past));
        reasons
    }

    /// A program that it made, which is as before but for Go's build id.
    pub fn same_but_id(&self) -> Option<String> {
        let past = self.past.as_ref().filter(|past| past.step.kind == Op::Run)?;
        let (was, now) = (&past.step.layers, &self.step.layers);
        build_id::program(self.store, was, now, &files::differences(self.store, was, now))
    }

    /// What has changed below a step that was reused, because it had never read that; and whether it had read something
    /// else that has changed, so that its result is from before the last build.
    fn unread(&self) -> (Vec<Reason>, bool) {
        let Some(past) = &self.past else { return (Vec::new(), false) };
        let (was, now) = (past.record.below(past.step), self.now.below(self.step));
        let only = |these: &[LayerId], others: &[LayerId]| -> Vec<LayerId> {
            these.iter().filter(|id| !others.contains(id)).copied().collect()
        };
        let mut reasons = files::differences(self.store, &only(&was, &now), &only(&now, &was));
        let read = facts::read_since(self.store, self.now, self.step, &was);
        let all = reasons.len();
        reasons.retain(|reason| !reason.path.as_deref().is_some_and(|path| read.covers(path)));
        let is_older = reasons.len() < all || past.step.layers != self.step.layers;
        reasons.extend(parts::contents_of_mounts(past.step, self.step));
        once_a_path(&mut reasons, Kind::Unread);
        reasons.iter_mut().for_each(|reason| reason.by = read.in_part(reason.path.as_deref()));
        (reasons, is_older)
    }

    /// Whether the step was something else in the last build, so that what was found of it is from before that.
    fn is_older(&self) -> bool {
        let Some(past) = &self.past else { return false };
        let stack = |record: &Record, step| -> Vec<LayerId> {
            record.below(step).into_iter().filter(|id| *id != below::empty()).collect()
        };
        stack(self.now, self.step) != stack(past.record, past.step)
            || !self.parts(past).is_empty()
            || !parts::contents_of_mounts(past.step, self.step).is_empty()
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
