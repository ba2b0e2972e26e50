//! # unpinned-yum
//!
//! Finds `yum install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week.
//!
//! ## Bad
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install -y httpd && yum clean all
//! ```
//! ## Good
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install -y httpd-2.4.63 && yum clean all
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-yum",
    aliases: &["DL3033"],
    description: "yum installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3033",
    check,
    source: include_str!("unpinned_yum.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let mut found = find::unpinned(scene, |command| packages(command, false), is_pinned, "NAME-VERSION");
    found.extend(find::unpinned(scene, |command| packages(command, true), |name| name.contains(':'), "NAME:STREAM"));
    found
}

fn packages(command: &Command, of_modules: bool) -> Vec<&str> {
    let is_install = command.is("yum") && command.has(&["install"]);
    if !is_install || command.has(&["group"]) || command.has(&["module"]) != of_modules {
        return Vec::new();
    }
    command.plain().filter(|word| !["install", "module"].contains(word)).collect()
}

fn is_pinned(package: &str) -> bool {
    package.contains('-') || package.ends_with(".rpm")
}
