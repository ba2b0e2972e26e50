//! # MultipleInstructionsDisallowed
//!
//! Finds a `CMD`, `ENTRYPOINT` or `HEALTHCHECK` that a later one of the same stage undoes.
//!
//! ## Why
//! Only the last one counts. The line that doesn't is told of.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! CMD ["/old"]
//! CMD ["/new"]
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! CMD ["/new"]
//! ```

use std::collections::HashMap;

use dockerfile::Kind;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "MultipleInstructionsDisallowed",
    aliases: &["DL4003", "DL4004", "DL3012"],
    description: "Multiple instructions of the same type should not be used in the same stage",
    url: "https://docs.docker.com/go/dockerfile/rule/multiple-instructions-disallowed/",
    check,
    source: include_str!("multiple_instructions_disallowed.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.stages.iter().flat_map(one).collect()
}

fn one<'s>(sight: &'s Sight) -> Vec<Finding<'s>> {
    let mut last: HashMap<&str, &Step> = HashMap::new();
    let once = |kind: &Kind| matches!(kind, Kind::Cmd(_) | Kind::Entrypoint(_) | Kind::Healthcheck(_));
    let steps = sight.steps.iter().filter(|step| once(&step.instruction.kind));
    let undone = steps.filter_map(|step| Some((last.insert(step.instruction.kind.keyword(), step)?, step)));
    undone.map(|(old, new)| found(old, new)).collect()
}

/// The line is the old one's; the comment that counts, and the word, are the new one's.
fn found<'s>(old: &Step, new: &'s Step) -> Finding<'s> {
    let (line, end_line) = old.lines;
    let keyword = &new.instruction.keyword_text;
    Spot { line, end_line, ..new.spot() }.finding(format!(
        "Multiple {keyword} instructions should not be used in the same stage because only the last one will be used"
    ))
}
