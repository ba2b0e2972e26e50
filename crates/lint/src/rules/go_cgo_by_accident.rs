//! # go-cgo-by-accident
//!
//! Finds a Go program that is built with a C compiler at hand, and copied to where its C library isn't.
//!
//! ## Why
//! With a C compiler there, Go links the system's C library, for names of hosts and users alone. On scratch the
//! program doesn't start, on Alpine it asks for a file that isn't there. `CGO_ENABLED=0` makes it need nothing.
//! `golang` images on Alpine have no compiler, unless one is added.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-trixie AS build
//! RUN go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-trixie AS build
//! RUN CGO_ENABLED=0 go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use crate::golang;
use crate::lines::Part;
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "go-cgo-by-accident",
    description: "A Go program may need a C library that isn't there",
    check,
    source: include_str!("go_cgo_by_accident.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let all = scene.parts.iter().skip(1).enumerate();
    all.filter(|(index, part)| golang::may_link(scene, *index) && golang::is_copied_elsewhere(scene, *index, part)).filter_map(|(_, part)| found(part)).collect()
}

fn found<'s>(part: &'s Part<'s>) -> Option<Finding<'s>> {
    let line = part.lines.iter().find(|line| line.commands().iter().any(golang::builds))?;
    Some(line.finding("the program may need a C library that isn't where it goes: set CGO_ENABLED=0"))
}
