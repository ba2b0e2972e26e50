//! # InvalidDefinitionDescription
//!
//! Finds comments right before a stage or an argument that don't describe it.
//!
//! ## Why
//! `--call=outline` and `--call=targets` show the comment before an argument or a stage, if it begins with its name.
//! One that doesn't is perhaps meant to, and stays unseen. An empty comment line keeps other comments apart.
//!
//! ## Bad
//! ```dockerfile
//! # check=experimental=InvalidDefinitionDescription
//!
//! # What is shipped
//! FROM scratch AS files
//! ```
//! ## Good
//! ```dockerfile
//! # check=experimental=InvalidDefinitionDescription
//!
//! # files is what is shipped
//! FROM scratch AS files
//!
//! # The following is for tests only.
//! #
//! ARG EXTRA
//! ```

use dockerfile::{Instruction, Kind};

use crate::rule::{Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "InvalidDefinitionDescription",
    needs: Needs::Syntax,
    description: "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-definition-description/",
    experimental: true,
    check,
    source: include_str!("invalid_definition_description.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.input.dockerfile.instructions.iter().filter_map(one).collect()
}

fn one(instruction: &Instruction) -> Option<Finding<'_>> {
    let names: Vec<&str> = match &instruction.kind {
        Kind::From(from) => from.alias.iter().map(String::as_str).collect(),
        Kind::Arg(all) => all.iter().map(|arg| arg.name.as_str()).collect(),
        _ => return None,
    };
    // The last line decides; those above it may say more.
    let first_word = instruction.comment.as_deref()?.lines().last()?.split(' ').next()?;
    let example = match names[..] {
        [] => return None,
        _ if names.contains(&first_word) => return None,
        [name] => name,
        _ => "<arg_key>",
    };
    let keyword = instruction.kind.keyword();
    let message = format!("Comment for {keyword} should follow the format: `# {example} <description>`");
    Some(Spot::of(instruction).finding(message))
}
