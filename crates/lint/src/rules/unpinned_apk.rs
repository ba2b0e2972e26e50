//! # unpinned-apk
//!
//! Finds `apk add` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week. `name=1.2.3-r0` is one version, `name~1.2` any that begins with
//! that.
//!
//! ## Bad
//! ```dockerfile
//! FROM alpine:3.23.0
//! RUN apk add --no-cache curl
//! ```
//! ## Good
//! ```dockerfile
//! FROM alpine:3.23.0
//! RUN apk add --no-cache curl~8.17
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-apk",
    aliases: &["DL3018"],
    description: "apk installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3018",
    check,
    source: include_str!("unpinned_apk.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, packages, |package| package.contains(['=', '~']) || package.ends_with(".apk"), "NAME~VERSION")
}

fn packages(command: &Command) -> Vec<&str> {
    let all = command.plain_without(&["t", "virtual", "repository", "X"]).filter(|word| *word != "add");
    if command.runs("apk", &["add"]) { all.collect() } else { Vec::new() }
}
