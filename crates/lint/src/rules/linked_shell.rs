//! # linked-shell
//!
//! Finds a `RUN` that puts another shell in the place of `/bin/sh`.
//!
//! ## Why
//! Programs in the image expect the shell that was there. `SHELL` changes the one that instructions are run by, and
//! nothing else.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN ln -sf /bin/bash /bin/sh
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! SHELL ["/bin/bash", "-c"]
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "linked-shell",
    aliases: &["DL4005"],
    description: "/bin/sh is replaced where SHELL would do",
    url: "https://github.com/hadolint/hadolint/wiki/DL4005",
    check,
    source: include_str!("linked_shell.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::runs(scene, is_wrong, MESSAGE)
}

const MESSAGE: &str = "`/bin/sh` is replaced: name another shell with SHELL";

fn is_wrong(command: &Command) -> bool {
    command.runs("ln", &["/bin/sh"])
}
