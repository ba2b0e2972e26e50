//! # cd-in-run
//!
//! Finds `cd` in a `RUN`, where a `WORKDIR` before it says the same.
//!
//! ## Why
//! A `cd` counts for its own `RUN` alone. The next instruction begins in the old folder again, and who reads it has
//! to know that.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN cd /srv && make
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! WORKDIR /srv
//! RUN make
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "cd-in-run",
    aliases: &["DL3003"],
    description: "`cd` where a WORKDIR would do",
    url: "https://github.com/hadolint/hadolint/wiki/DL3003",
    check,
    source: include_str!("cd_in_run.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::runs(scene, is_wrong, MESSAGE)
}

const MESSAGE: &str = "`cd` holds for this RUN alone: use WORKDIR";

fn is_wrong(command: &Command) -> bool {
    command.is("cd")
}
