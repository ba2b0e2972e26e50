//! # no-healthcheck
//!
//! Finds a stage without a `HEALTHCHECK`.
//!
//! ## Why
//! Docker and Compose ask it whether a program that runs also answers. Kubernetes does not, and many images are no
//! services, so that this is only looked at when asked for.
//!
//! ## Bad
//! ```dockerfile
//! # check=experimental=no-healthcheck
//! FROM scratch
//! COPY app /
//! ```
//! ## Good
//! ```dockerfile
//! # check=experimental=no-healthcheck
//! FROM scratch
//! COPY app /
//! HEALTHCHECK CMD ["/app", "--check"]
//! ```

use dockerfile::Kind;
use std::collections::HashSet;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "no-healthcheck",
    aliases: &["DL3057"],
    description: "No HEALTHCHECK",
    url: "https://github.com/hadolint/hadolint/wiki/DL3057",
    experimental: true,
    check,
    source: include_str!("no_healthcheck.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let (mut found, mut names) = (Vec::new(), HashSet::new());
    for part in &scene.parts {
        let Some((instruction, from)) = part.from else { continue };
        let has_own = part.lines.iter().any(|line| matches!(line.kind, Kind::Healthcheck(_)));
        if has_own || names.contains(from.image.as_str()) {
            names.extend(from.alias.as_deref());
        } else {
            found.push(Spot::of(instruction).finding("no HEALTHCHECK says whether the program answers"));
        }
    }
    found
}
