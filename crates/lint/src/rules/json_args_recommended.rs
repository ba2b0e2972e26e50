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
//! FROM busybox:1.37.0
//! USER 65534
//! CMD httpd -f
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0
//! USER 65534
//! CMD ["httpd", "-f"]
//! ```

use dockerfile::quote::quote;
use dockerfile::{Command, Kind};

use crate::image;
use crate::lines::Pen;
use crate::rule::{Changes, Edit, Finding, Rule};
use crate::scene::{Scene, Sight, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "JSONArgsRecommended",
    aliases: &["DL3025"],
    description: "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
    url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    check,
    fix: Some(Changes::Config(&["Cmd", "Entrypoint"])),
    source: include_str!("json_args_recommended.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    let all = scene.stages.iter().enumerate().flat_map(|(index, sight)| sight.steps.iter().map(move |step| (index, step)));
    let found = all.filter(|(_, step)| is_for_shell(step));
    found.map(|(index, step)| found_at(step).mended_by(fix(scene, index, step, &pen))).collect()
}

fn is_for_shell(step: &Step) -> bool {
    let (Kind::Cmd(command) | Kind::Entrypoint(command)) = &step.instruction.kind else { return false };
    matches!(command, Command::Shell(_)) && !step.has_shell
}

fn found_at<'s>(step: &'s Step) -> Finding<'s> {
    let keyword = &step.instruction.keyword_text;
    let message = format!(
        "JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
    );
    step.spot().finding(message)
}

/// Official images without an ENTRYPOINT, which would get other words from CMD.
const PLAIN: [&str; 10] =
    ["almalinux", "alpine", "busybox", "debian", "fedora", "golang", "python", "ruby", "rust", "ubuntu"];

/// Only what no shell is needed for, and where CMD and ENTRYPOINT don't meet.
fn fix(scene: &Scene, index: usize, step: &Step, pen: &Pen) -> Vec<Edit> {
    let (Kind::Cmd(Command::Shell(text)) | Kind::Entrypoint(Command::Shell(text))) = &step.instruction.kind else {
        return Vec::new();
    };
    let line = step.instruction.original.trim_end();
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_own = step.lines.0 == step.instruction.line;
    if !is_own || !is_alone(scene, index) || !are_plain(&words) || !line.ends_with(text.as_str()) {
        return Vec::new();
    }
    let list: Vec<String> = words.iter().map(|word| quote(word)).collect();
    pen.rewrite(&step.instruction, line.len() - text.len()..line.len(), &format!("[{}]", list.join(", ")))
}

/// Whether nothing else in the stage, below it or on it says what is run.
fn is_alone(scene: &Scene, index: usize) -> bool {
    let chain = scene.chain(index);
    let says = |step: &&Step| matches!(step.instruction.kind, Kind::Cmd(_) | Kind::Entrypoint(_));
    let count = chain.iter().flat_map(|index| &scene.stages[*index].steps).filter(says).count();
    let is_base = (index + 1..scene.stages.len()).any(|later| scene.chain(later).contains(&index));
    let root = chain.last().map(|index| &scene.stages[*index]);
    count == 1 && !is_base && root.is_some_and(|sight| has_no_entrypoint(scene, sight))
}

fn has_no_entrypoint(scene: &Scene, sight: &Sight) -> bool {
    let key = (sight.image.text.clone(), sight.wanted.clone());
    match scene.input.facts.and_then(|facts| facts.images.get(&key)) {
        Some(fact) => fact.config.config.entrypoint.as_ref().is_none_or(Vec::is_empty),
        None => !sight.is_image || PLAIN.contains(&image::name(&sight.image.text).official().unwrap_or_default()),
    }
}

/// Words of the shell itself, which are no programs.
const BUILTINS: [&str; 18] = [
    ".", ":", "cd", "eval", "exec", "exit", "export", "if", "for", "while", "case", "read", "set", "shift", "source",
    "trap", "ulimit", "umask",
];

fn are_plain(words: &[&str]) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    let first = words.first().filter(|word| !word.contains('=') && !BUILTINS.contains(word));
    first.is_some() && words.iter().all(|word| word.chars().all(is_plain))
}
