//! What can be told of a stage that builds a Go program: whether it is static, and where it goes.

use dockerfile::Kind;

use crate::find;
use crate::image;
use crate::lines::{Line, Part};
use crate::scene::Scene;
use crate::shell::Command;

/// What brings a C compiler to Alpine.
const COMPILERS: [&str; 6] = ["build-base", "gcc", "g++", "clang", "alpine-sdk", "build-essential"];

/// Whether a command builds a Go program.
pub fn builds(command: &Command) -> bool {
    command.is("go") && matches!(command.plain().next(), Some("build" | "install"))
}

/// Whether a stage builds a Go program that needs nothing else.
pub fn is_static(scene: &Scene, index: usize) -> bool {
    let builds = lines(scene, index).any(|line| line.commands().iter().any(builds));
    builds && (is_off(scene, index) || !has_compiler(scene, index) && is_golang(scene, index))
}

/// Whether a stage builds a Go program that may be linked with a C library.
pub fn may_link(scene: &Scene, index: usize) -> bool {
    let is_own = |command: &Command| !command.words.iter().any(|word| word.text.contains("-static"));
    let builds = lines(scene, index).flat_map(Line::commands).filter(|command| builds(command)).any(is_own);
    builds && is_golang(scene, index) && has_compiler(scene, index) && !says(scene, index)
}

/// Whether what a stage makes is copied to where another C library is, or none.
pub fn is_copied_elsewhere(scene: &Scene, index: usize, _: &Part) -> bool {
    let elsewhere = |(place, part): (usize, &Part)| {
        let copies = part.lines.iter().filter_map(find::copied_from);
        let mut sources = copies.filter_map(|name| scene.source(name, place));
        sources.any(|source| scene.chain(source).contains(&index)) && has_no_libc(scene, place)
    };
    scene.parts.iter().skip(1).enumerate().any(elsewhere)
}

fn has_no_libc(scene: &Scene, index: usize) -> bool {
    let Some(root) = root(scene, index) else { return false };
    let name = image::name(root);
    let is_alpine = name.tag.is_some_and(|tag| tag.contains("alpine"));
    root == "scratch"
        || ["alpine", "busybox"].contains(&name.base)
        || is_alpine
        || root.contains("distroless/static")
}

fn is_golang(scene: &Scene, index: usize) -> bool {
    root(scene, index).is_some_and(|text| image::name(text).base == "golang")
}

fn has_compiler(scene: &Scene, index: usize) -> bool {
    let is_alpine = root(scene, index).is_some_and(|text| text.contains("alpine"));
    let installs =
        |command: &Command| ["apk", "apt-get", "apt"].iter().any(|name| command.runs(name, &COMPILERS));
    !is_alpine || lines(scene, index).flat_map(Line::commands).any(installs)
}

/// Whether anything in a stage has a word on it.
fn says(scene: &Scene, index: usize) -> bool {
    lines(scene, index)
        .any(|line| line.instruction.original.contains("CGO_ENABLED") || line.text().contains("CGO_ENABLED"))
}

fn is_off(scene: &Scene, index: usize) -> bool {
    let in_env = |line: &Line| match line.kind {
        Kind::Env(pairs) => {
            pairs.iter().any(|pair| pair.key == "CGO_ENABLED" && pair.value.trim_matches('"') == "0")
        }
        Kind::Arg(all) => {
            all.iter().any(|arg| arg.name == "CGO_ENABLED" && arg.default.as_deref() == Some("0"))
        }
        _ => line.text().contains("CGO_ENABLED=0"),
    };
    lines(scene, index).any(in_env)
}

fn root<'s>(scene: &'s Scene, index: usize) -> Option<&'s str> {
    scene.chain(index).last().map(|index| scene.stages[*index].image.text.as_str())
}

/// The instructions of a stage, and of those below it.
fn lines<'s, 'a>(scene: &'s Scene<'a>, index: usize) -> impl Iterator<Item = &'s Line<'a>> {
    scene.chain(index).into_iter().flat_map(|index| &scene.parts[index + 1].lines)
}
