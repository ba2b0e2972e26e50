//! # unpinned-zypper
//!
//! Finds `zypper install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week.
//!
//! ## Bad
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install -y httpd && zypper clean
//! ```
//! ## Good
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install -y httpd=2.4.63 && zypper clean
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-zypper",
    aliases: &["DL3037"],
    description: "zypper installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3037",
    check,
    source: include_str!("unpinned_zypper.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, packages, |package| package.contains(['=', '<', '>']) || package.ends_with(".rpm"), "NAME=VERSION")
}

fn packages(command: &Command) -> Vec<&str> {
    let all = command.plain().filter(|word| !["install", "in"].contains(word));
    if command.runs("zypper", &["install", "in"]) { all.collect() } else { Vec::new() }
}
