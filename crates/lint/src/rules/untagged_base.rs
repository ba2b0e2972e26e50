//! # untagged-base
//!
//! Finds a `FROM` with neither a tag nor a digest.
//!
//! ## Why
//! No tag means `latest`, which is another image next week. Stages, `scratch` and names that a build argument has to
//! fill in are let through. `tare pin` finds the digest of a tag and keeps it.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! ```

use crate::image;
use crate::rule::{Finding, Needs, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "untagged-base",
    aliases: &["DL3006"],
    needs: Needs::Stages,
    description: "The base image has no tag",
    url: "https://github.com/hadolint/hadolint/wiki/DL3006",
    check,
    source: include_str!("untagged_base.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let images = scene.stages.iter().filter(|sight| sight.is_image && sight.image.unset.is_empty());
    images.filter(|sight| is_bare(&sight.image.text)).map(found).collect()
}

fn is_bare(image: &str) -> bool {
    let name = image::name(image);
    !image.is_empty() && name.tag.is_none() && !name.has_digest
}

fn found<'s>(sight: &'s Sight) -> Finding<'s> {
    let image = &sight.image.text;
    Spot::of(sight.instruction).finding(format!("`{image}` has no tag, and is another image next week"))
}
