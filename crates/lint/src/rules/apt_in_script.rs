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
//! RUN apt-get update && apt-get upgrade --with-new-pkgs -y && rm -rf /var/lib/apt/lists/*
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
    fix: Some(Changes::Files(&["/var/cache/apt/archives/*", "/var/log/apt/history.log"])),
    source: include_str!("apt_in_script.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, |_, command| command.is("apt"), MESSAGE, fix)
}

const MESSAGE: &str = "`apt` is for people, not for scripts: use `apt-get` or `apt-cache`";

/// What means the same in the programs for scripts.
const GET: [&str; 8] =
    ["install", "update", "remove", "purge", "autoremove", "clean", "autoclean", "build-dep"];
const CACHE: [&str; 4] = ["search", "show", "policy", "depends"];

/// What `apt upgrade` does unasked.
const NEW: &str = " --with-new-pkgs";

fn fix(pen: &Pen, line: &Line, command: &Command) -> Vec<Edit> {
    match command.plain().next() {
        Some("upgrade") => {
            let program = pen.instead(line, command, &command.name, "apt-get");
            let new = find::behind(&["upgrade"], NEW)(pen, line, command);
            let is_whole = !program.is_empty() && !new.is_empty();
            program.into_iter().chain(new).filter(|_| is_whole).collect()
        }
        Some(verb) if GET.contains(&verb) => pen.instead(line, command, &command.name, "apt-get"),
        Some(verb) if CACHE.contains(&verb) => pen.instead(line, command, &command.name, "apt-cache"),
        _ => Vec::new(),
    }
}
