//! # copy-many-to-a-file
//!
//! Finds `COPY` of several files to a name without a `/` behind it.
//!
//! ## Why
//! Several files need a folder, and only the `/` says that it is one. A build refuses the line.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! COPY a b /files
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY a b /files/
//! ```

use dockerfile::Kind;

use crate::lines::Line;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "copy-many-to-a-file",
    aliases: &["DL3021"],
    description: "COPY of several files to what isn't a folder",
    url: "https://github.com/hadolint/hadolint/wiki/DL3021",
    check,
    source: include_str!("copy_many_to_a_file.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let copies = |line: &'s Line<'s>| if let Kind::Copy(copy) = line.kind { Some((line, copy)) } else { None };
    let wrong = scene.lines().filter_map(copies).filter(|(_, copy)| copy.sources.len() > 1 && !is_folder(&copy.dest));
    wrong.map(|(line, copy)| line.finding(format!("several files can't become `{}`: end it with `/`", copy.dest))).collect()
}

fn is_folder(dest: &str) -> bool {
    let dest = dest.trim_matches(['"', '\'']);
    dest.ends_with(['/', '\\']) || matches!(dest, "." | "..")
}
