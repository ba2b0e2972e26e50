//! # InvalidBaseImagePlatform
//!
//! Finds a base image that there is for another platform only.
//!
//! ## Why
//! A registry gives an image without an index whatever platform it is asked for. What is built on it says that it is
//! for one, and holds the programs of another.
//!
//! ## Bad
//! With this base image, in a build for linux/amd64:
//! ```base
//! tools:1.0 linux/s390x
//! ```
//! ```dockerfile
//! FROM tools:1.0
//! ```
//! ## Good
//! With one that is for the platform:
//! ```base
//! tools:1.0 linux/amd64
//! ```
//! ```dockerfile
//! FROM tools:1.0
//! ```

use dockerfile::quote::quote;
use oci::Platform;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "InvalidBaseImagePlatform",
    description: "Base image platform does not match expected target platform",
    check,
    source: include_str!("invalid_base_image_platform.rs"),
    ..Rule::BUILDKIT
};

/// Nothing is found of images of which nothing is known.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.stages.iter().filter(|sight| sight.is_reached).filter_map(one).collect()
}

fn one<'s>(sight: &'s Sight) -> Option<Finding<'s>> {
    let (wanted, offered) = (&sight.wanted, sight.offered.as_ref()?);
    let fits = wanted.os == offered.os && wanted.architecture == offered.architecture;
    let message = || {
        let (image, wanted, offered) = (&sight.image.text, shown(wanted), shown(offered));
        format!("Base image {image} was pulled with platform {offered}, expected {wanted} for current build")
    };
    (!fits).then(|| Spot::in_file(sight.instruction).finding(message()))
}

fn shown(platform: &Platform) -> String {
    quote(&platform.to_string())
}
