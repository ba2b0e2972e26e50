//! # FromAsCasing
//!
//! Finds an `AS` that isn't written as its `FROM` is: one in capitals, the other not.
//!
//! ## Why
//! They are one instruction. Keywords in one case of letters are told from names at a glance.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch as files
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
    name: "FromAsCasing",
    needs: Needs::Syntax,
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("from_as_casing.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    scene.input.dockerfile.instructions.iter().filter_map(|instruction| one(instruction, &pen)).collect()
}

fn one<'s>(instruction: &'s Instruction, pen: &Pen) -> Option<Finding<'s>> {
    let Kind::From(From { as_text: Some(word), .. }) = &instruction.kind else { return None };
    let keyword = &instruction.keyword_text;
    let message = || format!("'{word}' and '{keyword}' keywords' casing do not match");
    let meant = as_keyword(word, keyword);
    // It stands before the stage's name, and that is the last word.
    let line = instruction.original.trim_end();
    let at = line.rfind(char::is_whitespace).map(|space| line[..space].trim_end().len());
    let fix = |at: usize| pen.rewrite(instruction, at.saturating_sub(word.len())..at, &meant);
    let finding = || Spot::of(instruction).finding(message()).mended_by(at.map(fix).unwrap_or_default());
    (*word != meant).then(finding)
}

/// A keyword in mixed letters is another rule's.
fn as_keyword(word: &str, keyword: &str) -> String {
    match keyword {
        _ if keyword == keyword.to_lowercase() => word.to_lowercase(),
        _ if keyword == keyword.to_uppercase() => word.to_uppercase(),
        _ => word.to_owned(),
    }
}
