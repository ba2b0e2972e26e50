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

use dockerfile::{Instruction, KeyValue, Kind};

use crate::lines::Pen;
use crate::rule::{Changes, Edit, Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "LegacyKeyValueFormat",
    description: "Legacy key/value format with whitespace separator should not be used",
    url: "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("legacy_key_value_format.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    scene.steps().flat_map(|step| one(step, &pen)).collect()
}

fn one<'s>(step: &'s Step, pen: &Pen) -> Vec<Finding<'s>> {
    let (Kind::Env(pairs) | Kind::Label(pairs)) = &step.instruction.kind else { return Vec::new() };
    let keyword = &step.instruction.keyword_text;
    let message =
        format!("\"{keyword} key=value\" should be used instead of legacy \"{keyword} key value\" format");
    let old = pairs.iter().filter(|pair| pair.old_form);
    old.map(|pair| step.spot().finding(message.clone()).mended_by(fix(&step.instruction, pair, pen))).collect()
}

/// Quotes and escapes mean something else behind a `=`; without them, the value needs quotes if it has blanks.
fn fix(instruction: &Instruction, pair: &KeyValue, pen: &Pen) -> Vec<Edit> {
    let KeyValue { key, value, .. } = pair;
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['"', '\'', '\\', '`']);
    let line = instruction.original.trim_end();
    let rest = line.len().checked_sub(value.len()).filter(|_| line.ends_with(value.as_str()));
    let start = rest.and_then(|rest| line[..rest].trim_end().len().checked_sub(key.len()));
    let Some(start) = start.filter(|start| is_plain(key) && is_plain(value) && line.get(*start..*start + key.len()) == Some(key)) else {
        return Vec::new();
    };
    let needs_quotes = value.contains(char::is_whitespace);
    let text = if needs_quotes { format!("{key}=\"{value}\"") } else { format!("{key}={value}") };
    pen.rewrite(instruction, start..line.len(), &text)
}
