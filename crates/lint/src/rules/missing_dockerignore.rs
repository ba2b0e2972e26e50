//! # missing-dockerignore
//!
//! Finds a context that is copied whole and has no ignore file.
//!
//! ## Why
//! All of it is read, counts for whether the step runs again, and ends up where it is copied to: a commit is enough
//! to build everything anew. `--fix` writes a `.dockerignore` with what no build reads, but for settings and a history
//! that something here may read; `tare ignore` proposes more.
//!
//! ## Bad
//! ```context
//! .git/
//! Dockerfile
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY . .
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerignore
//! .git
//! Dockerfile
//! .dockerignore
//! ```
//! ```context
//! .git/
//! Dockerfile
//! main.go
//! ```
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY . .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use crate::clutter;
use crate::find;
use crate::lines::Line;
use crate::rule::{Changes, Finding, Rule};
use crate::scene::Scene;

/// The rule.
pub static RULE: Rule = Rule {
    name: "missing-dockerignore",
    description: "The context has no ignore file",
    check,
    fix: Some(Changes::Files(&["that a copy of the whole context brings"])),
    source: include_str!("missing_dockerignore.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let Some(context) = scene.input.context.filter(|_| scene.input.ignore.is_none()) else { return Vec::new() };
    let copy = scene.lines().find(|line| find::copies_all(line));
    let mut unseen = clutter::patterns(scene, &clutter::seen(scene, context));
    unseen.push(".dockerignore".to_owned());
    let found = |line: &'s Line<'s>| Finding {
        unseen,
        ..line.finding("the context is copied whole, and no .dockerignore keeps out what no build reads")
    };
    copy.map(found).into_iter().collect()
}
