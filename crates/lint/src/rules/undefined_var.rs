//! # UndefinedVar
//!
//! Finds variables that no `ARG`, no `ENV` and no base image sets.
//!
//! ## Why
//! Such a variable is empty. Mostly its name is misspelt, or its `ARG` stands in another stage, and the line does
//! something else than it says: `COPY $SOURCE /` copies everything.
//!
//! Only what the builder itself fills in is looked at, not what a shell does in `RUN`. What an image sets is known
//! of those that were built on before, and of the official images of languages.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! ARG SOURCE=files
//! COPY $SOURCES /
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! ARG SOURCES=files
//! COPY $SOURCES /
//! ```

use crate::near;
use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "UndefinedVar",
    description: "Variables should be defined before their use",
    url: "https://docs.docker.com/go/dockerfile/rule/undefined-var/",
    check,
    source: include_str!("undefined_var.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let one = |step: &'s Step| step.unset.iter().map(|(name, near)| step.spot().finding(message(name, near)));
    scene.steps().flat_map(one).collect()
}

fn message(name: &str, near: &Option<String>) -> String {
    format!("Usage of undefined variable '${name}'{}", near::question("$", near.as_deref()))
}
