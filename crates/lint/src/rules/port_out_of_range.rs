//! # port-out-of-range
//!
//! Finds ports in `EXPOSE` above 65535.
//!
//! ## Why
//! There are none.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! EXPOSE 80000
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! EXPOSE 8000
//! ```

use dockerfile::Kind;

use crate::lines::Line;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "port-out-of-range",
    aliases: &["DL3011"],
    description: "EXPOSE of a port that can't be",
    url: "https://github.com/hadolint/hadolint/wiki/DL3011",
    check,
    source: include_str!("port_out_of_range.rs"),
    ..Rule::HADOLINT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let ports = |line: &'s Line<'s>| if let Kind::Expose(ports) = line.kind { Some((line, ports)) } else { None };
    let all = scene.lines().filter_map(ports).flat_map(|(line, ports)| ports.iter().map(move |port| (line, port)));
    let wrong = all.filter(|(_, port)| is_too_high(port));
    wrong.map(|(line, port)| line.finding(format!("`{port}` is no port: the highest is 65535"))).collect()
}

fn is_too_high(word: &str) -> bool {
    let ports = word.split('/').next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ports.split('-').any(|port| is_number(port) && port.parse::<u16>().is_err())
}
