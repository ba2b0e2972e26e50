//! # LegacyKeyValueFormat
//!
//! Finds `ENV` and `LABEL` with a blank where a `=` belongs.
//!
//! ## Why
//! The old form takes one pair, and all of the line's rest is its value, quotes, blanks and further `=` included.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! ENV MODE fast
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! ENV MODE=fast
//! ```

use dockerfile::Kind;

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "LegacyKeyValueFormat",
    description: "Legacy key/value format with whitespace separator should not be used",
    url: "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/",
    check,
    source: include_str!("legacy_key_value_format.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.steps().flat_map(one).collect()
}

fn one<'s>(step: &'s Step) -> Vec<Finding<'s>> {
    let (Kind::Env(pairs) | Kind::Label(pairs)) = &step.instruction.kind else { return Vec::new() };
    let keyword = &step.instruction.keyword_text;
    let message =
        format!("\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format");
    pairs.iter().filter(|pair| pair.old_form).map(|_| step.spot().finding(message.clone())).collect()
}
