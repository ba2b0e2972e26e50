//! # ReservedStageName
//!
//! Finds stages that are called `scratch` or `context`.
//!
//! ## Why
//! `scratch` is the empty image, `context` the build context. A stage of that name makes every line with the word in
//! it say two things.
//!
//! ## Bad
//! ```dockerfile
//! FROM busybox:1.37.0 AS context
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0 AS sources
//! ```

use dockerfile::quote::quote;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "ReservedStageName",
    aliases: &["DL3063"],
    description: "Reserved words should not be used as stage names",
    url: "https://docs.docker.com/go/dockerfile/rule/reserved-stage-name/",
    check,
    source: include_str!("reserved_stage_name.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let named = scene.stages.iter().filter_map(|sight| Some((sight, sight.from.alias.as_deref()?)));
    let reserved = named.filter(|(_, name)| ["context", "scratch"].contains(name));
    let message = |name| format!("Stage name should not use the same name as reserved stage {}", quote(name));
    reserved.map(|(sight, name)| Spot::in_file(sight.instruction).finding(message(name))).collect()
}
