//! What the recipe does otherwise than the Dockerfile that is there, and why: one line each, and only where it does.

use recipe::{Recipe, Why};

use super::{Changed, Downloads, Taken};

/// Nobody's number in the recipe.
const NOBODY: &str = "65534:65534";

/// The list.
pub fn changes(taken: &Taken, recipe: &Recipe) -> Vec<String> {
    let mut out = Vec::new();
    image(taken, &mut out);
    toolchain(taken, recipe, &mut out);
    compile(taken, recipe, &mut out);
    start(taken, &mut out);
    out
}

fn image(taken: &Taken, out: &mut Vec<String>) {
    let facts = &taken.facts;
    match &facts.base {
        Some(base) if facts.is_single => out.push(format!(
            "image: `{base}` -> a stage that compiles, and `scratch`: the compiler and the sources stay out of the image"
        )),
        Some(base) => out.push(format!("image: `{base}` -> `scratch`: the program needs nothing of it")),
        None => {}
    }
    let missing = [(!facts.has_certificates, "root certificates"), (!facts.has_zones, "time zones")];
    let missing: Vec<&str> = missing.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    let users = if facts.base.is_none() { &["users", "/tmp"][..] } else { &[] };
    let all: Vec<&str> = missing.into_iter().chain(users.iter().copied()).collect();
    if !all.is_empty() {
        out.push(format!("in the image now: {}, from the toolchain's", listed(&all)));
    }
    match &facts.user {
        Changed::From(user) if user != "nobody" => {
            let now = taken.ask.user.as_deref().unwrap_or(NOBODY);
            let why = if user == "root" {
                "what it writes goes to /tmp or a volume"
            } else {
                "by number, as there is nobody to look the name up"
            };
            out.push(format!("user: {user} -> {now}: {why}"));
        }
        _ => {}
    }
}

fn toolchain(taken: &Taken, recipe: &Recipe, out: &mut Vec<String>) {
    let facts = &taken.facts;
    if let Some(old) = facts.toolchain.as_deref().filter(|old| *old != recipe.base) {
        let why = match recipe.go.why {
            Why::Flag => "as --go says",
            Why::Settings => "as tare.toml says",
            Why::ToolchainLine => "the `toolchain` line of go.mod names it",
            Why::GoLine => "the `go` line of go.mod names it",
            Why::NewestPatch => "the newest patch release of the `go` line in go.mod",
            Why::Newest => "the newest; go.mod names none that is to be had",
        };
        out.push(format!("toolchain: `{old}` -> `{}`: {why}", recipe.base));
    }
    if facts.toolchain.is_some() && !facts.is_native {
        out.push("platforms: the compiler runs on the machine that builds, whatever the image is for: nothing is emulated".to_owned());
    }
    if facts.builds.iter().any(|build| build.is_fixed) {
        out.push("GOARCH: fixed -> that of the platform that is asked for".to_owned());
    }
    if !facts.packages.is_empty() {
        let mut names: Vec<&str> = facts.packages.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        out.push(format!("packages for compiling: {} -> none: {}", names.join(", "), for_packages(&names)));
    }
}

fn for_packages(names: &[&str]) -> &'static str {
    let is_compiler =
        |name: &&str| ["gcc", "g++", "musl-dev", "build-base", "build-essential", "libc-dev"].contains(name);
    match (names.iter().any(is_compiler), names.contains(&"git")) {
        (true, _) => "without cgo there is no C to compile",
        (_, true) => "modules come from the proxy; only one that no proxy has needs git",
        _ => "the go command needs none",
    }
}

fn compile(taken: &Taken, recipe: &Recipe, out: &mut Vec<String>) {
    let facts = &taken.facts;
    if facts.downloads == Downloads::Late && recipe.download_line.is_some() {
        out.push("dependencies: after the sources -> before them: an edit fetches nothing again".to_owned());
    }
    let builds = &facts.builds;
    if builds.is_empty() {
        return;
    }
    if !builds.iter().any(|build| build.is_cached) {
        out.push("caches: none -> mounted for modules and compiled packages: what hasn't changed isn't compiled again".to_owned());
    }
    if builds.iter().any(|build| build.is_all) {
        out.push("`go build -a` -> `go build`: `-a` compiles the standard library each time".to_owned());
    }
    let mut flags = Vec::new();
    flags.extend(builds.iter().any(|build| !build.trims).then_some("`-trimpath`"));
    flags.extend(builds.iter().any(|build| !build.has_no_id).then_some("`-ldflags=-buildid=`"));
    if !flags.is_empty() {
        out.push(format!("{}: the same sources give the same program, in any folder", listed(&flags)));
    }
    if builds.iter().any(|build| !build.is_static) {
        out.push(
            "cgo: on -> off (`CGO_ENABLED=0`): a program that needs no C library runs without a base image"
                .to_owned(),
        );
    }
}

fn start(taken: &Taken, out: &mut Vec<String>) {
    let facts = &taken.facts;
    if !facts.shell_forms.is_empty() {
        out.push(format!(
            "{}: shell form -> words: there is no shell, and signals reach the program",
            listed(&facts.shell_forms)
        ));
    }
    if let Some(wrapper) = &facts.wrapper {
        out.push(format!("`{wrapper}`: gone: the program is started by itself"));
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.join(""),
    }
}
