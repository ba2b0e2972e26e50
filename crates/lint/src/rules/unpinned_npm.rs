//! # unpinned-npm
//!
//! Finds `npm install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week. `npm ci`, and `npm install` by itself, follow the lock file.
//!
//! ## Bad
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN npm install --global serve && npm cache clean --force
//! ```
//! ## Good
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN npm install --global serve@14.2.5 && npm cache clean --force
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-npm",
    aliases: &["DL3016"],
    description: "npm installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3016",
    check,
    source: include_str!("unpinned_npm.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, packages, is_pinned, "NAME@VERSION")
}

fn packages(command: &Command) -> Vec<&str> {
    let is_first = command.is("npm") && command.plain().next() == Some("install");
    if is_first { command.plain().filter(|word| *word != "install").collect() } else { Vec::new() }
}

fn is_pinned(package: &str) -> bool {
    if ["git://", "git+ssh://", "git+http://", "git+https://"].iter().any(|scheme| package.starts_with(scheme)) {
        return package.contains('#');
    }
    let is_archive = [".tar", ".tar.gz", ".tgz"].iter().any(|end| package.ends_with(end));
    let is_folder = ["/", "./", "../", "~/"].iter().any(|start| package.starts_with(start));
    is_archive || is_folder || package.strip_prefix('@').unwrap_or(package).contains('@')
}
