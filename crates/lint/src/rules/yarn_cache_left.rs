//! # yarn-cache-left
//!
//! Finds `yarn install` that leaves what it fetched in the image.
//!
//! ## Why
//! The packages lie there twice: installed, and packed. A cache mount is let through. `--fix` leaves it alone where Yarn
//! may be newer than 1: that one can run programs from its cache.
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

use crate::clutter;
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
    fix: Some(Changes::Files(&["/usr/local/share/.cache/yarn/*", "~/.cache/yarn/*"])),
    source: include_str!("yarn_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let found = find::left(scene, installs, cleans, "/usr/local/share/.cache/yarn", MESSAGE, "yarn cache clean");
    if may_be_new(scene) {
        return found.into_iter().map(|finding| finding.mended_by(Vec::new())).collect();
    }
    found
}

const MESSAGE: &str = "yarn leaves its cache in the image: end with `yarn cache clean`";

/// What only Yarn 2 and later have.
const FILES: [&str; 3] = [".yarnrc.yml", ".yarn", ".pnp.cjs"];
const FLAGS: [&str; 3] = ["immutable", "immutable-cache", "check-cache"];

fn may_be_new(scene: &Scene) -> bool {
    let is_new = |command: &Command| command.is("corepack") || installs(command) && command.has_flag(&FLAGS);
    let lies_there = |name: &str| scene.input.context.is_some_and(|context| context.has(name));
    let is_there = |name: &&str| lies_there(name) || clutter::is_asked_for(scene, name);
    scene.commands().any(|(_, command)| is_new(command)) || FILES.iter().any(is_there)
}

fn installs(command: &Command) -> bool {
    command.runs("yarn", &["install"])
}

fn cleans(command: &Command) -> bool {
    command.runs("yarn", &["cache", "clean"]) && !installs(command)
}
