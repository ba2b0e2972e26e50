//! # apt-lists-left
//!
//! Finds `apt-get update` whose lists stay in the image.
//!
//! ## Why
//! The lists take tens of megabytes, and are out of date when somebody wants them. They have to go in the same `RUN`:
//! a later one only hides them. Stages that nothing is built on are let through, as their files stay behind anyway,
//! and so are lists on a cache mount.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y --no-install-recommends curl=8.14.*
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN apt-get update && apt-get install -y --no-install-recommends curl=8.14.* && rm -rf /var/lib/apt/lists/*
//! ```

use crate::lines::{Line, Part};
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "apt-lists-left",
    aliases: &["DL3009"],
    description: "The package lists of apt stay in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3009",
    check,
    fix: Some(Changes::Files(&["/var/lib/apt/lists/*"])),
    source: include_str!("apt_lists_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let count = scene.parts.len();
    let counts = |index: usize, part: &Part| index + 1 == count || is_built_on(scene, part);
    let parts = scene.parts.iter().enumerate().filter(|(index, part)| counts(*index, part));
    parts.flat_map(|(index, part)| lines(scene, index, part)).collect()
}

fn lines<'s>(scene: &'s Scene, index: usize, part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let (pen, mut found) = (scene.pen(), Vec::new());
    for (place, line) in part.lines.iter().enumerate().filter(|(_, line)| is_left(line)) {
        let later = part.lines[place + 1..].iter().chain(scene.parts[index + 1..].iter().flat_map(|part| &part.lines));
        // Who installs without an update of his own needs these lists.
        let is_needed = later.into_iter().any(needs_lists) || !installs(line);
        let edits = if is_needed { Vec::new() } else { pen.at_end(line, " && rm -rf /var/lib/apt/lists/*") };
        found.push(line.finding("the package lists stay in the image: remove `/var/lib/apt/lists/*` in the same RUN").mended_by(edits));
    }
    found
}

fn is_built_on(scene: &Scene, part: &Part) -> bool {
    let name = part.from.and_then(|(_, from)| from.alias.as_deref());
    let images = scene.parts.iter().filter_map(|part| part.from).map(|(_, from)| from.image.as_str());
    name.is_some_and(|name| images.into_iter().any(|image| image == name))
}

fn is_left(line: &Line) -> bool {
    let removes = |command: &Command| command.runs("rm", &["-rf", "/var/lib/apt/lists/*"]);
    updates(line) && !line.commands().iter().any(removes) && !is_mounted(line)
}

fn is_mounted(line: &Line) -> bool {
    line.mounts("/var/lib/apt/lists") || line.mounts("/var/lib/apt") && line.mounts("/var/cache/apt")
}

fn updates(line: &Line) -> bool {
    line.commands().iter().any(|command| command.runs("apt-get", &["update"]))
}

fn installs(line: &Line) -> bool {
    line.commands().iter().any(|command| command.runs("apt-get", &["install"]))
}

fn needs_lists(line: &Line) -> bool {
    let is_apt = |command: &Command| command.name.text.starts_with("apt") && !command.has(&["clean", "remove", "purge"]);
    line.commands().iter().any(is_apt) && !updates(line)
}
