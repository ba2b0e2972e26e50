//! # zypper-dist-upgrade
//!
//! Finds `zypper dist-upgrade`.
//!
//! ## Why
//! It makes another release of what the base image is. A newer base image does that better, and everybody sees it.
//!
//! ## Bad
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper dist-upgrade -y
//! ```
//! ## Good
//! ```dockerfile
//! FROM opensuse/leap:16.0
//! RUN zypper patch -y
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "zypper-dist-upgrade",
    aliases: &["DL3035"],
    description: "zypper makes another release of the base image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3035",
    check,
    source: include_str!("zypper_dist_upgrade.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::runs(scene, is_wrong, MESSAGE)
}

const MESSAGE: &str = "`zypper dist-upgrade` in an image: take a newer base image";

fn is_wrong(command: &Command) -> bool {
    command.runs("zypper", &["dist-upgrade", "dup"])
}
