//! # emulated-builder
//!
//! Finds a stage that compiles for a platform on that platform, though it could run where the build runs.
//!
//! ## Why
//! For another platform than the builder's, every instruction of the compiler is emulated, ten times slower. With
//! `--platform=$BUILDPLATFORM` the stage runs as it is, and the compiler is told what for: Go by `GOOS` and `GOARCH`.
//! Looked at are stages that others copy from, that ask for `TARGETARCH`, or whose image is asked for another
//! platform.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! ARG TARGETARCH
//! RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine3.23 AS build
//! ARG TARGETARCH
//! RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use dockerfile::Kind;

use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule, Spot};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "emulated-builder",
    description: "A compiler is emulated for another platform",
    check,
    source: include_str!("emulated_builder.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let is_foreign = scene.input.options.platform != scene.input.options.build_platform;
    let count = scene.stages.len();
    let earlier = scene.staged().take(count.saturating_sub(1));
    let wrong = earlier.filter(|(sight, part)| {
        let is_here = sight.is_image && sight.from.platform.is_none();
        is_here && (is_foreign || asks(part)) && part.lines.iter().any(compiles)
    });
    wrong.map(|(sight, _)| Spot::of(sight.instruction).finding(MESSAGE)).collect()
}

const MESSAGE: &str = "the compiler would be emulated for another platform: add `--platform=$BUILDPLATFORM`";

/// Compilers that make programs for other platforms, and of what they make none is for one.
const COMPILERS: [(&str, &[&str]); 6] = [
    ("go", &["build", "install"]),
    ("cargo", &["build"]),
    ("dotnet", &["publish", "build"]),
    ("zig", &["build"]),
    ("npm", &["run"]),
    ("yarn", &["build", "run"]),
];

fn asks(part: &Part) -> bool {
    let names = ["TARGETARCH", "TARGETPLATFORM", "TARGETOS"];
    let declares = |line: &Line| match line.kind {
        Kind::Arg(all) => all.iter().any(|arg| names.contains(&arg.name.as_str())),
        _ => false,
    };
    part.lines.iter().any(declares)
}

fn compiles(line: &Line) -> bool {
    line.commands().iter().any(|command| COMPILERS.iter().any(|(name, verbs)| command.runs(name, verbs)))
}
