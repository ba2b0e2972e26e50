//! What the store knows of the last build of a folder.

use std::collections::BTreeSet;

use advice::{Look, Reads, Seen};
use plan::{Op, Options, Plan};
use store::Store;
use store::builds::{Outcome, Record, Step};
use tree::Change;

use super::build::Build;
use crate::commands::{facts, source};

/// More steps than this and nobody wants to wait for what they have read.
const MOST_STEPS: usize = 500;

/// The last build.
#[derive(Default)]
pub struct Known {
    /// The Dockerfile as it was built, if that was with another target than by default.
    pub plans: Option<Vec<Plan>>,
    /// What its steps have read.
    pub reads: Option<Reads>,
    /// What to tell.
    pub notes: Vec<String>,
}

/// What is known of the last build of this Dockerfile in this folder that went well.
pub fn last(build: &Build, context: &str) -> Known {
    let told = |note: &str| Known { notes: vec![note.to_owned()], ..Known::default() };
    let none = "no build of this folder is on record: only what the Dockerfile and the project say counts";
    let Some(store) = facts::store() else { return told(none) };
    let context = source::context_name(context);
    let mut all =
        store.builds().filter(|record| record.context == context && record.outcome == Outcome::Ok).peekable();
    if all.peek().is_none() {
        return told(none);
    }
    let Some((record, plans)) =
        all.find_map(|record| Some((plans(build, &record)?, record))).map(|(p, r)| (r, p))
    else {
        return told(
            "no build of this folder on record was one of this Dockerfile as it is now: only what it and the project say \
             counts",
        );
    };
    let reads = reads(&store, &record, &plans[0]);
    let notes = unknown(&plans[0], &reads).into_iter().collect();
    Known { plans: Some(plans), reads: Some(reads), notes }
}

/// The plans whose first is what was built; none if it was something else.
fn plans(build: &Build, record: &Record) -> Option<Vec<Plan>> {
    let plans = match &record.target {
        None => build.plans.clone(),
        target => {
            let mut options = Options { target: target.clone(), ..build.options.clone() };
            super::build::planned(&build.dockerfile, &mut options).ok()?
        }
    };
    let steps = &plans[0].steps;
    let is_same = |(step, was): (&plan::Step, &Step)| {
        let is_run = matches!(step.op, Op::Run(_));
        step.line == was.line && (!is_run || step.text.contains("://") || step.text == was.instruction)
    };
    let fits = steps.len() <= record.steps.len() && steps.len() <= MOST_STEPS;
    (fits && steps.iter().zip(&record.steps).all(is_same)).then_some(plans)
}

fn reads(store: &Store, record: &Record, plan: &Plan) -> Reads {
    let seen = |seen: engine::reads::Seen| Seen {
        path: String::from_utf8_lossy(&seen.path).into_owned(),
        mount: seen.mount,
        look: match seen.look {
            trace::Look::Content | trace::Look::Time | trace::Look::Link => Look::Content,
            _ => Look::Other,
        },
        by: seen.by.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let all = engine::reads::reads(store, record).into_iter().take(plan.steps.len());
    let steps = all.map(|of| Some(of?.into_iter().map(seen).collect())).collect();
    let put = record.steps.iter().take(plan.steps.len()).map(|step| put(store, step)).collect();
    Reads { steps, put }
}

/// What a step has put where.
fn put(store: &Store, step: &Step) -> Option<Vec<String>> {
    let layers =
        step.layers.iter().map(|layer| store.layer_changes(layer).ok()).collect::<Option<Vec<_>>>()?;
    let path = |change: Change| match change {
        Change::Put(entry) => Some(String::from_utf8_lossy(&entry.path).into_owned()),
        Change::Remove(_) | Change::Opaque(_) => None,
    };
    Some(layers.into_iter().flatten().filter_map(path).collect())
}

/// The steps of which it isn't known what they have read, if they stand on files of the context.
fn unknown(plan: &Plan, reads: &Reads) -> Option<String> {
    let names: BTreeSet<String> = advice::unknown(plan, reads)
        .into_iter()
        .map(|id| plan.step(id))
        .map(|step| format!("`{}` (line {})", first_line(&step.text), step.line))
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let is = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| {
        format!("what {} read {is} not known, so all counts that could be read there", names.join(" and "))
    })
}

/// Of a long instruction the beginning.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}
