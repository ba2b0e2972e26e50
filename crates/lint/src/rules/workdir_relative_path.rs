//! # WorkdirRelativePath
//!
//! Finds a relative `WORKDIR` that has no absolute one above it in the file.
//!
//! ## Why
//! It is relative to the working directory of the base image, which another version of it may have elsewhere.
//!
//! ## Bad
//! ```dockerfile
//! FROM busybox:1.37.0
//! WORKDIR app
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0
//! WORKDIR /app
//! WORKDIR data
//! ```

use dockerfile::Kind;
use dockerfile::quote::quote;

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "WorkdirRelativePath",
    aliases: &["DL3000"],
    description: "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
    url: "https://docs.docker.com/go/dockerfile/rule/workdir-relative-path/",
    check,
    source: include_str!("workdir_relative_path.rs"),
    ..Rule::BUILDKIT
};

/// Only the first: what is absolute once makes the rest so.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.steps().filter_map(one).collect()
}

fn one<'s>(step: &'s Step) -> Option<Finding<'s>> {
    let is_first = matches!(step.instruction.kind, Kind::Workdir(_)) && !step.has_workdir;
    let path = step.words.first().filter(|path| is_first && !path.starts_with('/'))?;
    let message =
        format!("Relative workdir {} can have unexpected results if the base image changes", quote(path));
    Some(step.spot().finding(message))
}
