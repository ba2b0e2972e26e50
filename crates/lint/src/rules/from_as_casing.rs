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

use crate::rule::{Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "FromAsCasing",
    needs: Needs::Syntax,
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
    check,
    source: include_str!("from_as_casing.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.input.dockerfile.instructions.iter().filter_map(one).collect()
}

fn one(instruction: &Instruction) -> Option<Finding<'_>> {
    let Kind::From(From { as_text: Some(word), .. }) = &instruction.kind else { return None };
    let keyword = &instruction.keyword_text;
    let message = || format!("'{word}' and '{keyword}' keywords' casing do not match");
    (*word != as_keyword(word, keyword)).then(|| Spot::of(instruction).finding(message()))
}

/// A keyword in mixed letters is another rule's.
fn as_keyword(word: &str, keyword: &str) -> String {
    match keyword {
        _ if keyword == keyword.to_lowercase() => word.to_lowercase(),
        _ if keyword == keyword.to_uppercase() => word.to_uppercase(),
        _ => word.to_owned(),
    }
}
