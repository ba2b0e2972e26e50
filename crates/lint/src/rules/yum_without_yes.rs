//! # yum-without-yes
//!
//! Finds `yum install` that would ask before it installs.
//!
//! ## Why
//! Nobody is there to answer: it gives up.
//!
//! ## Bad
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install httpd-2.4.63 && yum clean all
//! ```
//! ## Good
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install -y httpd-2.4.63 && yum clean all
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "yum-without-yes",
    aliases: &["DL3030"],
    description: "yum asks before it installs",
    url: "https://github.com/hadolint/hadolint/wiki/DL3030",
    check,
    fix: Some(Changes::Files(&["/var/lib/yum/*", "/var/lib/dnf/*", "/var/log/dnf*"])),
    source: include_str!("yum_without_yes.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["install", "groupinstall", "localinstall"], " -y"))
}

const MESSAGE: &str = "`yum install` asks, and nobody answers: add `-y`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    let asks = command.has(&["install", "groupinstall", "localinstall"]) && !command.has_flag(&["y", "assumeyes"]);
    command.is("yum") && asks
}
