//! # unpinned-go-install
//!
//! Finds `go install` and `go run` of programs without a version.
//!
//! ## Why
//! The same line fetches another version next week. The version may be that of a commit. Programs of the project
//! itself are let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23
//! RUN go install example.org/tool@latest
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23
//! RUN go install example.org/tool@v1.2.3
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::{Command, Word};

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-go-install",
    aliases: &["DL3062"],
    description: "go fetches programs of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3062",
    check,
    source: include_str!("unpinned_go_install.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, programs, is_pinned, "PATH@VERSION")
}

/// Flags with a value behind them.
const VALUED: [&str; 9] = ["ldflags", "gcflags", "asmflags", "tags", "p", "C", "mod", "modfile", "o"];

/// The first word that isn't a flag is the verb; what `go run` is told behind its program is that program's.
fn programs(command: &Command) -> Vec<&str> {
    let words: Vec<&Word> = command.words.iter().collect();
    let Some(verb) = words.first().filter(|_| command.is("go")).map(|word| word.text.as_str()) else {
        return Vec::new();
    };
    let mut plain = Vec::new();
    let mut rest = words[1..].iter().map(|word| word.text.as_str());
    while let Some(text) = rest.next() {
        match text.strip_prefix('-').map(|flag| flag.trim_start_matches('-')) {
            Some(flag) if VALUED.contains(&flag) => drop(rest.next()),
            Some(_) => {}
            None => plain.push(text),
        }
    }
    match verb {
        "install" | "get" => plain,
        "run" => plain.into_iter().take(1).collect(),
        _ => Vec::new(),
    }
}

fn is_pinned(program: &str) -> bool {
    // Without a dot in its first part, a path is the project's or the standard library's.
    let is_far = program.split('/').next().is_some_and(|host| host.contains('.') && !host.starts_with('.'));
    match program.split_once('@') {
        Some((_, version)) => !["latest", "upgrade", "patch", "master", "main", ""].contains(&version),
        None => !is_far || !program.contains('/'),
    }
}
