//! # go-without-sum
//!
//! Finds `go.mod` copied without `go.sum`.
//!
//! ## Why
//! Without its checksums, modules can't be told from what somebody puts in their place, and Go stops or writes new
//! ones.
//!
//! ## Bad
//! ```context
//! go.mod
//! go.sum
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY go.mod ./
//! RUN go mod download
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```context
//! go.mod
//! go.sum
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY go.mod go.sum ./
//! RUN go mod download
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use crate::find;
use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "go-without-sum",
    description: "go.mod is copied, go.sum isn't",
    check,
    source: include_str!("go_without_sum.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    if !scene.input.context.is_some_and(|context| context.has("go.sum")) {
        return Vec::new();
    }
    scene.parts.iter().filter_map(part).collect()
}

fn part<'s>(part: &'s Part<'s>) -> Option<Finding<'s>> {
    let first = part.lines.iter().find(|line| find::from_context(line).any(|source| base(source) == "go.mod"))?;
    let goes = |line: &Line| line.commands().iter().any(|command| command.runs("go", &["mod", "build", "test", "install"]));
    let before = part.lines.iter().take_while(|line| !goes(line));
    let is_there = before.into_iter().any(|line| find::copies_all(line) || find::from_context(line).any(is_sum));
    let is_used = part.lines.iter().any(goes);
    (is_used && !is_there).then(|| first.finding("go.sum isn't copied along: nothing tells the right modules from others"))
}

fn is_sum(source: &str) -> bool {
    let name = base(source);
    name == "go.sum" || name.starts_with("go.") && name.contains('*')
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
