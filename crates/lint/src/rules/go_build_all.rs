//! # go-build-all
//!
//! Finds `go build -a`.
//!
//! ## Why
//! It builds everything again, the standard library too, and takes the cache's work away. Once it made static
//! programs of the network's parts; `CGO_ENABLED=0` has done that since Go 1.4.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! RUN CGO_ENABLED=0 go build -a -trimpath -o /app .
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

use crate::find;
use crate::lines::{Line, Pen};
use crate::rule::{Changes, Edit, Finding, Needs, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "go-build-all",
    needs: Needs::Syntax,
    description: "go builds everything again",
    check,
    fix: Some(Changes::Nothing),
    source: include_str!("go_build_all.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    find::mended(scene, is_wrong, MESSAGE, fix)
}

const MESSAGE: &str = "`-a` builds everything again, whatever the cache has: leave it out";

fn is_wrong(_: &Line, command: &Command) -> bool {
    command.runs("go", &["build", "install", "test", "vet"]) && command.has(&["-a"])
}

fn fix(pen: &Pen, line: &Line, command: &Command) -> Vec<Edit> {
    command.word("-a").map(|word| pen.without(line, command, word)).unwrap_or_default()
}
