//! # sources-before-dependencies
//!
//! Finds a copy of all sources before the dependencies are fetched.
//!
//! ## Why
//! Every change of a source is a change of what the fetching step stands on: everything is fetched again. The files
//! that name the dependencies come first, then the fetching, then the sources. Fetching into a cache mount is let
//! through.
//!
//! ## Bad
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY . .
//! RUN go mod download
//! FROM scratch
//! COPY --from=build /app /app
//! ```
//! ## Good
//! ```dockerfile
//! FROM golang:1.26.8-alpine3.23 AS build
//! WORKDIR /src
//! COPY go.mod go.sum ./
//! RUN go mod download
//! COPY . .
//! FROM scratch
//! COPY --from=build /app /app
//! ```

use crate::find;
use crate::lines::{Line, Part};
use crate::rule::{Finding, Rule};
use crate::scene::Scene;
use crate::shell::Command;

/// The rule.
pub static RULE: Rule = Rule {
    name: "sources-before-dependencies",
    description: "All sources are copied before dependencies are fetched",
    check,
    source: include_str!("sources_before_dependencies.rs"),
    ..Rule::TARE
};

fn check<'s>(scene: &'s Scene) -> Vec<Finding<'s>> {
    scene.parts.iter().filter_map(part).collect()
}

fn part<'s>(part: &'s Part<'s>) -> Option<Finding<'s>> {
    let at = part.lines.iter().position(find::copies_all)?;
    let fetches = |line: &'s Line<'s>| {
        let commands = line.commands().iter().filter(|_| !line.has_cache());
        commands.filter_map(fetch).next()
    };
    if part.lines[..at].iter().any(|line| fetches(line).is_some()) {
        return None;
    }
    let (what, files) = part.lines[at..].iter().find_map(fetches)?;
    let message = format!("`{what}` runs again with every change of a source: copy {files} first, and the rest behind it");
    Some(part.lines[at].finding(message))
}

/// What fetches dependencies, and what names them.
fn fetch(command: &Command) -> Option<(&'static str, &'static str)> {
    let verb = command.plain().next();
    let is_alone = command.plain().count() <= 1;
    match (command.name.text.as_str(), verb) {
        ("go", Some("mod")) if command.has(&["download", "vendor"]) => Some(("go mod download", "go.mod and go.sum")),
        ("npm", Some("ci")) => Some(("npm ci", "package.json and package-lock.json")),
        ("npm", Some("install" | "i")) if is_alone => Some(("npm install", "package.json and package-lock.json")),
        ("yarn", None | Some("install")) => Some(("yarn install", "package.json and yarn.lock")),
        ("pnpm", Some("install" | "i" | "fetch")) if is_alone => Some(("pnpm install", "package.json and pnpm-lock.yaml")),
        ("cargo", Some("fetch")) => Some(("cargo fetch", "Cargo.toml and Cargo.lock")),
        ("bundle", Some("install")) => Some(("bundle install", "Gemfile and Gemfile.lock")),
        ("composer", Some("install")) => Some(("composer install", "composer.json and composer.lock")),
        ("poetry", Some("install")) => Some(("poetry install", "pyproject.toml and poetry.lock")),
        ("uv", Some("sync")) => Some(("uv sync", "pyproject.toml and uv.lock")),
        ("dotnet", Some("restore")) => Some(("dotnet restore", "the project files")),
        ("mix", Some("deps.get")) => Some(("mix deps.get", "mix.exs and mix.lock")),
        ("mvn", Some("dependency:go-offline" | "dependency:resolve")) => Some(("mvn", "pom.xml")),
        _ if command.is_pip_install() && command.has(&["-r", "--requirement"]) => Some(("pip install", "requirements.txt")),
        _ => None,
    }
}
