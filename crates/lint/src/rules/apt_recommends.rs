//! # apt-recommends
//!
//! Finds `apt-get install` that brings packages nobody asked for.
//!
//! ## Why
//! Debian recommends further packages with most. On a desktop that is a service; in an image they are megabytes to
//! pull and holes to patch.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install --no-install-recommends -y curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```

use crate::find;
use crate::lines::{Line, Pen};
use crate::rule::{Changes, Edit, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "apt-recommends",
    aliases: &["DL3015"],
    description: "apt-get installs what packages recommend, too",
    url: "https://github.com/hadolint/hadolint/wiki/DL3015",
    check,
    fix: Some(Changes::Files(&["of packages that others recommend, and the notes of apt and dpkg"])),
    source: include_str!("apt_recommends.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, fix)
}

const MESSAGE: &str = "`apt-get install` brings recommended packages: add `--no-install-recommends`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    let is_off = command.has_flag(&["no-install-recommends"]) || command.has(&["APT::Install-Recommends=false"]);
    command.runs("apt-get", &["install"]) && !is_off
}

fn fix(pen: &Pen, line: &Line, command: &Command) -> Vec<Edit> {
    find::behind(&["install"], " --no-install-recommends")(pen, line, command)
}
