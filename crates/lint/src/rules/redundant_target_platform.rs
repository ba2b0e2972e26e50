//! # RedundantTargetPlatform
//!
//! Finds `--platform=$TARGETPLATFORM`, which is what a `FROM` without `--platform` means.
//!
//! ## Why
//! `--platform` in a `FROM` tells the reader that the stage is for something else than the image. Here it isn't.
//!
//! ## Bad
//! ```dockerfile
//! FROM --platform=$TARGETPLATFORM busybox:1.37.0
//! ```
//! ## Good
//! ```dockerfile
//! FROM busybox:1.37.0
//! ```

use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "RedundantTargetPlatform",
    description: "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    url: "https://docs.docker.com/go/dockerfile/rule/redundant-target-platform/",
    check,
    source: include_str!("redundant_target_platform.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.stages.iter().filter_map(one).collect()
}

fn one<'s>(sight: &'s Sight) -> Option<Finding<'s>> {
    let (word, written) = (sight.platform.as_ref()?, sight.from.platform.as_ref()?);
    let is_only_that = word.used == ["TARGETPLATFORM"] && word.unset.is_empty();
    let is_redundant = is_only_that && word.text == sight.target_platform;
    let message =
        || format!("Setting platform to predefined {written} in FROM is redundant as this is the default behavior");
    is_redundant.then(|| Spot::of(sight.instruction).finding(message()))
}
