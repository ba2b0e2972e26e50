//! # consecutive-runs
//!
//! Finds a short `RUN` right behind another short one.
//!
//! ## Why
//! Each makes a layer, and what the second removes the first still holds. Commands that belong together read well in
//! one `RUN`, as a here-document or with `&&`. Those that are several commands already, and those with other flags,
//! are let through.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN make all
//! RUN make install
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! RUN make all && make install
//! ```

use dockerfile::{Kind, RunFlags};

use crate::lines::Part;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "consecutive-runs",
    aliases: &["DL3059"],
    description: "RUN behind RUN",
    url: "https://github.com/hadolint/hadolint/wiki/DL3059",
    check,
    source: include_str!("consecutive_runs.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().flat_map(part).collect()
}

/// More commands than these in one RUN were put together with care.
const SHORT: usize = 2;

fn part<'s>(part: &'s Part<'s>) -> Vec<Finding<'s>> {
    let (mut last, mut found): (Option<(&RunFlags, usize)>, _) = (None, Vec::new());
    for line in &part.lines {
        let Kind::Run(run) = line.kind else {
            last = None;
            continue;
        };
        let count = line.commands().len();
        let goes_on = last.is_some_and(|(flags, before)| *flags == run.flags && before <= SHORT && count <= SHORT);
        match goes_on {
            true => found.push(line.finding("RUN behind RUN: one would do")),
            false => last = Some((&run.flags, count)),
        }
    }
    found
}
