//! # yum-cache-left
//!
//! Finds `yum install` that leaves what it fetched in the image.
//!
//! ## Why
//! What is removed by a later `RUN` is hidden, and pulled all the same. A cache mount is let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install -y httpd-2.4.63
//! ```
//! ## Good
//! ```dockerfile
//! FROM almalinux:9.6
//! RUN yum install -y httpd-2.4.63 && yum clean all
//! ```

use crate::find;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "yum-cache-left",
    aliases: &["DL3032"],
    description: "The cache of yum stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3032",
    check,
    fix: Some(Changes::Files(&["/var/cache/yum/*", "/var/cache/dnf/*", "/var/log/dnf*"])),
    source: include_str!("yum_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::left(scene, installs, cleans, "/var/cache/yum", MESSAGE, "yum clean all")
}

const MESSAGE: &str = "yum leaves its cache in the image: end with `yum clean all`";

fn installs(command: &Command) -> bool {
    command.is("yum") && command.has(&["install"])
}

fn cleans(command: &Command) -> bool {
    command.is("yum") && command.has(&["clean"]) || command.runs("rm", &["-rf", "/var/cache/yum/*"])
}
