//! # wget-progress
//!
//! Finds `wget` that draws a bar.
//!
//! ## Why
//! A bar is drawn for a terminal. In a log it is a line for every few kilobytes. `-q`, `-nv`, `-o` and any
//! `--progress` are let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN wget http://example.org/file
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN wget --progress=dot:giga http://example.org/file
//! ```

use crate::find;
use crate::lines::{Line, Pen};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "wget-progress",
    aliases: &["DL3047"],
    description: "wget draws a bar into the log",
    url: "https://github.com/hadolint/hadolint/wiki/DL3047",
    check,
    source: include_str!("wget_progress.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let fix = |pen: &Pen, line: &Line, command: &Command| pen.behind(line, command, &command.name, " --progress=dot:giga");
    find::mended(scene, is_wrong, MESSAGE, fix)
}

const MESSAGE: &str = "wget draws a bar into the log: add `--progress=dot:giga`, or `-nv`";

const QUIET: [&str; 8] =
    ["progress", "q", "quiet", "o", "output-file", "a", "append-output", "no-verbose"];

fn is_wrong(_: &Line, command: &Command) -> bool {
    command.is("wget") && !command.has_flag(&QUIET) && !command.has(&["-nv"])
}
