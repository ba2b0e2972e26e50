//! # dnf-without-yes
//!
//! Finds `dnf install` that would ask before it installs.
//!
//! ## Why
//! Nobody is there to answer: it gives up.
//!
//! ## Bad
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install httpd-2.4.65 && dnf clean all
//! ```
//! ## Good
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install -y httpd-2.4.65 && dnf clean all
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "dnf-without-yes",
    aliases: &["DL3038"],
    description: "dnf asks before it installs",
    url: "https://github.com/hadolint/hadolint/wiki/DL3038",
    check,
    fix: Some(Changes::Files(&["/var/lib/dnf/*", "/usr/lib/sysimage/libdnf5/*", "/var/log/dnf*"])),
    source: include_str!("dnf_without_yes.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["install", "groupinstall", "localinstall"], " -y"))
}

const MESSAGE: &str = "`dnf install` asks, and nobody answers: add `-y`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    let asks = command.has(&["install", "groupinstall", "localinstall"]) && !command.has_flag(&["y", "assumeyes"]);
    ["dnf", "microdnf"].contains(&command.name.text.as_str()) && asks
}
