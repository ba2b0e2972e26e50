//! # ExposeInvalidFormat
//!
//! Finds `EXPOSE` with an address or a port of the host in it.
//!
//! ## Why
//! `EXPOSE` says on which port the program listens. Where that can be reached, who runs the image decides; what
//! stands here about it is lost.
//!
//! ## Bad
//! ```dockerfile
//! FROM scratch
//! EXPOSE 127.0.0.1:8080:80
//! ```
//! ## Good
//! ```dockerfile
//! FROM scratch
//! EXPOSE 80
//! ```

use dockerfile::{Kind, expose};

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Step};

/// The rule.
pub static RULE: Rule = Rule {
    name: "ExposeInvalidFormat",
    description: "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
    url: "https://docs.docker.com/go/dockerfile/rule/expose-invalid-format/",
    check,
    source: include_str!("expose_invalid_format.rs"),
    ..Rule::BUILDKIT
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.steps().filter(|step| matches!(step.instruction.kind, Kind::Expose(_)));
    all.flat_map(one).collect()
}

fn one<'s>(step: &'s Step) -> Vec<Finding<'s>> {
    let odd = step.words.iter().filter(|port| expose::parse(port).is_ok_and(|read| read.has_host));
    odd.map(|port| step.spot().finding(message(port))).collect()
}

fn message(port: &str) -> String {
    format!("EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'")
}
