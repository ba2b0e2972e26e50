//! # final-stage-could-be-scratch
//!
//! Finds a static Go program that is shipped with a whole system below it.
//!
//! ## Why
//! The program needs nothing of it. On `scratch` the image is the program, and there is nothing to patch and nothing
//! to break in with. Certificate authorities, for programs that speak TLS, can be copied from the stage that builds;
//! so can time zones.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! RUN CGO_ENABLED=0 go build -trimpath -o /app .
//! FROM alpine:3.23.0
//! COPY --from=build /app /app
//! USER 65534
//! ENTRYPOINT ["/app"]
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! RUN CGO_ENABLED=0 go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
//! COPY --from=build /app /app
//! USER 65534
//! ENTRYPOINT ["/app"]
//! ```

use dockerfile::{Command as Form, Healthcheck, Kind};

use crate::find;
use crate::golang;
use crate::image;
use crate::lines::Line;
use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "final-stage-could-be-scratch",
    description: "A static program is shipped with a system below it",
    check,
    source: include_str!("final_stage_could_be_scratch.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let Some(last) = scene.stages.len().checked_sub(1) else { return Vec::new() };
    let (sight, part) = (&scene.stages[last], &scene.parts[last + 1]);
    let image = image::name(&sight.image.text);
    let is_system = sight.is_image && SYSTEMS.contains(&image.official().unwrap_or_default());
    let is_static = part.lines.iter().filter_map(|line| find::copied_from(line)).any(|name| {
        scene.source(name, last).is_some_and(|index| golang::is_static(scene, index))
    });
    let starts = part.lines.iter().any(|line| matches!(line.kind, Kind::Cmd(_) | Kind::Entrypoint(_)));
    let found = is_system && is_static && starts && part.lines.iter().all(needs_no_system);
    let message = || format!("a static program needs nothing of `{}`: put it on scratch", sight.image.text);
    found.then(|| Spot::of(sight.instruction).finding(message())).into_iter().collect()
}

const SYSTEMS: [&str; 5] = ["alpine", "busybox", "debian", "ubuntu", "fedora"];

/// Packages of which the builder has the files, too.
const DATA: [&str; 3] = ["ca-certificates", "tzdata", "update"];

fn needs_no_system(line: &Line) -> bool {
    match line.kind {
        Kind::Run(_) => line.script.is_some() && line.commands().iter().all(brings_data),
        Kind::Cmd(command) | Kind::Entrypoint(command) => matches!(command, Form::Exec(_)),
        Kind::Healthcheck(Healthcheck::Check(check)) => matches!(check.command, Form::Exec(_)),
        Kind::Shell(_) => false,
        _ => true,
    }
}

fn brings_data(command: &Command) -> bool {
    let is_known = |word: &str| DATA.contains(&word) || ["add", "install", "clean", "all"].contains(&word);
    match command.name.text.as_str() {
        "apk" | "apt-get" | "apt" | "dnf" => command.plain().all(is_known),
        "rm" | "update-ca-certificates" | "set" | "true" => true,
        _ => false,
    }
}
