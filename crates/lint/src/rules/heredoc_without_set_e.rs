//! # heredoc-without-set-e
//!
//! Finds a here-document of several commands that goes on when one of them fails.
//!
//! ## Why
//! A shell goes from line to line whatever the last one came to: the step succeeds if the last command does. `set -e`
//! in front, or in `SHELL`, stops it.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN <<EOF
//! make
//! make install
//! EOF
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN <<EOF
//! set -e
//! make
//! make install
//! EOF
//! ```

use dockerfile::Kind;

use crate::lines::{Line, Part, Pen};
use crate::rule::{Changes, Finding, Needs, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "heredoc-without-set-e",
    needs: Needs::Syntax,
    description: "A here-document goes on when a command fails",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("heredoc_without_set_e.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    scene.parts.iter().flat_map(|part| self::part(part, &pen)).collect()
}

fn part<'s>(part: &'s Part<'s>, pen: &Pen) -> Vec<Finding<'s>> {
    let (mut stops, mut found) = (false, Vec::new());
    for line in &part.lines {
        if let Kind::Shell(words) = line.kind {
            stops = words.iter().skip(1).any(|word| sets_e(word)) || words.iter().any(|word| word == "errexit");
        }
        if line.is_document() && goes_on(line) && (!stops || line.text().starts_with("#!")) {
            let at = start(line.text());
            // With a carriage return behind it the line would be another: such a file is for its author to mend.
            let is_plain = !line.text().contains('\r');
            let fix = if is_plain { pen.before_document(line, at, "set -e\n") } else { Vec::new() };
            found.push(line.finding("the here-document goes on when a command fails: begin it with `set -e`").mended_by(fix));
        }
    }
    found
}

/// Where the commands begin: behind a `#!`.
fn start(text: &str) -> usize {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    if first.starts_with("#!") { first.len() } else { 0 }
}

fn goes_on(line: &Line) -> bool {
    let is_told = line.text().lines().next().is_some_and(|first| first.starts_with("#!") && first.split_whitespace().any(sets_e));
    let commands = line.commands();
    let stops = commands.first().is_some_and(|command| command.is("set") && (command.has_flag(&["e"]) || command.has(&["errexit"])));
    // Commands with `&&` between them stop by themselves.
    let is_chain = line.script.as_ref().is_some_and(|script| script.is_chain);
    commands.len() > 1 && !is_chain && !is_told && !stops
}

/// `-e`, `-euxo`
fn sets_e(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.contains('e')
}
