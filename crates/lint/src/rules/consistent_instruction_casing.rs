//! # ConsistentInstructionCasing
//!
//! Finds keywords that aren't written as most of the file's are, in capitals or in small letters.
//!
//! ## Why
//! In one case of letters, keywords are told from their arguments at a glance.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY a /
//! copy b /
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY a /
//! COPY b /
//! ```

use dockerfile::{Instruction, Kind};

use crate::rule::{Changes, Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "ConsistentInstructionCasing",
    description: "All commands within the Dockerfile should use the same casing (either upper or lower)",
    url: "https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("consistent_instruction_casing.rs"),
    ..Rule::BUILDKIT
};

/// Arguments before the first stage don't count, and aren't looked at.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.input.dockerfile.instructions.iter();
    let all: Vec<&Instruction> = all.skip_while(|one| !matches!(one.kind, Kind::From(_))).collect();
    let count = |case: fn(&str) -> String| {
        all.iter().filter(|one| case(&one.keyword_text) == one.keyword_text).count()
    };
    let (case, name): (fn(&str) -> String, _) = match count(str::to_lowercase) > count(str::to_uppercase) {
        true => (str::to_lowercase, "lowercase"),
        false => (str::to_uppercase, "uppercase"),
    };
    let odd = all.into_iter().filter(|one| case(&one.keyword_text) != one.keyword_text);
    let pen = scene.pen();
    let fix = |one: &Instruction| pen.rewrite(one, 0..one.keyword_text.len(), &case(&one.keyword_text));
    odd.map(|one| Spot::in_file(one).finding(message(&one.keyword_text, name)).mended_by(fix(one))).collect()
}

fn message(keyword: &str, case: &str) -> String {
    format!("Command '{keyword}' should match the case of the command majority ({case})")
}
