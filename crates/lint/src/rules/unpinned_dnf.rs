//! # unpinned-dnf
//!
//! Finds `dnf install` of packages without a version.
//!
//! ## Why
//! The same line installs another version next week.
//!
//! ## Bad
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install -y httpd && dnf clean all
//! ```
//! ## Good
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install -y httpd-2.4.65 && dnf clean all
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-dnf",
    aliases: &["DL3041"],
    description: "dnf installs packages of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3041",
    check,
    source: include_str!("unpinned_dnf.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned_rpm(scene, &["dnf", "microdnf"], is_pinned)
}

/// `httpd-2.4`, and not `httpd-tools`.
fn is_pinned(package: &str) -> bool {
    let Some((_, rest)) = package.split_once('-') else { return false };
    let is_version = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || ".~^_:+".contains(c));
    let starts = rest.split('-').any(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    package.ends_with(".rpm") || starts && rest.split('-').all(is_version)
}
