//! # apt-in-script
//!
//! Finds `apt` in a `RUN`.
//!
//! ## Why
//! Its command line is for people, and may change with every release; it says so itself. `apt-get` and `apt-cache`
//! are for scripts.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt update && apt upgrade -y && rm -rf /var/lib/apt/lists/*
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get upgrade -y && rm -rf /var/lib/apt/lists/*
//! ```

use crate::find;
use crate::lines::{Line, Pen};
use crate::rule::{Changes, Edit, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "apt-in-script",
    aliases: &["DL3027"],
    description: "apt where apt-get is meant",
    url: "https://github.com/hadolint/hadolint/wiki/DL3027",
    check,
    fix: Some(Changes::Files(&["/var/cache/apt/archives/*"])),
    source: include_str!("apt_in_script.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, |_, command| command.is("apt"), MESSAGE, fix)
}

const MESSAGE: &str = "`apt` is for people, not for scripts: use `apt-get` or `apt-cache`";

/// What means the same in the programs for scripts.
const GET: [&str; 9] =
    ["install", "update", "upgrade", "remove", "purge", "autoremove", "clean", "autoclean", "build-dep"];
const CACHE: [&str; 4] = ["search", "show", "policy", "depends"];

fn fix(pen: &Pen, line: &Line, command: &Command) -> Vec<Edit> {
    match command.plain().next() {
        Some(verb) if GET.contains(&verb) => pen.instead(line, command, &command.name, "apt-get"),
        Some(verb) if CACHE.contains(&verb) => pen.instead(line, command, &command.name, "apt-cache"),
        _ => Vec::new(),
    }
}
