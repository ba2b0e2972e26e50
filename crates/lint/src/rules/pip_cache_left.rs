//! # pip-cache-left
//!
//! Finds `pip install` that leaves what it fetched in the image.
//!
//! ## Why
//! The wheels lie there twice: installed, and packed. `--no-cache-dir`, a true `PIP_NO_CACHE_DIR` in the environment
//! or a cache mount keep them out.
//!
//! ## Bad
//! ```dockerfile
//! FROM python:3.14.0-slim-trixie
//! RUN pip install flask==3.1.2
//! ```
//! ## Good
//! ```dockerfile
//! FROM python:3.14.0-slim-trixie
//! RUN pip install --no-cache-dir flask==3.1.2
//! ```

use dockerfile::{KeyValue, Kind};
use std::collections::HashSet;

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "pip-cache-left",
    aliases: &["DL3042"],
    description: "The cache of pip stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3042",
    check,
    fix: Some(Changes::Files(&["~/.cache/pip/*"])),
    source: include_str!("pip_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let off = off(scene);
    let is_wrong = |line: &Line, command: &Command| {
        let is_off = off.contains(&line.instruction.line) || is_set(line.text()) || line.mounts("/root/.cache/pip");
        command.is_pip_install() && !command.has(&["--no-cache-dir"]) && !is_wrapper(command) && !is_off
    };
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["install"], " --no-cache-dir"))
}

const MESSAGE: &str = "pip leaves its cache in the image: add `--no-cache-dir`";

const TRUE: [&str; 4] = ["1", "true", "on", "yes"];

/// The lines of those instructions that stand below an `ENV PIP_NO_CACHE_DIR=1`, in their stage or the one it is on.
fn off(scene: &Scene) -> HashSet<u32> {
    let (mut lines, mut names): (HashSet<u32>, HashSet<&str>) = (HashSet::new(), HashSet::new());
    for part in &scene.parts {
        let mut is_off = part.from.is_some_and(|(_, from)| names.contains(from.image.as_str()));
        for line in &part.lines {
            is_off |= matches!(line.kind, Kind::Env(pairs) if pairs.iter().any(is_switch));
            lines.extend(is_off.then_some(line.instruction.line));
        }
        names.extend(part.from.and_then(|(_, from)| from.alias.as_deref()).filter(|_| is_off));
    }
    lines
}

fn is_switch(pair: &KeyValue) -> bool {
    pair.key == "PIP_NO_CACHE_DIR" && TRUE.contains(&pair.value.trim_matches('"').to_lowercase().as_str())
}

/// Whether the variable is set in the RUN itself.
fn is_set(text: &str) -> bool {
    let value = text.split_once("PIP_NO_CACHE_DIR=").map(|(_, value)| value.to_lowercase());
    value.is_some_and(|value| TRUE.iter().any(|word| value.starts_with(word)))
}

fn is_wrapper(command: &Command) -> bool {
    ["pipx", "pipenv"].iter().any(|name| command.name.text.contains(name) || command.has_run_of(&["-m", name]))
}
