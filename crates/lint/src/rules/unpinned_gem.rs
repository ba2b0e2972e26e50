//! # unpinned-gem
//!
//! Finds `gem install` of gems without a version.
//!
//! ## Why
//! The same line installs another version next week.
//!
//! ## Bad
//! ```dockerfile
//! FROM ruby:3.4.7-slim-trixie
//! RUN gem install rake
//! ```
//! ## Good
//! ```dockerfile
//! FROM ruby:3.4.7-slim-trixie
//! RUN gem install rake:13.3.1
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "unpinned-gem",
    aliases: &["DL3028"],
    description: "gem installs gems of any version",
    url: "https://github.com/hadolint/hadolint/wiki/DL3028",
    check,
    source: include_str!("unpinned_gem.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::unpinned(scene, gems, |gem| gem.contains(':'), "NAME:VERSION")
}

fn gems(command: &Command) -> Vec<&str> {
    let has_version = command.has(&["-v"]) || command.has_flag(&["version"]);
    if !command.runs("gem", &["install", "i"]) || has_version {
        return Vec::new();
    }
    command.plain().filter(|word| !["install", "i", "--"].contains(word)).collect()
}
