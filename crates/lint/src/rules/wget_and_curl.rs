//! # wget-and-curl
//!
//! Finds a stage that uses both `wget` and `curl`.
//!
//! ## Why
//! One of them would do, and the other needn't be installed.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN curl -O http://example.org/a && wget -nv http://example.org/b
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN curl -O http://example.org/a && curl -O http://example.org/b
//! ```

use std::collections::HashSet;

use crate::lines::Part;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "wget-and-curl",
    aliases: &["DL4001"],
    description: "Both wget and curl are used",
    url: "https://github.com/hadolint/hadolint/wiki/DL4001",
    check,
    source: include_str!("wget_and_curl.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().flat_map(part).collect()
}

fn part<'s>(part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    for line in &part.lines {
        let names = line.commands().iter().map(|command| command.name.text.as_str());
        let here: Vec<&str> = names.filter(|name| ["wget", "curl"].contains(name)).collect();
        seen.extend(here.iter().copied());
        if !here.is_empty() && seen.len() == 2 {
            found.push(line.finding("both wget and curl are used: one of them would do"));
        }
    }
    found
}
