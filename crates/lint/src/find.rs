//! Ways to look through a file that many rules have in common.

use dockerfile::mount::MountType;
use dockerfile::{Kind, Mount};

use crate::lines::{Line, Pen};
use crate::rule::{Edit, Finding};
use crate::scene::Scene;
use crate::shell::Command;

/// A finding for every RUN with a command that is wrong, once a RUN.
pub fn runs<'s>(
    scene: &'s Scene,
    is_wrong: impl Fn(&Command) -> bool,
    message: &'static str,
) -> Vec<Finding<'s>> {
    mended(scene, |_, command| is_wrong(command), message, |_, _, _| Vec::new())
}

/// The same, and what mends each of the commands. All of them are mended, or none.
pub fn mended<'s>(
    scene: &'s Scene,
    is_wrong: impl Fn(&Line, &Command) -> bool,
    message: &'static str,
    fix: impl Fn(&Pen, &Line, &Command) -> Vec<Edit>,
) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    let one = |line: &'s Line| {
        let wrong: Vec<&Command> = line.commands().iter().filter(|command| is_wrong(line, command)).collect();
        let edits: Vec<Vec<Edit>> = wrong.iter().map(|command| fix(&pen, line, command)).collect();
        let is_whole = edits.iter().all(|edits| !edits.is_empty());
        let edits = edits.into_iter().flatten().filter(|_| is_whole).collect();
        (!wrong.is_empty()).then(|| line.finding(message).mended_by(edits))
    };
    scene.lines().filter_map(one).collect()
}

/// A fix: a word put behind the first of these that a command has.
pub fn behind(
    words: &'static [&'static str],
    text: &'static str,
) -> impl Fn(&Pen, &Line, &Command) -> Vec<Edit> {
    move |pen, line, command| {
        let word = words.iter().find_map(|word| command.word(word));
        word.map(|word| pen.behind(line, command, word, text)).unwrap_or_default()
    }
}

/// Packages and modules of RPM that the programs named `names` install without a version.
pub fn unpinned_rpm<'s>(scene: &'s Scene, names: &[&str], is_pinned: fn(&str) -> bool) -> Vec<Finding<'s>> {
    let mut found = unpinned(scene, |command| rpm_packages(command, names, false), is_pinned, "NAME-VERSION");
    found.extend(unpinned(
        scene,
        |command| rpm_packages(command, names, true),
        |name| name.contains(':'),
        "NAME:STREAM",
    ));
    found
}

fn rpm_packages<'c>(command: &'c Command, names: &[&str], of_modules: bool) -> Vec<&'c str> {
    let is_install = names.contains(&command.name.text.as_str()) && command.has(&["install"]);
    if !is_install || command.has(&["group"]) || command.has(&["module"]) != of_modules {
        return Vec::new();
    }
    command.plain().filter(|word| !["install", "module"].contains(word)).collect()
}

/// A finding for every RUN that installs something of which no version is named.
pub fn unpinned<'s>(
    scene: &'s Scene,
    packages: impl Fn(&Command) -> Vec<&str>,
    is_pinned: impl Fn(&str) -> bool,
    example: &str,
) -> Vec<Finding<'s>> {
    let one = |line: &'s Line| {
        let all = line.commands().iter().flat_map(&packages);
        let mut names: Vec<&str> = all.filter(|package| !is_pinned(package)).collect();
        names.dedup();
        let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
        let more = if names.len() > 3 { ", …" } else { "" };
        let message = || format!("no version is named for {}{more}: write `{example}`", shown.join(", "));
        (!names.is_empty()).then(|| line.finding(message()))
    };
    scene.lines().filter_map(one).collect()
}

/// A finding for every RUN that installs something, and doesn't clean up behind it, mended by a further command.
pub fn left<'s>(
    scene: &'s Scene,
    installs: impl Fn(&Command) -> bool,
    cleans: impl Fn(&Command) -> bool,
    folder: &str,
    message: &'static str,
    command: &str,
) -> Vec<Finding<'s>> {
    let pen = scene.pen();
    let is_left = |line: &&Line| {
        let installed = line.commands().iter().rposition(&installs);
        let cleaned = line.commands().iter().rposition(&cleans);
        installed.is_some() && cleaned < installed && !line.mounts(folder)
    };
    let one =
        |line: &'s Line<'s>| line.finding(message).mended_by(pen.at_end(line, &format!(" && {command}")));
    scene.lines().filter(is_left).map(one).collect()
}

/// The sources that a COPY or ADD takes from the context.
pub fn from_context<'s>(line: &Line<'s>) -> impl Iterator<Item = &'s str> {
    let sources: &[String] = match line.kind {
        Kind::Copy(copy) if copy.flags.from.is_none() => &copy.sources,
        Kind::Add(add) => &add.sources,
        _ => &[],
    };
    sources.iter().map(String::as_str)
}

/// What of the context the mounts of a RUN show to it.
pub fn mounted(line: &Line) -> Vec<String> {
    let Kind::Run(run) = line.kind else { return Vec::new() };
    let mounts = run.flags.mounts.iter().filter_map(|mount| Mount::parse(mount).ok());
    let of_context = mounts.filter(|mount| mount.kind == MountType::Bind && mount.from.is_none());
    of_context.filter_map(|mount| mount.source).collect()
}

/// Whether a COPY or ADD takes the whole context.
pub fn copies_all(line: &Line) -> bool {
    let excludes = match line.kind {
        Kind::Copy(copy) => !copy.flags.exclude.is_empty(),
        Kind::Add(add) => !add.flags.exclude.is_empty(),
        _ => false,
    };
    !excludes && from_context(line).any(|source| [".", "./", "/", "*", "./*"].contains(&source))
}

/// The stage or image that a COPY takes files from.
pub fn copied_from<'s>(line: &Line<'s>) -> Option<&'s str> {
    match line.kind {
        Kind::Copy(copy) => copy.flags.from.as_deref(),
        _ => None,
    }
}
