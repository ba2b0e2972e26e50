//! # MaintainerDeprecated
//!
//! Finds `MAINTAINER`, which a label has long taken the place of.
//!
//! ## Why
//! Tools that show who made an image read the label that the OCI image format names. What `MAINTAINER` sets hardly
//! any of them reads.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! MAINTAINER team@example.org
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! LABEL org.opencontainers.image.authors="team@example.org"
//! ```

use dockerfile::Kind;

use crate::rule::{Finding, Needs, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "MaintainerDeprecated",
    needs: Needs::Syntax,
    description: "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    url: "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
    check,
    source: include_str!("maintainer_deprecated.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.input.dockerfile.instructions.iter();
    let found = all.filter(|one| matches!(one.kind, Kind::Maintainer(_)));
    found.map(|one| Spot::of(one).finding("Maintainer instruction is deprecated in favor of using label")).collect()
}
