//! # copy-everything
//!
//! Finds a copy of the whole context into the stage that is shipped, with no ignore file.
//!
//! ## Why
//! The image gets all that lies around: history, notes, tests, secrets of the machine it is built on. And it is
//! another image after every change of any of them. An ignore file, an `--exclude`, or narrower sources say what is
//! meant.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY . /srv/
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY site /srv/
//! ```

use crate::find;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copy-everything",
    description: "The whole context is copied into the image",
    check,
    source: include_str!("copy_everything.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let is_chosen = scene.input.ignore.is_some_and(|ignore| !ignore.is_empty());
    let last = scene.parts.last().filter(|part| part.from.is_some() && !is_chosen);
    let lines = last.into_iter().flat_map(|part| &part.lines).filter(|line| find::copies_all(line));
    lines.map(|line| line.finding("the whole context goes into the image: copy what it needs")).collect()
}
