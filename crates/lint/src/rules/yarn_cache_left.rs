//! # yarn-cache-left
//!
//! Finds `yarn install` that leaves what it fetched in the image.
//!
//! ## Why
//! The packages lie there twice: installed, and packed. A cache mount is let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN yarn install --frozen-lockfile
//! ```
//! ## Good
//! ```dockerfile
//! FROM node:24.11.1-alpine3.22
//! RUN yarn install --frozen-lockfile && yarn cache clean
//! ```

use crate::find;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "yarn-cache-left",
    aliases: &["DL3060"],
    description: "The cache of yarn stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3060",
    check,
    fix: Some(Changes::Files(&["/usr/local/share/.cache/yarn/*"])),
    source: include_str!("yarn_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::left(scene, installs, cleans, "/usr/local/share/.cache/yarn", MESSAGE, "yarn cache clean")
}

const MESSAGE: &str = "yarn leaves its cache in the image: end with `yarn cache clean`";

fn installs(command: &Command) -> bool {
    command.runs("yarn", &["install"])
}

fn cleans(command: &Command) -> bool {
    command.runs("yarn", &["cache", "clean"]) && !installs(command)
}
