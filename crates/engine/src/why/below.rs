//! What is below a step in two builds to the steps that made the difference.

use std::collections::{HashMap, HashSet};

use store::builds::{Kind as Op, Record, Step};
use store::{LayerId, Store};

use super::same::Past;
use super::{Kind, Reason, base_reason, short_id};

/// A step below that made something else than before, or that is or was there alone.
pub struct Changed<'a> {
    was: Option<&'a Step>,
    now: Option<&'a Step>,
}

impl Changed<'_> {
    /// As reasons for the step above: what another COPY brings file by file.
    pub fn reasons(&self, store: &Store) -> Vec<Reason> {
        match (self.was, self.now) {
            (Some(was), Some(now)) if now.kind == Op::Base => vec![base_reason(was, now)],
            (Some(was), Some(now)) if now.kind == Op::Copy => {
                let files = super::files::differences(store, &was.layers, &now.layers);
                if files.is_empty() { vec![self.step()] } else { files }
            }
            _ => vec![self.step()],
        }
    }

    /// Whether it is no base image.
    pub fn is_files(&self) -> bool {
        self.now.or(self.was).is_some_and(|step| step.kind != Op::Base)
    }

    fn step(&self) -> Reason {
        let step = self.now.or(self.was).expect("it is or was there");
        let id = |step: Option<&Step>| step.and_then(|step| short_id(&step.layers));
        Reason::named(Kind::Content, format!("[{}] {}", step.place, step.instruction))
            .between(id(self.was), id(self.now))
    }

    /// Whether what a step reads of it is watched.
    pub fn is_served(&self, store: &Store) -> bool {
        let layers = [self.was, self.now].into_iter().flatten().flat_map(|step| &step.layers);
        layers.into_iter().all(|id| super::facts::is_served(store, id))
    }
}

/// The steps below that have changed.
pub fn changed<'a>(now: &'a Record, step: &Step, past: &Past<'a>) -> Vec<Changed<'a>> {
    between(now, now.chain(step), past, past.record.chain(past.step))
}

fn between<'a>(now: &'a Record, here: Vec<usize>, past: &Past<'a>, there: Vec<usize>) -> Vec<Changed<'a>> {
    let mut out = Vec::new();
    let order: HashMap<usize, usize> =
        there.iter().enumerate().map(|(order, place)| (*place, order)).collect();
    let (mut known, mut highest) = (HashSet::new(), 0);
    for at in here {
        let step = &now.steps[at];
        let before = past.pairs[at].filter(|place| order.contains_key(place));
        let was = before.map(|place| &past.record.steps[place]);
        // Something that stood above it stands below it now.
        let moved = before.is_some_and(|place| order[&place] < highest) && !kept(step).is_empty();
        if moved || was.map_or(&[][..], kept) != kept(step) {
            out.push(Changed { was, now: Some(step) });
        }
        known.extend(before);
        highest =
            before.filter(|_| !kept(step).is_empty()).map_or(highest, |place| highest.max(order[&place]));
    }
    let gone = there.iter().filter(|place| !known.contains(*place));
    let gone = gone.map(|place| &past.record.steps[*place]).filter(|step| !kept(step).is_empty());
    out.extend(gone.map(|step| Changed { was: Some(step), now: None }));
    out
}

/// What a step put there, unless that is nothing.
fn kept(step: &Step) -> &[LayerId] {
    if step.layers == [empty()] { &[] } else { &step.layers }
}

/// The layer without entries.
pub fn empty() -> LayerId {
    LayerId::Made(tree::id(&[]))
}

/// Mounts of a RUN whose files come from other steps, which have changed.
pub fn inputs(now: &Record, step: &Step, past: &Past) -> Vec<Reason> {
    if step.kind != Op::Run {
        return Vec::new();
    }
    let stack = |record: &Record, step: &Step| -> Vec<LayerId> {
        let inputs = step.inputs.iter().filter_map(|at| record.steps.get(*at as usize));
        let all = inputs.flat_map(|input| [record.below(input), input.layers.clone()].concat());
        all.filter(|id| *id != empty()).collect()
    };
    let (was, is) = (stack(past.record, past.step), stack(now, step));
    if was == is {
        return Vec::new();
    }
    let mount = step.mounts.iter().chain(&past.step.mounts).find(|mount| mount.kind == "bind");
    let name = mount.map_or("", |mount| mount.place.as_str());
    vec![Reason::at(Kind::Mount, name).between(short_id(&was), short_id(&is))]
}
