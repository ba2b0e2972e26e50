//! # latest-base
//!
//! Finds a `FROM` with the tag `latest`.
//!
//! ## Why
//! It is what the last push made it, on every machine from another day. With a digest behind it there is no finding.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:latest
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
    name: "latest-base",
    aliases: &["DL3007"],
    needs: Needs::Stages,
    description: "The base image is the latest",
    url: "https://github.com/hadolint/hadolint/wiki/DL3007",
    check,
    source: include_str!("latest_base.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let images = scene.stages.iter().filter(|sight| sight.is_image);
    images.filter(|sight| is_latest(&sight.image.text)).map(found).collect()
}

fn is_latest(image: &str) -> bool {
    let name = image::name(image);
    name.tag == Some("latest") && !name.has_digest
}

fn found<'s>(sight: &'s Sight) -> Finding<'s> {
    let image = &sight.image.text;
    Spot::of(sight.instruction).finding(format!("`{image}` is another image next week: name a version"))
}
