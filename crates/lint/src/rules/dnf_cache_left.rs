//! # dnf-cache-left
//!
//! Finds `dnf install` that leaves what it fetched in the image.
//!
//! ## Why
//! What is removed by a later `RUN` is hidden, and pulled all the same. A cache mount is let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install -y httpd-2.4.65
//! ```
//! ## Good
//! ```dockerfile
//! FROM fedora:43
//! RUN dnf install -y httpd-2.4.65 && dnf clean all
//! ```

use crate::find;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "dnf-cache-left",
    aliases: &["DL3040"],
    description: "The cache of dnf stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3040",
    check,
    fix: Some(Changes::Files(&["/var/cache/dnf/*"])),
    source: include_str!("dnf_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::left(scene, installs, cleans, "/var/cache/dnf", MESSAGE, "dnf clean all")
}

const MESSAGE: &str = "dnf leaves its cache in the image: end with `dnf clean all`";

fn installs(command: &Command) -> bool {
    ["dnf", "microdnf"].contains(&command.name.text.as_str()) && command.has(&["install"])
}

fn cleans(command: &Command) -> bool {
    ["dnf", "microdnf"].contains(&command.name.text.as_str()) && command.has(&["clean"]) || command.runs("rm", &["-rf", "/var/cache/dnf/*"])
}
