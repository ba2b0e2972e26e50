//! # InvalidDefaultArgInFrom
//!
//! Finds a `FROM` that names no image unless a build argument is given.
//!
//! ## Why
//! The file can't be built as it is: everybody has to know which `--build-arg` it wants. A default says it.
//!
//! ## Bad
//! ```dockerfile
//! ARG TAG
//! FROM busybox:$TAG
//! ```
//! ## Good
//! ```dockerfile
//! ARG TAG=1.37.0
//! FROM busybox:$TAG
//! ```

use oci::Reference;

use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    description: "Default value for global ARG results in an empty or invalid base image name",
    url: "https://docs.docker.com/go/dockerfile/rule/invalid-default-arg-in-from/",
    check,
    source: include_str!("invalid_default_arg_in_from.rs"),
    ..Rule::BUILDKIT
};

/// Whatever build arguments are given.
fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    // A word that can't be read ends BuildKit's look at them.
    let known = scene.stages.iter().map_while(|sight| Some((sight, sight.default_image.as_ref()?)));
    let wrong = known.filter(|(_, image)| !is_name(image));
    wrong.map(|(sight, _)| Spot::in_file(sight.instruction).finding(message(&sight.from.image))).collect()
}

/// What could be an image's id is no name, as with Docker.
fn is_name(image: &str) -> bool {
    let is_id = image.len() == 64 && image.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    !is_id && image.parse::<Reference>().is_ok()
}

fn message(image: &str) -> String {
    format!("Default value for ARG {image} results in empty or invalid base image name")
}
