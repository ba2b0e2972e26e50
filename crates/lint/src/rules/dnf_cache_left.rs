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
    fix: Some(Changes::Files(&["/var/cache/dnf/*", "/var/cache/libdnf5/*", "/var/cache/yum/*", "/var/log/dnf*"])),
    source: include_str!("dnf_cache_left.rs"),
    ..Rule::HADOLINT
};

/// Each is there without the other, as a rule.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("dnf", "dnf leaves its cache in the image: end with `dnf clean all`", "dnf clean all"),
    ("microdnf", "microdnf leaves its cache in the image: end with `microdnf clean all`", "microdnf clean all"),
];

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let of = |(name, message, command): (&str, &'static str, &str)| {
        let installs = |command: &Command| command.is(name) && command.has(&["install"]);
        find::left(scene, installs, cleans, "/var/cache/dnf", message, command)
    };
    PROGRAMS.into_iter().flat_map(of).collect()
}

fn cleans(command: &Command) -> bool {
    let is_ours = PROGRAMS.iter().any(|(name, ..)| command.is(name));
    is_ours && command.has(&["clean"]) || command.runs("rm", &["-rf", "/var/cache/dnf/*"])
}
