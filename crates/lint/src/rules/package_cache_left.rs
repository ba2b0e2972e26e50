//! # package-cache-left
//!
//! Finds packages that are fetched into the image that is shipped, and stay there packed as well.
//!
//! ## Why
//! npm, conda, composer and pacman keep what they fetch. What a later `RUN` removes is hidden, and pulled all the
//! same. A cache mount keeps it out and makes the next build quick. Other managers have rules of their own.
//!
//! ## Bad
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN npm ci
//! ```
//! ## Good
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN npm ci && npm cache clean --force
//! ```

use crate::find;
use crate::rule::{Changes, Finding, Needs, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "package-cache-left",
    needs: Needs::Syntax,
    description: "A package manager's cache stays in the image",
    check,
    fix: Some(Changes::Files(&["~/.npm/*", "/opt/conda/pkgs/*", "/tmp/cache/*", "~/.composer/cache/*", "~/.cache/composer/*", "/var/cache/pacman/pkg/*"])),
    source: include_str!("package_cache_left.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let first = scene.parts.last().and_then(|part| part.from).map(|(from, _)| from.line);
    let found = MANAGERS.iter().flat_map(|manager| of(scene, manager));
    found.filter(|finding| first.is_some_and(|line| finding.spot.line >= line)).collect()
}

struct Manager {
    name: &'static str,
    installs: &'static [&'static str],
    cleans: &'static [&'static str],
    folder: &'static str,
    command: &'static str,
}

const MANAGERS: [Manager; 4] = [
    Manager { name: "npm", installs: &["ci", "install", "i"], cleans: &["cache"], folder: "/root/.npm", command: "npm cache clean --force" },
    Manager { name: "conda", installs: &["install", "create"], cleans: &["clean"], folder: "/opt/conda/pkgs", command: "conda clean -afy" },
    Manager { name: "composer", installs: &["install", "require"], cleans: &["clear-cache", "clearcache"], folder: "/tmp/cache", command: "composer clear-cache" },
    Manager { name: "pacman", installs: &["-S", "-Sy", "-Syu"], cleans: &["-Scc", "-Sc"], folder: "/var/cache/pacman/pkg", command: "rm -rf /var/cache/pacman/pkg/*" },
];

fn of<'s>(scene: &'s Scene, manager: &Manager) -> Vec<Finding<'s>> {
    let installs = |command: &Command| command.runs(manager.name, manager.installs);
    let cleans = |command: &Command| {
        let removes = command.is("rm") && command.words.iter().any(|word| word.text.starts_with(manager.folder));
        command.runs(manager.name, manager.cleans) || removes
    };
    find::left(scene, installs, cleans, manager.folder, "the packages stay in the image packed, too: end with a command that cleans up", manager.command)
}
