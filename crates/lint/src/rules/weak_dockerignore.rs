//! # weak-dockerignore
//!
//! Finds an ignore file that lets through what no build reads, where the context is copied whole.
//!
//! ## Why
//! A commit, a word in the Dockerfile or a window that an editor has open is enough to build everything anew, and a
//! `.env` is in the image for good. `--fix` adds a line for each, but for settings and a history that something here may
//! read; `tare ignore` proposes more.
//!
//! ## Bad
//! ```dockerignore
//! *.md
//! ```
//! ```context
//! .env
//! .git/
//! Dockerfile
//! README.md
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY . .
//! RUN go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerignore
//! *.md
//! .env
//! .git
//! Dockerfile
//! ```
//! ```context
//! .env
//! .git/
//! Dockerfile
//! README.md
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY . .
//! RUN go build -trimpath -o /app .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use crate::clutter;
use crate::find;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "weak-dockerignore",
    description: "The ignore file lets through what no build reads",
    check,
    fix: Some(Changes::Files(&["that a copy of the whole context brings"])),
    source: include_str!("weak_dockerignore.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let Some(context) = scene.input.context.filter(|_| scene.input.ignore.is_some()) else { return Vec::new() };
    let seen = clutter::seen(scene, context);
    let copy = scene.lines().find(|line| find::copies_all(line)).filter(|_| !seen.is_empty());
    let shown: Vec<String> = seen.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("the ignore file lets through {}, which no build reads", shown.join(", "));
    let unseen = clutter::patterns(scene, &seen);
    copy.map(|line| Finding { unseen, ..line.finding(message) }).into_iter().collect()
}
