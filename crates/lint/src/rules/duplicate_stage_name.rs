//! # DuplicateStageName
//!
//! Finds a stage with the name of an earlier one.
//!
//! ## Why
//! `FROM` and `COPY --from` take the last stage of that name above them, `--target` the last one in the file. Which
//! one a reader would take is another matter.
//!
//! ## Bad
//! ```dockerfile
//! FROM busybox:1.37.0 AS files
//! FROM scratch AS files
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0 AS tools
//! FROM scratch AS files
//! ```

use std::collections::HashSet;

use dockerfile::quote::quote;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "DuplicateStageName",
    aliases: &["DL3024"],
    description: "Stage names should be unique",
    url: "https://docs.docker.com/go/dockerfile/rule/duplicate-stage-name/",
    check,
    source: include_str!("duplicate_stage_name.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let named = scene.stages.iter().filter_map(|sight| Some((sight, sight.from.alias.as_deref()?)));
    let mut seen = HashSet::new();
    let again = named.filter(|(_, name)| !seen.insert(*name));
    let message = |name| format!("Duplicate stage name {}, stage names should be unique", quote(name));
    again.map(|(sight, name)| Spot::in_file(sight.instruction).finding(message(name))).collect()
}
