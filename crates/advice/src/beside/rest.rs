//! RUN: what the recipe does in its own way, what its image has anyway, and what is lost.

use plan::Op;

use super::gobuild::is_build;
use super::shell::{self, Command};
use super::{Last, Old, Taken};

/// Packages that the recipe's image has the like of, and that what comes with them.
const IN_IMAGE: &[&str] = &["ca-certificates", "ca-certificates-bundle", "tzdata"];

/// Programs that prepare what isn't needed any more: packages, users, folders for the compiler.
const PREPARES: &[&str] = &[
    "apk",
    "apt-get",
    "apt",
    "yum",
    "dnf",
    "microdnf",
    "rm",
    "update-ca-certificates",
    "adduser",
    "addgroup",
    "useradd",
    "groupadd",
    "mkdir",
    "ls",
    "pwd",
    "env",
    "echo",
    "touch",
];

/// Looks at every RUN.
pub fn take(old: &Old, last: &Last, taken: &mut Taken) {
    for id in old.plan.ids() {
        let step = old.plan.step(id);
        let Op::Run(run) = &step.op else { continue };
        let is_image = last.steps.contains(&id);
        for command in shell::commands(run) {
            let why = if is_image { in_image(&command, taken) } else { in_build(&command, taken) };
            if let Some(why) = why {
                taken.notes.push(format!(
                    "line {}: `{}` is not carried over: {why}",
                    step.line,
                    short(&command)
                ));
            }
        }
    }
}

fn short(command: &Command) -> String {
    let text = command.text();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

/// Why a command of the image's own is lost; none if it isn't missed.
fn in_image(command: &Command, taken: &mut Taken) -> Option<String> {
    let packages = packages(command);
    taken.facts.has_certificates |= packages.iter().any(|p| p.starts_with("ca-certificates"));
    taken.facts.has_zones |= packages.iter().any(|p| p == "tzdata");
    let lost: Vec<String> = packages.into_iter().filter(|p| !IN_IMAGE.contains(&p.as_str())).collect();
    let is_made = |name| command.is(name);
    if !lost.is_empty() {
        return Some(format!("the image has no packages, so no {}", lost.join(", ")));
    }
    if is_made("mkdir") || is_made("touch") {
        return Some(
            "the image has /tmp and what is copied; a folder of the project can be named with --include"
                .to_owned(),
        );
    }
    let is_execute =
        is_made("chmod") && command.words.iter().any(|word| word.ends_with("+x") || word == "755");
    let is_idle = PREPARES.iter().any(|name| is_made(name)) || is_execute || is_made("go");
    (!is_idle).then(|| "the image has no shell and no programs but its own".to_owned())
}

/// The same of a stage that compiles.
fn in_build(command: &Command, taken: &mut Taken) -> Option<String> {
    taken.facts.packages.extend(packages(command));
    let verb = command.words.get(1).map(String::as_str).unwrap_or_default();
    if command.is("go") {
        return match verb {
            "mod" | "version" | "env" | "get" | "clean" | "list" | "build" | "install"
                if is_build(command) || verb != "install" =>
            {
                None
            }
            "test" | "vet" => Some("it is for checking, and makes nothing of the image".to_owned()),
            _ => Some("what it makes has to be in the folder".to_owned()),
        };
    }
    let is_idle = PREPARES.iter().any(|name| command.is(name))
        || ["chmod", "chown", "mv", "strip", "upx"].iter().any(|n| command.is(n));
    if command.is("strip") || command.is("upx") {
        return Some("`--ldflags \"-s -w\"` makes programs smaller".to_owned());
    }
    (!is_idle).then(|| "what it makes has to be in the folder".to_owned())
}

/// What a package manager installs.
fn packages(command: &Command) -> Vec<String> {
    let is_manager = ["apk", "apt-get", "apt", "yum", "dnf", "microdnf"].iter().any(|name| command.is(name));
    let mut words = command.plain();
    let installs = is_manager && words.by_ref().any(|word| word == "add" || word == "install");
    let name = |word: &str| word.split(['=', '~', '<', '>', '@']).next().unwrap_or_default().to_owned();
    // `--virtual .build-deps` names a group.
    words.filter(|word| installs && !word.starts_with('.') && !word.contains('$')).map(name).collect()
}
