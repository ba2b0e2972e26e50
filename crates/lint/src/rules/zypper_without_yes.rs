//! # zypper-without-yes
//!
//! Finds `zypper` that would ask before it installs or removes.
//!
//! ## Why
//! Nobody is there to answer: it gives up.
//!
//! ## Bad
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install httpd=2.4.63 && zypper clean
//! ```
//! ## Good
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install -y httpd=2.4.63 && zypper clean
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "zypper-without-yes",
    aliases: &["DL3034"],
    description: "zypper asks before it installs",
    url: "https://github.com/hadolint/hadolint/wiki/DL3034",
    check,
    fix: Some(Changes::Files(&["/var/log/zypp/history", "/var/log/zypper.log"])),
    source: include_str!("zypper_without_yes.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, "zypper asks, and nobody answers: add `-y`", find::behind(&VERBS, " -y"))
}

const VERBS: [&str; 7] = ["install", "in", "remove", "rm", "source-install", "si", "patch"];

fn is_wrong(_: &Line, command: &Command) -> bool {
    let is_quiet = command.has_flag(&["no-confirm", "y", "non-interactive", "n"]);
    command.runs("zypper", &VERBS) && !is_quiet
}
