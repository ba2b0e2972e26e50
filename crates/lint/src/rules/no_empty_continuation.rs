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
//!      # The second one.
//!      b /
//! ```

use crate::rule::{Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "NoEmptyContinuation",
    needs: Needs::Syntax,
    description: "Empty continuation lines will become errors in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
    check,
    source: include_str!("no_empty_continuation.rs"),
    ..Rule::BUILDKIT
};

/// BuildKit says it once an instruction, of the line that ends it; here-documents come after that.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let text = String::from_utf8_lossy(scene.input.text);
    let lines: Vec<&str> = text.lines().collect();
    let escape = scene.input.dockerfile.directives.escape;
    let empty = scene.input.dockerfile.empty_continuations.iter();
    empty.map(|line| at(end(&lines, *line, escape)).finding("Empty continuation line")).collect()
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
