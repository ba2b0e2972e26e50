//! # env-of-itself
//!
//! Finds an `ENV` that uses a variable which the same line sets.
//!
//! ## Why
//! All of a line's values are read before any is set: the variable is still what it was, and mostly nothing.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! ENV PATH=/srv/bin:$PATH OLD=$PATH
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! ENV OLD=$PATH
//! ENV PATH=/srv/bin:$PATH
//! ```

use dockerfile::{KeyValue, Kind};
use std::collections::HashSet;

use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "env-of-itself",
    aliases: &["DL3044"],
    description: "ENV uses a variable that it sets itself",
    url: "https://github.com/hadolint/hadolint/wiki/DL3044",
    check,
    source: include_str!("env_of_itself.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let (mut known, mut found) = (HashSet::new(), Vec::new());
    for line in scene.lines() {
        match line.kind {
            Kind::Env(pairs) => {
                let name = pairs.iter().map(|pair| pair.key.as_str()).find(|name| is_early(name, pairs) && !known.contains(name));
                found.extend(name.map(|name| line.finding(message(name))));
                known.extend(pairs.iter().map(|pair| pair.key.as_str()));
            }
            Kind::Arg(all) => known.extend(all.iter().map(|arg| arg.name.as_str())),
            _ => {}
        }
    }
    found
}

fn message(name: &str) -> String {
    format!("`{name}` isn't set yet where this line uses it: set it in an ENV of its own")
}

/// Whether another pair of the line uses the name.
fn is_early(name: &str, pairs: &[KeyValue]) -> bool {
    pairs.iter().filter(|pair| pair.key != name).any(|pair| uses(&pair.value, name))
}

fn uses(value: &str, name: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric());
    let mut parts = value.split('$').skip(1);
    parts.any(|part| match part.strip_prefix('{') {
        Some(part) => part.strip_prefix(name).is_some_and(|rest| rest.starts_with(['}', ':'])),
        None => part.strip_prefix(name).is_some_and(|rest| !goes_on(rest)),
    })
}
