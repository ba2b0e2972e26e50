//! # apt-without-yes
//!
//! Finds `apt-get install` that would ask before it installs.
//!
//! ## Why
//! Nobody is there to answer: apt gives up.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install --no-install-recommends curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y --no-install-recommends curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "apt-without-yes",
    aliases: &["DL3014"],
    description: "apt-get asks before it installs",
    url: "https://github.com/hadolint/hadolint/wiki/DL3014",
    check,
    fix: Some(Changes::Files(&["/var/log/apt/history.log"])),
    source: include_str!("apt_without_yes.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["install"], " -y"))
}

const MESSAGE: &str = "`apt-get install` asks, and nobody answers: add `-y`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    command.runs("apt-get", &["install"]) && !command.has_flag(&["y", "yes", "q", "assume-yes"])
}
