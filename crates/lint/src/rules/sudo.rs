//! # sudo
//!
//! Finds `sudo` in a `RUN`.
//!
//! ## Why
//! A step runs as root, or as the user that `USER` names. `sudo` brings its own rules for variables, terminals and
//! signals, and if a user may use it, so may whoever breaks into the container.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! USER app
//! RUN sudo make install
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! USER root
//! RUN make install
//! USER app
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "sudo",
    aliases: &["DL3004"],
    description: "`sudo` where USER would do",
    url: "https://github.com/hadolint/hadolint/wiki/DL3004",
    check,
    source: include_str!("sudo.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::runs(scene, is_wrong, MESSAGE)
}

const MESSAGE: &str = "`sudo` in a RUN: switch with USER, and back";

fn is_wrong(command: &Command) -> bool {
    command.is("sudo")
}
