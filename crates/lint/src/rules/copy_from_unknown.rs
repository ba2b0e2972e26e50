//! # copy-from-unknown
//!
//! Finds `COPY --from` of a name that no stage above has.
//!
//! ## Why
//! It is taken for an image then, of any version: a slip of the pen fetches what somebody else has put on a registry
//! under that name. Images with a tag or a digest are meant, and let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY --from=biuld /app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch AS build
//! COPY app /app
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use dockerfile::{Copy, CopyFlags, Kind};
use std::collections::HashSet;

use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copy-from-unknown",
    aliases: &["DL3022"],
    description: "COPY --from something that is no stage",
    url: "https://github.com/hadolint/hadolint/wiki/DL3022",
    check,
    source: include_str!("copy_from_unknown.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let mut stages = HashSet::new();
    let (mut found, mut count) = (Vec::new(), 0_usize);
    for part in &scene.parts {
        let own = part.from.and_then(|(_, from)| from.alias.as_deref());
        for line in &part.lines {
            let Kind::Copy(Copy { flags: CopyFlags { from: Some(name), .. }, .. }) = line.kind else { continue };
            let lower = name.to_lowercase();
            // A stage that copies from itself is another rule's.
            let is_stage = stages.contains(lower.as_str()) || own == Some(lower.as_str());
            let is_index = name.parse::<usize>().is_ok_and(|index| index + 1 < count);
            if !is_stage && !is_index && !name.contains([':', '@', '$']) {
                found.push(line.finding(format!("no stage above is called `{name}`: it would be taken for an image")));
            }
        }
        stages.extend(own);
        count += 1;
    }
    found
}
