//! # UndefinedArgInFrom
//!
//! Finds variables in `FROM` that no `ARG` above the first stage declares.
//!
//! ## Why
//! An argument of a stage, or an environment variable, means nothing in `FROM`: the variable is empty, and with it
//! a part of the image's name.
//!
//! ## Bad
//! ```dockerfile
//! ARG VARIANT=alpine
//! FROM busybox${VARIANTS}
//! ```
//! ## Good
//! ```dockerfile
//! ARG VARIANTS=:1.37.0-musl
//! FROM busybox${VARIANTS}
//! ```

use crate::near;
use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "UndefinedArgInFrom",
    description: "FROM command must use declared ARGs",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-arg-in-from/",
    check,
    source: include_str!("undefined_arg_in_from.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.stages.iter().flat_map(one).collect()
}

fn one<'s>(sight: &'s Sight) -> Vec<Finding<'s>> {
    let words = [&sight.image].into_iter().chain(&sight.platform);
    let unset = words.flat_map(|word| &word.unset).filter(|name| !sight.names.contains(name));
    unset.map(|name| Spot::of(sight.instruction).finding(message(name, &sight.names))).collect()
}

fn message(name: &str, known: &[String]) -> String {
    let near = near::nearest(name, known.iter().map(String::as_str));
    format!("FROM argument '{name}' is not declared{}", near::question("", near))
}
