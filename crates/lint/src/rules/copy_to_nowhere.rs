//! # copy-to-nowhere
//!
//! Finds a `COPY` to a relative path with no `WORKDIR` above it.
//!
//! ## Why
//! It goes where the base image has its working directory, which another version of it may have elsewhere.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! COPY app bin/app
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! WORKDIR /srv
//! COPY app bin/app
//! ```

use dockerfile::Kind;
use std::collections::HashSet;

use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copy-to-nowhere",
    aliases: &["DL3045"],
    description: "COPY to a relative path without WORKDIR",
    url: "https://github.com/hadolint/hadolint/wiki/DL3045",
    check,
    source: include_str!("copy_to_nowhere.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let (mut found, mut names) = (Vec::new(), HashSet::new());
    for part in &scene.parts {
        let mut is_set = part.from.is_some_and(|(_, from)| names.contains(from.image.as_str()));
        for line in &part.lines {
            is_set |= matches!(line.kind, Kind::Workdir(_));
            if let Kind::Copy(copy) = line.kind
                && !is_set
                && is_relative(&copy.dest)
            {
                found.push(line.finding(format!("`{}` is relative, and no WORKDIR says to what", copy.dest)));
            }
        }
        names.extend(part.from.and_then(|(_, from)| from.alias.as_deref()).filter(|_| is_set));
    }
    found
}

fn is_relative(dest: &str) -> bool {
    let dest = dest.trim_matches(['"', '\'']);
    let is_drive = dest.get(1..3).is_some_and(|sign| [":\\", ":/"].contains(&sign));
    !dest.starts_with(['/', '$']) && !is_drive
}
