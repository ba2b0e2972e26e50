//! Which step of an earlier build is the same: by its text, else by its place and how much of its text is alike.
//!
//! An inserted line doesn't make what follows new, and neither does another name of a stage: the text decides before
//! the place does.

use std::collections::{BTreeSet, HashMap};

use store::builds::{Ended, How, Kind, Record, Step};

/// A step of an earlier build.
pub struct Past<'a> {
    /// The build.
    pub record: &'a Record,
    /// The step.
    pub step: &'a Step,
    /// The same in the build in which it was last run, which knows how it went; else as above.
    pub ran: &'a Step,
    /// For each step of the later build its place in the earlier one.
    pub pairs: &'a [Option<usize>],
}

/// For each step of a build what it is compared with.
pub struct Pasts<'a> {
    builds: Vec<(&'a Record, Vec<Option<usize>>)>,
    /// Which build, and which step of it.
    of: Vec<Option<(usize, usize)>>,
}

impl<'a> Pasts<'a> {
    /// Of the builds before, the newest first. The one before the last counts only for what didn't come to its end in
    /// the last.
    pub fn of(now: &Record, before: &'a [Record]) -> Pasts<'a> {
        let with_steps = before.iter().filter(|record| !record.steps.is_empty());
        let builds: Vec<_> = with_steps.map(|record| (record, pairs(&now.steps, &record.steps))).collect();
        let find = |at: usize| {
            let platform = &now.steps[at].platform;
            let alike =
                builds.iter().enumerate().filter(|(_, (record, _))| record.platforms.contains(platform));
            for (number, (record, pairs)) in alike {
                let place = pairs[at]?;
                if record.steps[place].ended == Ended::Well {
                    return Some((number, place));
                }
            }
            None
        };
        let of = (0..now.steps.len()).map(find).collect();
        Pasts { builds, of }
    }

    /// Of a step by its place.
    pub fn of_step(&self, at: usize) -> Option<Past<'_>> {
        let (build, place) = self.of[at]?;
        let (record, pairs) = &self.builds[build];
        let step = &record.steps[place];
        let earlier = self.builds[build..].iter().filter_map(|(record, pairs)| record.steps.get(pairs[at]?));
        let ran =
            earlier.filter(|other| other.layers == step.layers).find(|other| other.how != Some(How::Exact));
        Some(Past { record, step, ran: ran.unwrap_or(step), pairs })
    }
}

/// More pairs than this are not looked at one by one.
const MOST_PAIRS: usize = 250_000;

/// For each step of `now` its place in `past`; no two have the same.
pub fn pairs(now: &[Step], past: &[Step]) -> Vec<Option<usize>> {
    let mut found = Found { of: vec![None; now.len()], taken: vec![false; past.len()] };
    let mut groups: HashMap<Key, (Vec<usize>, Vec<usize>)> = HashMap::new();
    now.iter().enumerate().for_each(|(i, step)| groups.entry(key(step)).or_default().0.push(i));
    past.iter().enumerate().for_each(|(i, step)| groups.entry(key(step)).or_default().1.push(i));
    for (here, there) in groups.values() {
        found.best(here, there, |i, j| Some(place_score(&now[i], &past[j])));
    }
    let here: Vec<usize> = (0..now.len()).filter(|i| found.of[*i].is_none()).collect();
    let there: Vec<usize> = (0..past.len()).filter(|j| !found.taken[*j]).collect();
    found.best(&here, &there, |i, j| alike(&now[i], &past[j]));
    found.of
}

/// What two steps have in common that do the same.
type Key<'a> = (&'a str, Kind, &'a str);

fn key(step: &Step) -> Key<'_> {
    // The text of a FROM has the stage's name in it.
    let text = step.base.as_ref().map_or(&step.instruction, |base| &base.name);
    (&step.platform, step.kind, text)
}

struct Found {
    of: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Found {
    /// Pairs up steps, those with the highest score first, and of equal ones the nearest.
    fn best(&mut self, here: &[usize], there: &[usize], score: impl Fn(usize, usize) -> Option<u32>) {
        if here.len() * there.len() > MOST_PAIRS {
            let in_order = here.iter().zip(there).filter(|(i, j)| score(**i, **j).is_some());
            in_order.for_each(|(i, j)| self.take(*i, *j));
            return;
        }
        let all = here.iter().flat_map(|i| there.iter().map(move |j| (*i, *j)));
        let mut scored: Vec<_> =
            all.filter_map(|(i, j)| Some((u32::MAX - score(i, j)?, i.abs_diff(j), i, j))).collect();
        scored.sort_unstable();
        scored.into_iter().for_each(|(_, _, i, j)| self.take(i, j));
    }

    fn take(&mut self, i: usize, j: usize) {
        if self.of[i].is_none() && !self.taken[j] {
            (self.of[i], self.taken[j]) = (Some(j), true);
        }
    }
}

fn place_score(now: &Step, past: &Step) -> u32 {
    let (stage, number) = (now.stage == past.stage, now.number == past.number);
    40 * u32::from(stage) + 30 * u32::from(stage && number) + 5 * u32::from(number)
}

/// How much two steps of other texts are alike; none if they are not the same.
fn alike(now: &Step, past: &Step) -> Option<u32> {
    if now.kind != past.kind || now.platform != past.platform {
        return None;
    }
    let score = place_score(now, past) + common(&now.instruction, &past.instruction);
    (score >= 60).then_some(score)
}

/// How many of a hundred words two texts have in common.
fn common(one: &str, other: &str) -> u32 {
    let words = |text| str::split_whitespace(text).take(40).collect::<BTreeSet<&str>>();
    let (one, other) = (words(one), words(other));
    let both = one.intersection(&other).count();
    let all = one.union(&other).count().max(1);
    (100 * both / all) as u32
}
