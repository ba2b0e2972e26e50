//! # StageNameCasing
//!
//! Finds stage names with upper-case letters in them.
//!
//! ## Why
//! A stage's name counts in lower case however it is written: `FROM Builder` doesn't find the stage `Builder`, and
//! `--target BUILDER` does. A name in lower case is what it looks like.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch AS Files
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch AS files
//! ```

use dockerfile::{From, Instruction, Kind};

use crate::lines::Pen;
use crate::rule::{Changes, Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "StageNameCasing",
    needs: Needs::Syntax,
    description: "Stage names should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("stage_name_casing.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    scene.input.dockerfile.instructions.iter().filter_map(|instruction| one(instruction, &pen)).collect()
}

fn one<'s>(instruction: &'s Instruction, pen: &Pen) -> Option<Finding<'s>> {
    let Kind::From(From { alias_text: Some(name), .. }) = &instruction.kind else { return None };
    let message = || format!("Stage name '{name}' should be lowercase");
    let meant = name.to_lowercase();
    // It is the last word.
    let end = instruction.original.trim_end().len();
    let fix = || pen.rewrite(instruction, end.saturating_sub(name.len())..end, &meant);
    (*name != meant).then(|| Spot::of(instruction).finding(message()).mended_by(fix()))
}
