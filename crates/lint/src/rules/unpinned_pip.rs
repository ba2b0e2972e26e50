//! # unpinned-pip
//!
//! Finds `pip install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week. A requirements file, a constraints file, the project itself,
//! files and repositories at a revision are let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM python:3.14.0-slim-trixie
//! RUN pip install --no-cache-dir flask
//! ```
//! ## Good
//! ```dockerfile
//! FROM python:3.14.0-slim-trixie
//! RUN pip install --no-cache-dir flask==3.1.2
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-pip",
    aliases: &["DL3013"],
    description: "pip installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3013",
    check,
    source: include_str!("unpinned_pip.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, packages, is_pinned, "NAME==VERSION")
}

/// Flags with a value behind them.
const VALUED: [&str; 25] = [
    "abi", "b", "build", "e", "editable", "extra-index-url", "f", "find-links", "i", "index-url", "implementation",
    "no-binary", "only-binary", "platform", "prefix", "progress-bar", "proxy", "python-version", "root", "src", "t",
    "target", "trusted-host", "upgrade-strategy", "cache-dir",
];

fn packages(command: &Command) -> Vec<&str> {
    let is_fixed = command.has(&["--requirement", "-r", "."]) || command.has_flag(&["constraint", "c", "requirement"]);
    if !command.is_pip_install() || is_fixed {
        return Vec::new();
    }
    let all = command.plain_without(&VALUED).skip_while(|word| *word != "install");
    all.filter(|word| *word != "install").collect()
}

fn is_pinned(package: &str) -> bool {
    let is_repository = ["git+", "git:", "hg+", "svn", "bzr+"].iter().any(|scheme| package.starts_with(scheme));
    let has_version = ["==", ">=", "<=", ">", "<", "!=", "~="].iter().any(|sign| package.contains(sign));
    let is_file = package.ends_with(".whl") || package.ends_with(".tar.gz");
    has_version || is_file || if is_repository { package.contains('@') } else { package.contains('/') }
}
