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
    find::unpinned_rpm(scene, &["yum"], is_pinned)
}

fn is_pinned(package: &str) -> bool {
    package.contains('-') || package.ends_with(".rpm")
}
