//! # last-user-root
//!
//! Finds a stage whose last `USER` is root.
//!
//! ## Why
//! A program that somebody breaks into is root then, and one bug of the kernel away from being root of the machine.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! USER app
//! USER root
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! USER root
//! USER app
//! ```

use dockerfile::Kind;

use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "last-user-root",
    aliases: &["DL3002"],
    description: "The last USER is root",
    url: "https://github.com/hadolint/hadolint/wiki/DL3002",
    check,
    source: include_str!("last_user_root.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().filter(|part| part.from.is_some()).filter_map(one).collect()
}

fn one<'s>(part: &'s Part<'s>) -> Option<Finding<'s>> {
    let user = |line: &'s Line<'s>| if let Kind::User(user) = line.kind { Some((line, user)) } else { None };
    let (line, user) = part.lines.iter().filter_map(user).next_back()?;
    is_root(user).then(|| line.finding("the last USER is root: name another one behind what needs it"))
}

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("root" | "0"))
}
