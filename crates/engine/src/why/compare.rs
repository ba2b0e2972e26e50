//! Two builds to what is different between them: steps, and the files that they made.

use serde::Serialize;
use store::Store;
use store::builds::{Kind as Op, Record, Step};

use super::same::Past;
use super::{Reason, base_reason, below, files, parts};

/// What `tare diff --json` prints.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Compared {
    /// Always 1: fields are only ever added.
    pub version: u32,
    /// The build that is compared with.
    pub from: String,
    /// The build that is compared.
    pub to: String,
    /// The images' digests.
    pub images: [Option<String>; 2],
    /// The steps that are different.
    pub steps: Vec<Difference>,
}

/// A step that is different.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// Its place: `builder 2/6`.
    pub step: String,
    /// Its line in the Dockerfile.
    pub line: u32,
    /// The instruction.
    pub instruction: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// What is different: parts of the step, then files that it made.
    pub reasons: Vec<Reason>,
}

/// Compares two builds, of the same or not.
pub fn compare(store: &Store, from: &Record, to: &Record) -> Compared {
    let pairs = super::same::pairs(&to.steps, &from.steps);
    let mut steps = Vec::new();
    for (step, place) in to.steps.iter().zip(&pairs) {
        match place.map(|place| &from.steps[place]) {
            None => steps.push(difference(step, "added", Vec::new())),
            Some(was) => {
                let reasons =
                    reasons(store, to, step, &Past { record: from, step: was, ran: was, pairs: &pairs });
                if !reasons.is_empty() {
                    steps.push(difference(step, "changed", reasons));
                }
            }
        }
    }
    let gone = (0..from.steps.len()).filter(|place| !pairs.contains(&Some(*place)));
    steps.extend(gone.map(|place| difference(&from.steps[place], "removed", Vec::new())));
    let images = [from.image.clone(), to.image.clone()];
    Compared { version: 1, from: from.id.clone(), to: to.id.clone(), images, steps }
}

fn difference(step: &Step, change: &'static str, reasons: Vec<Reason>) -> Difference {
    let (line, instruction) = (step.line, step.instruction.clone());
    Difference { step: step.place.clone(), line, instruction, change, reasons }
}

fn reasons(store: &Store, to: &Record, step: &Step, past: &Past) -> Vec<Reason> {
    if step.kind == Op::Base {
        let same = past.step.base == step.base;
        return if same { Vec::new() } else { vec![base_reason(past.step, step)] };
    }
    let mut reasons = parts::differences(past.step, step);
    reasons.extend(below::inputs(to, step, past));
    reasons.extend(files::differences(store, &past.step.layers, &step.layers));
    reasons
}
