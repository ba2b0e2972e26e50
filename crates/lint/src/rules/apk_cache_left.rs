//! # apk-cache-left
//!
//! Finds `apk add` that leaves the index of packages in the image.
//!
//! ## Why
//! With `--no-cache` there is neither an index to fetch before, nor one to remove behind. A cache mount is let
//! through.
//!
//! ## Bad
//! ```dockerfile
//! FROM alpine:3.23.0
//! RUN apk add curl~8.17
//! ```
//! ## Good
//! ```dockerfile
//! FROM alpine:3.23.0
//! RUN apk add --no-cache curl~8.17
//! ```

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "apk-cache-left",
    aliases: &["DL3019"],
    description: "The index of apk stays in the image",
    url: "https://github.com/hadolint/hadolint/wiki/DL3019",
    check,
    fix: Some(Changes::Files(&["/var/cache/apk/*", "/var/log/apk.log"])),
    source: include_str!("apk_cache_left.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["add"], " --no-cache"))
}

const MESSAGE: &str = "`apk add` leaves its index in the image: add `--no-cache`";

fn is_wrong(line: &Line, command: &Command) -> bool {
    let is_kept_out = command.has_flag(&["no-cache"]) || line.mounts("/var/cache/apk");
    command.runs("apk", &["add"]) && !is_kept_out
}
