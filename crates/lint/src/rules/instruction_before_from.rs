//! # instruction-before-from
//!
//! Finds instructions other than `ARG` before the first `FROM`.
//!
//! ## Why
//! There is no stage yet that they could be about. A build refuses the file.
//!
//! ## Bad
//! ```dockerfile
//! LABEL a=b
//! FROM scratch
//! ```
//! ## Good
//! ```dockerfile
//! ARG A=b
//! FROM scratch
//! ```

use dockerfile::Kind;

use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "instruction-before-from",
    aliases: &["DL3061"],
    description: "An instruction before the first FROM",
    url: "https://github.com/hadolint/hadolint/wiki/DL3061",
    check,
    source: include_str!("instruction_before_from.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let early = scene.parts.iter().take(1).flat_map(|part| &part.lines);
    let wrong = early.filter(|line| !matches!(line.kind, Kind::Arg(_)));
    // A file that never gets to a stage says so elsewhere; one finding is enough here.
    wrong.take(1).map(|line| line.finding(format!("{} before the first FROM", line.kind.keyword()))).collect()
}
