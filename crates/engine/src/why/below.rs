//! What is below a step in two builds to the steps that made the difference.

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
    /// As a reason for the step above.
    pub fn reason(&self) -> Reason {
        if let (Some(was), Some(now)) = (self.was, self.now)
            && now.kind == Op::Base
        {
            return base_reason(was, now);
        }
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
    let mut seen = Vec::new();
    for at in here {
        let step = &now.steps[at];
        let before = past.pairs[at].filter(|place| there.contains(place));
        let was = before.map(|place| &past.record.steps[place]);
        // Above something that it stood below, it is where it was; below something that it stood above, it isn't.
        let moved = before.is_some_and(|place| {
            let order = |place: &usize| there.iter().position(|other| other == place);
            seen.iter().any(|earlier| order(earlier) > order(&place)) && !kept(step).is_empty()
        });
        if moved || was.map_or(&[][..], kept) != kept(step) {
            out.push(Changed { was, now: Some(step) });
        }
        seen.extend(before.filter(|_| !kept(step).is_empty()));
    }
    let gone = there.iter().filter(|place| !past.pairs.contains(&Some(**place)));
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
        let of = |at: &u32| {
            let input = &record.steps[*at as usize];
            record.below(input).into_iter().chain(input.layers.iter().copied()).collect::<Vec<_>>()
        };
        step.inputs.iter().flat_map(of).filter(|id| *id != empty()).collect()
    };
    let (was, is) = (stack(past.record, past.step), stack(now, step));
    if was == is {
        return Vec::new();
    }
    let mount = step.mounts.iter().chain(&past.step.mounts).find(|mount| mount.kind == "bind");
    let name = mount.map_or("", |mount| mount.place.as_str());
    vec![Reason::at(Kind::Mount, name).between(short_id(&was), short_id(&is))]
}
