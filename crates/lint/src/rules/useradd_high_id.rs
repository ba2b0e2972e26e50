//! # useradd-high-id
//!
//! Finds `useradd` with a user id of six digits or more, and without `-l`.
//!
//! ## Why
//! `useradd` makes a place for the user in the logs of logins, files that are as long as the highest id and mostly
//! hole. In a layer the hole is zeros: gigabytes of them.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN useradd --uid 1234567 app
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN useradd -l --uid 1234567 app
//! ```

use crate::find;
use crate::lines::{Line, Pen};
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "useradd-high-id",
    aliases: &["DL3046"],
    description: "useradd makes a log as long as the user id is high",
    url: "https://github.com/hadolint/hadolint/wiki/DL3046",
    check,
    fix: Some(Changes::Files(&["/var/log/lastlog", "/var/log/faillog"])),
    source: include_str!("useradd_high_id.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let fix = |pen: &Pen, line: &Line, command: &Command| pen.behind(line, command, &command.name, " -l");
    find::mended(scene, is_wrong, MESSAGE, fix)
}

const MESSAGE: &str = "`useradd` with a high id makes a log of gigabytes: add `-l`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    let is_long = command.value(&["u", "uid"]).is_some_and(|id| id.len() > 5);
    command.is("useradd") && !command.has_flag(&["l", "no-log-init"]) && is_long
}
