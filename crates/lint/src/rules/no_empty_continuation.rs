//! # NoEmptyContinuation
//!
//! Finds empty lines inside an instruction that goes over several lines.
//!
//! ## Why
//! An empty line looks like the end of an instruction, and for a shell it is. A builder passes it over today and may
//! refuse it tomorrow. A line that is to be seen as a gap can be a comment.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY a \
//!
//!      b /
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY a \
//!      b /
//! ```

use dockerfile::Span;

use crate::rule::{Changes, Edit, Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "NoEmptyContinuation",
    needs: Needs::Syntax,
    description: "Empty continuation lines will become errors in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("no_empty_continuation.rs"),
    ..Rule::BUILDKIT
};

/// BuildKit says it once an instruction, of the line that ends it; here-documents come after that.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let text = String::from_utf8_lossy(scene.input.text);
    let lines: Vec<&str> = text.lines().collect();
    let escape = scene.input.dockerfile.directives.escape;
    let empty = scene.input.dockerfile.empty_continuations.iter();
    let found = |line: &u32| {
        let end = end(&lines, *line, escape);
        at(end).finding("Empty continuation line").mended_by(fix(scene.input.text, *line, end))
    };
    empty.map(found).collect()
}

/// Takes the empty lines away, from the first to the one that ends the instruction.
fn fix(text: &[u8], first: u32, end: u32) -> Vec<Edit> {
    let (mut at, mut edits) = (0, Vec::new());
    for (line, bytes) in (1..=end).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        let (start, behind) = (at, at + bytes.len());
        at = behind;
        if line >= first && bytes.trim_ascii().is_empty() {
            let offset = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
            edits.push(Edit { span: Span { start: offset(start), end: offset(behind) }, text: String::new() });
        }
    }
    edits
}

fn at<'s>(line: u32) -> Spot<'s> {
    Spot { line, end_line: line, comment: None }
}

/// The line that ends the instruction of which `line` is empty.
fn end(lines: &[&str], line: u32, escape: char) -> u32 {
    let goes_on = |text: &&&str| {
        let start = text.trim_start();
        start.is_empty() || start.starts_with('#') || is_continued(text, escape)
    };
    let behind = lines.iter().skip(line as usize).take_while(goes_on).count();
    (line + behind as u32 + 1).min(lines.len() as u32)
}

/// Two escape characters continue nothing.
fn is_continued(text: &str, escape: char) -> bool {
    let head = text.trim_end_matches([' ', '\t']).strip_suffix(escape);
    head.is_some_and(|head| !head.ends_with(escape))
}
