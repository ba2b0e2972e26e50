//! # moving-tag
//!
//! Finds a `FROM` with a tag that names no version.
//!
//! ## Why
//! `edge`, `stable` or `alpine` are what the last push made them, on every machine from another day. `latest` is
//! another rule's. With a digest behind it there is no finding: `tare pin` finds that, and keeps it.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:alpine
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23
//! ```

use crate::image;
use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "moving-tag",
    description: "The base image's tag names no version",
    check,
    source: include_str!("moving_tag.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let images = scene.stages.iter().filter(|sight| sight.is_image && sight.image.unset.is_empty());
    images.filter(|sight| moves(&sight.image.text)).map(found).collect()
}

fn moves(text: &str) -> bool {
    let name = image::name(text);
    let is_version = |tag: &str| tag.contains(|c: char| c.is_ascii_digit());
    let is_odd = |tag: &str| !tag.is_empty() && tag != "latest" && !is_version(tag);
    // A release of Debian goes by its name; whether it has a date is another rule's.
    let is_release = ["debian", "ubuntu"].contains(&name.official().unwrap_or_default());
    name.tag.is_some_and(is_odd) && !name.has_digest && !is_release
}

fn found<'s>(sight: &'s Sight) -> Finding<'s> {
    let image = &sight.image.text;
    Spot::of(sight.instruction).finding(format!("`{image}` names no version, and is another image next week"))
}
