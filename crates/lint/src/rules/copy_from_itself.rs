//! # copy-from-itself
//!
//! Finds `COPY --from` of the stage that it stands in.
//!
//! ## Why
//! A stage isn't done before its last line. A build refuses it.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch AS files
//! COPY --from=files /a /b
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch AS parts
//! COPY a /
//! FROM scratch AS files
//! COPY --from=parts /a /b
//! ```

use dockerfile::Kind;

use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copy-from-itself",
    aliases: &["DL3023"],
    description: "COPY from the stage itself",
    url: "https://github.com/hadolint/hadolint/wiki/DL3023",
    check,
    source: include_str!("copy_from_itself.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().flat_map(part).collect()
}

fn part<'s>(part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let own = part.from.and_then(|(_, from)| from.alias.as_deref());
    let is_own = |line: &&Line| match line.kind {
        Kind::Copy(copy) => copy.flags.from.as_deref().is_some_and(|name| own == Some(name.to_lowercase().as_str())),
        _ => false,
    };
    part.lines.iter().filter(is_own).map(|line| line.finding("COPY from the stage that it stands in")).collect()
}
