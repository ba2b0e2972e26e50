//! # go-build-without-trimpath
//!
//! Finds `go build` without `-trimpath`.
//!
//! ## Why
//! The program has the paths of its sources in it, and is another one in another folder. A `GOFLAGS` with it counts
//! as well.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! RUN CGO_ENABLED=0 go build -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! RUN CGO_ENABLED=0 go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use dockerfile::Kind;

use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Needs, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "go-build-without-trimpath",
    needs: Needs::Syntax,
    description: "Paths of the build get into the program",
    check,
    fix: Some(Changes::Files(&["of the programs that are built"])),
    source: include_str!("go_build_without_trimpath.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let sets = |line: &Line| line.instruction.original.contains("-trimpath") && !matches!(line.kind, Kind::Run(_));
    if scene.lines().any(sets) {
        return Vec::new();
    }
    find::mended(scene, is_wrong, MESSAGE, find::behind(&["build"], " -trimpath"))
}

const MESSAGE: &str = "the program has the build's paths in it: add `-trimpath`";

fn is_wrong(_: &Line, command: &Command) -> bool {
    let is_set = command.has_flag(&["trimpath"]) || command.has(&["-trimpath", "-trimpath=true"]);
    let by_flags = command.variables.iter().any(|pair| pair.contains("-trimpath"));
    command.is("go") && command.plain().next() == Some("build") && !is_set && !by_flags
}
