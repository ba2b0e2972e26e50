//! # CopyIgnoredFile
//!
//! Finds `COPY` and `ADD` of what the context's ignore file keeps out.
//!
//! ## Why
//! The build doesn't see the file, so that it fails, or copies less than the line says. Ignore files with a `!` in
//! them aren't looked at: what they keep out can't be told without the files.
//!
//! ## Bad
//! ```dockerignore
//! secret.txt
//! ```
//! ```dockerfile
//! FROM scratch
//! COPY secret.txt /
//! ```
//! ## Good
//! ```dockerignore
//! secret.txt
//! ```
//! ```dockerfile
//! FROM scratch
//! COPY public.txt /
//! ```

use dockerfile::address::{self, Address};
use dockerfile::quote::quote;
use dockerfile::{Kind, Patterns, ignore};

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "CopyIgnoredFile",
    description: "Attempting to Copy file that is excluded by .dockerignore",
    url: "https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/",
    check,
    source: include_str!("copy_ignored_file.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let Some(patterns) = scene.input.ignore.filter(|all| !all.is_empty() && !all.has_exclusions()) else {
        return Vec::new();
    };
    scene.steps().flat_map(|step| one(step, patterns)).collect()
}

fn one<'s>(step: &'s Step, patterns: &Patterns) -> Vec<Finding<'s>> {
    let word = match &step.instruction.kind {
        Kind::Copy(copy) if copy.flags.from.is_none() => "Copy",
        Kind::Add(_) => "Add",
        _ => return Vec::new(),
    };
    let message = |path: &str| format!("Attempting to {word} file {} that is excluded by .dockerignore", quote(path));
    let paths = step.words.iter().filter(|source| is_path(source)).map(|source| plan::path::clean(source));
    let ignored = paths.filter(|path| is_ignored(path, patterns));
    ignored.map(|path| step.spot().finding(message(&path))).collect()
}

fn is_path(source: &str) -> bool {
    matches!(address::source(source), Ok(Address::Local | Address::Other))
}

/// The context itself can't be kept out, only all that is in it. A path from the root is no path of the context to
/// a pattern, unless the pattern takes everything.
fn is_ignored(path: &str, patterns: &Patterns) -> bool {
    let takes_all = |rule: &ignore::Rule| ["*", "**", "**/*"].contains(&rule.pattern.as_str());
    let all = patterns.rules().iter().any(takes_all);
    match path {
        "." | "/" => all,
        _ => patterns.matches(path) || (all && path.starts_with('/')),
    }
}
