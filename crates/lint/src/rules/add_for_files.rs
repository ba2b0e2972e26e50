//! # add-for-files
//!
//! Finds `ADD` of files and folders, which `COPY` is for.
//!
//! ## Why
//! `ADD` fetches addresses and unpacks archives, whatever their names are: a file that happens to be one arrives as a
//! folder. `COPY` copies.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! ADD app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! COPY app /app
//! ```

use dockerfile::Kind;
use dockerfile::address::{self, Address};

use crate::lines::Line;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "add-for-files",
    aliases: &["DL3020"],
    description: "ADD where COPY would do",
    url: "https://github.com/hadolint/hadolint/wiki/DL3020",
    check,
    source: include_str!("add_for_files.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let adds = |line: &'s Line<'s>| if let Kind::Add(add) = line.kind { Some((line, add)) } else { None };
    let plain = scene.lines().filter_map(adds).filter(|(_, add)| add.sources.iter().any(|source| is_plain(source)));
    plain.map(|(line, _)| line.finding("ADD copies files here: use COPY, which does nothing else")).collect()
}

/// Ends of the names of archives.
const ENDS: [&str; 16] = [
    ".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz", ".tpz", ".txz", ".xz",
    ".zst",
];

fn is_plain(source: &str) -> bool {
    let source = source.trim_matches(['"', '\'']);
    let is_archive = ENDS.iter().any(|end| source.ends_with(end));
    let is_far = matches!(address::source(source), Ok(address) if !matches!(address, Address::Local | Address::Other));
    !is_archive && !is_far
}
