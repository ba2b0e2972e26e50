//! # zypper-cache-left
//!
//! Finds `zypper install` that leaves what it fetched in the image.
//!
//! ## Why
//! What is removed by a later `RUN` is hidden, and pulled all the same. A cache mount is let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install -y httpd=2.4.63
//! ```
//! ## Good
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper install -y httpd=2.4.63 && zypper clean
//! ```

use crate::find;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "zypper-cache-left",
    aliases: &["DL3036"],
    description: "The cache of zypper stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3036",
    check,
    fix: Some(Changes::Files(&["/var/cache/zypp/*", "/var/log/zypper.log"])),
    source: include_str!("zypper_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::left(scene, installs, cleans, "/var/cache/zypp", MESSAGE, "zypper clean")
}

const MESSAGE: &str = "zypper leaves its cache in the image: end with `zypper clean`";

fn installs(command: &Command) -> bool {
    command.runs("zypper", &["install", "in"])
}

fn cleans(command: &Command) -> bool {
    command.runs("zypper", &["clean", "cc"])
}
