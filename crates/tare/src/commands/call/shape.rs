//! What `--call` prints as JSON: BuildKit's names, in its order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plan::outline::{self, Asked};
use serde::Serialize;

#[derive(Serialize)]
struct Targets<'a> {
    targets: Vec<Target<'a>>,
    sources: [String; 1],
}

#[derive(Serialize)]
struct Target<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    base: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    location: Location,
}

#[derive(Serialize)]
struct Outline<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Arg<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Mounted<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh: Vec<Mounted<'a>>,
    sources: [String; 1],
}

#[derive(Serialize)]
struct Arg<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'a str,
    location: Location,
}

#[derive(Serialize)]
struct Mounted<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    ranges: [Range; 1],
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
}

impl From<(u32, u32)> for Location {
    fn from((start, end): (u32, u32)) -> Location {
        Location { ranges: [Range { start: Position { line: start }, end: Position { line: end } }] }
    }
}

/// The targets of a Dockerfile, whose text goes along.
pub fn targets(all: &[outline::Target], dockerfile: &[u8]) -> String {
    text(&Targets { targets: all.iter().map(target).collect(), sources: sources(dockerfile) })
}

fn target(target: &outline::Target) -> Target<'_> {
    Target {
        name: target.name.as_deref(),
        default: target.is_default,
        description: target.description.as_deref(),
        base: &target.base,
        platform: target.platform.as_deref(),
        location: target.lines.into(),
    }
}

/// What a target takes.
pub fn outline(found: &outline::Outline, dockerfile: &[u8]) -> String {
    text(&Outline {
        name: found.name.as_deref(),
        description: found.description.as_deref(),
        args: found.args.iter().map(arg).collect(),
        secrets: found.secrets.iter().map(mounted).collect(),
        ssh: found.agents.iter().map(mounted).collect(),
        sources: sources(dockerfile),
    })
}

fn arg(arg: &outline::Arg) -> Arg<'_> {
    let description = arg.description.as_deref();
    Arg { name: &arg.name, description, value: &arg.value, location: arg.lines.into() }
}

fn mounted(asked: &Asked) -> Mounted<'_> {
    Mounted { name: &asked.name, required: asked.required, location: asked.lines.into() }
}

fn sources(dockerfile: &[u8]) -> [String; 1] {
    [STANDARD.encode(dockerfile)]
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a tree of texts is plain data") + "\n"
}
