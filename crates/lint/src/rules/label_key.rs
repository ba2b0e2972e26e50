//! # label-key
//!
//! Finds labels with names that Docker's rules for them don't allow.
//!
//! ## Why
//! Small letters, digits, single dots and dashes, a letter first and no sign last; names of Docker's own are
//! Docker's. Tools that filter by label expect no others.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! LABEL Vendor_Name=x
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! LABEL org.example.vendor=x
//! ```

use dockerfile::Kind;

use crate::lines::Line;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "label-key",
    aliases: &["DL3048"],
    description: "A label with an odd name",
    url: "https://github.com/hadolint/hadolint/wiki/DL3048",
    check,
    source: include_str!("label_key.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let labels = |line: &'s Line<'s>| if let Kind::Label(pairs) = line.kind { Some((line, pairs)) } else { None };
    let odd = scene.lines().filter_map(labels).filter_map(|(line, pairs)| {
        let name = pairs.iter().map(|pair| pair.key.trim_matches(['"', '\''])).find(|name| is_odd(name))?;
        Some(line.finding(format!("`{name}` is no good name for a label")))
    });
    odd.collect()
}

/// Prefixes that are Docker's.
const TAKEN: [&str; 3] = ["com.docker.", "io.docker.", "org.dockerproject."];

fn is_odd(name: &str) -> bool {
    let is_small = |c: char| c.is_ascii_lowercase();
    let is_end = |c: char| is_small(c) || c.is_ascii_digit();
    let is_known = |c: char| is_end(c) || ".-".contains(c);
    let is_shaped = name.starts_with(is_small) && name.ends_with(is_end) && name.chars().all(is_known);
    !is_shaped || TAKEN.iter().any(|prefix| name.starts_with(prefix)) || name.contains("..") || name.contains("--")
}
