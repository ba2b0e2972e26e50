//! # runs-as-root
//!
//! Finds an image whose program runs as root because nothing says otherwise.
//!
//! ## Why
//! A program that somebody breaks into is root then, and one bug of the kernel away from being root of the machine.
//! Looked at is the last stage if it has a `CMD` or an `ENTRYPOINT` of its own, and stands on an image of which it
//! isn't known that it names a user. On `scratch` there is nothing that root could be used for.
//!
//! ## Bad
//! ```dockerfile
//! FROM debian:13.2-slim
//! COPY app /
//! ENTRYPOINT ["/app"]
//! ```
//! ## Good
//! ```dockerfile
//! FROM debian:13.2-slim
//! COPY app /
//! USER 65534:65534
//! ENTRYPOINT ["/app"]
//! ```

use dockerfile::Kind;

use crate::rule::{Finding, Rule};
use crate::scene::{Scene, Sight};

/// The rule.
pub static RULE: Rule = Rule {
    name: "runs-as-root",
    description: "The program runs as root",
    check,
    source: include_str!("runs_as_root.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    let Some(last) = scene.stages.len().checked_sub(1) else { return Vec::new() };
    let chain = scene.chain(last);
    let lines = || chain.iter().flat_map(|index| &scene.parts[index + 1].lines);
    let has_user = lines().any(|line| matches!(line.kind, Kind::User(_)));
    let command = scene.parts[last + 1].lines.iter().find(|line| matches!(line.kind, Kind::Cmd(_) | Kind::Entrypoint(_)));
    let root = chain.last().map(|index| &scene.stages[*index]).filter(|sight| sight.is_image && !names_user(scene, sight));
    let found = command.filter(|_| root.is_some() && !has_user);
    found.map(|line| line.finding("the program runs as root: name another user with USER")).into_iter().collect()
}

fn names_user(scene: &Scene, sight: &Sight) -> bool {
    let key = (sight.image.text.clone(), sight.wanted.clone());
    let fact = scene.input.facts.and_then(|facts| facts.images.get(&key));
    sight.image.text.contains("nonroot") || fact.is_some_and(|fact| !fact.config.config.user.is_empty())
}
