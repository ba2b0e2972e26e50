//! States that show a fault to few and small ones that show a fault of the same kind: what can go, goes.

use super::edit::State;
use super::files;
use super::play::{Fault, Kind, play};
use super::program::What;
use crate::world::Around;
use std::time::{Duration, Instant};

/// Nobody waits longer for a small example.
const PATIENCE: Duration = Duration::from_secs(60);

/// The smallest states that were found, and their fault.
pub fn shrink(states: &[State], fault: Fault, number: usize, around: &Around) -> (Vec<State>, Fault) {
    let start = Instant::now();
    let states = states[..=fault.state].to_vec();
    let mut shrinker = Shrinker { kind: fault.kind, number, around, start, states, fault };
    shrinker.stages();
    shrinker.earlier();
    // What goes in one pass may let something else go in the next.
    for _ in 0..2 {
        shrinker.steps();
        shrinker.lines();
        shrinker.paths();
    }
    shrinker.earlier();
    (shrinker.states, shrinker.fault)
}

struct Shrinker<'a> {
    kind: Kind,
    number: usize,
    around: &'a Around,
    start: Instant,
    states: Vec<State>,
    fault: Fault,
}

impl Shrinker<'_> {
    /// Takes the smaller states if they show the fault as well.
    fn try_with(&mut self, states: Vec<State>) -> bool {
        if self.start.elapsed() > PATIENCE || states == self.states {
            return false;
        }
        match play(&states, self.number, self.around) {
            Ok(Err(fault)) if fault.kind == self.kind => {
                self.states = states[..=fault.state].to_vec();
                self.fault = fault;
                true
            }
            _ => false,
        }
    }

    fn try_all(&mut self, change: impl Fn(&mut State)) -> bool {
        let mut states = self.states.clone();
        states.iter_mut().for_each(change);
        self.try_with(states)
    }

    /// States before the last.
    fn earlier(&mut self) {
        let mut at = self.states.len().saturating_sub(1);
        while at > 0 {
            at -= 1;
            if at < self.states.len() {
                let mut states = self.states.clone();
                states.remove(at);
                let _ = !states.is_empty() && self.try_with(states);
            }
        }
    }

    /// All stages that the bad one doesn't need, then one by one.
    fn stages(&mut self) {
        if let Some((stage, _)) = self.fault.step.clone() {
            let wanted = self.needed(&stage);
            self.try_all(|state| state.program.stages.retain(|stage| wanted.contains(&stage.name)));
        }
        for name in self.names() {
            self.try_all(|state| state.program.stages.retain(|stage| stage.name != name));
        }
    }

    fn names(&self) -> Vec<String> {
        self.states[0].program.stages.iter().rev().map(|stage| stage.name.clone()).collect()
    }

    /// A stage and those that it names.
    fn needed(&self, stage: &str) -> Vec<String> {
        let mut wanted = vec![stage.to_owned()];
        for stage in self.states[0].program.stages.iter().rev().filter(|stage| !stage.steps.is_empty()) {
            if wanted.contains(&stage.name) {
                wanted.push(stage.base.clone());
                wanted.extend(stage.steps.iter().filter_map(|step| from(&step.what)));
            }
        }
        wanted
    }

    fn steps(&mut self) {
        for id in self.steps_of() {
            self.try_all(|state| {
                state.program.stages.iter_mut().for_each(|stage| stage.steps.retain(|step| step.id != id));
            });
        }
    }

    fn steps_of(&self) -> Vec<usize> {
        self.states[0]
            .program
            .stages
            .iter()
            .rev()
            .flat_map(|s| s.steps.iter().rev().map(|step| step.id))
            .collect()
    }

    fn lines(&mut self) {
        for id in self.steps_of() {
            for at in (0..6).rev() {
                self.try_all(|state| drop_line(state, id, at));
            }
        }
    }

    fn paths(&mut self) {
        let mut paths: Vec<String> =
            self.states.iter().flat_map(|state| state.files.keys().cloned()).collect();
        paths.sort();
        paths.dedup();
        for path in paths {
            self.try_all(|state| drop(files::remove(&mut state.files, &path)));
        }
    }
}

fn drop_line(state: &mut State, id: usize, at: usize) {
    for step in state.program.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
        if let What::Run(_, lines) = &mut step.what
            && step.id == id
            && at < lines.len()
        {
            lines.remove(at);
        }
    }
}

/// The stage from which a COPY takes something.
fn from(what: &What) -> Option<String> {
    let What::Plain(text) = what else { return None };
    text.strip_prefix("COPY --from=")?.split(' ').next().map(str::to_owned)
}
