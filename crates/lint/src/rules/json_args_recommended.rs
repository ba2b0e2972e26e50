//! # JSONArgsRecommended
//!
//! Finds a `CMD` or `ENTRYPOINT` that a shell is started for.
//!
//! ## Why
//! The shell is process 1 then and gets the signals, and most shells don't pass them on: the program isn't told to
//! end, and is killed after a while. Where a shell is wanted, a `SHELL` says so, and there is no finding.
//!
//! ## Bad
//! ```dockerfile
//! FROM busybox
//! CMD httpd -f
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox
//! CMD ["httpd", "-f"]
//! ```

use dockerfile::{Command, Kind};

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "JSONArgsRecommended",
    description: "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
    url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    check,
    source: include_str!("json_args_recommended.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.steps().filter(|step| is_for_shell(step)).map(found).collect()
}

fn is_for_shell(step: &Step) -> bool {
    let (Kind::Cmd(command) | Kind::Entrypoint(command)) = &step.instruction.kind else { return false };
    matches!(command, Command::Shell(_)) && !step.has_shell
}

fn found<'s>(step: &'s Step) -> Finding<'s> {
    let keyword = &step.instruction.keyword_text;
    let message = format!(
        "JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
    );
    step.spot().finding(message)
}
