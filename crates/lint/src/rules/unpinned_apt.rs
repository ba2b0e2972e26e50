//! # unpinned-apt
//!
//! Finds `apt-get install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week. Files of packages, releases (`name/release`) and versions
//! (`name=1.2`) are let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y --no-install-recommends curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-apt",
    aliases: &["DL3008"],
    description: "apt-get installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3008",
    check,
    source: include_str!("unpinned_apt.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, packages, is_pinned, "NAME=VERSION")
}

fn packages(command: &Command) -> Vec<&str> {
    let all = command.plain_without(&["t", "target-release"]).filter(|word| *word != "install");
    if command.runs("apt-get", &["install"]) { all.collect() } else { Vec::new() }
}

fn is_pinned(package: &str) -> bool {
    package.contains(['=', '/']) || package.ends_with(".deb")
}
