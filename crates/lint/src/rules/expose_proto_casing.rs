//! # ExposeProtoCasing
//!
//! Finds protocols in `EXPOSE` with capitals in them.
//!
//! ## Why
//! The image has them in small letters, however they are written.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! EXPOSE 53/UDP
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! EXPOSE 53/udp
//! ```

use dockerfile::{Kind, expose};

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "ExposeProtoCasing",
    description: "Protocol in EXPOSE instruction should be lowercase",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-proto-casing/",
    check,
    source: include_str!("expose_proto_casing.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.steps().filter(|step| matches!(step.instruction.kind, Kind::Expose(_)));
    all.flat_map(one).collect()
}

fn one<'s>(step: &'s Step) -> Vec<Finding<'s>> {
    let odd = step.words.iter().filter(|port| expose::parse(port).is_ok_and(|read| read.odd_case));
    odd.map(|port| step.spot().finding(message(port))).collect()
}

fn message(port: &str) -> String {
    format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase")
}
