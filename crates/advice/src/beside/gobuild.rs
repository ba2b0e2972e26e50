//! `go build` and `go install` in a Dockerfile's steps: which programs, where to, with which flags.

use plan::{Op, StepId};
use recipe::program_name;

use super::shell::{self, Command};
use super::{Old, Program};
use crate::named::clean;
use crate::reads::{Piece, pieces};

/// A step that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoBuild {
    /// Which.
    pub step: StepId,
    /// Its programs, with their paths in the stage; empty where that can't be told.
    pub programs: Vec<Program>,
    /// `-a`: everything is compiled anew.
    pub is_all: bool,
    /// `-trimpath`.
    pub trims: bool,
    /// `-ldflags=-buildid=`.
    pub has_no_id: bool,
    /// `CGO_ENABLED=0`.
    pub is_static: bool,
    /// `GOARCH` with a fixed value.
    pub is_fixed: bool,
    /// Whether a cache is mounted.
    pub is_cached: bool,
    /// `-tags`.
    pub tags: Vec<String>,
    /// `-ldflags`, without the build id.
    pub ldflags: Option<String>,
    /// What isn't carried over.
    pub notes: Vec<String>,
}

impl GoBuild {
    fn new(step: StepId) -> GoBuild {
        let (is_all, trims, has_no_id, is_static, is_fixed, is_cached) = Default::default();
        let (programs, tags, ldflags, notes) = Default::default();
        GoBuild {
            step,
            programs,
            is_all,
            trims,
            has_no_id,
            is_static,
            is_fixed,
            is_cached,
            tags,
            ldflags,
            notes,
        }
    }
}

/// Flags with a value of their own.
const WITH_VALUE: &[&str] = &[
    "o",
    "ldflags",
    "tags",
    "mod",
    "p",
    "asmflags",
    "gcflags",
    "installsuffix",
    "buildmode",
    "compiler",
    "gccgoflags",
    "overlay",
    "pgo",
    "pkgdir",
    "toolexec",
    "C",
    "modfile",
    "coverpkg",
    "covermode",
];

/// The steps that compile, in order.
pub fn of(old: &Old) -> Vec<GoBuild> {
    old.plan.ids().filter_map(|id| step(old, id)).collect()
}

fn step(old: &Old, id: StepId) -> Option<GoBuild> {
    let Op::Run(run) = &old.plan.step(id).op else { return None };
    let mut build = GoBuild::new(id);
    let set = |name: &str| run.env.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let commands = shell::commands(run);
    let compiling: Vec<&Command> = commands.iter().filter(|c| is_build(c)).collect();
    for command in &compiling {
        let var = |name: &str| {
            let own = command.vars.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
            own.or_else(|| set(name)).filter(|value| !value.contains('$'))
        };
        build.is_static |= var("CGO_ENABLED") == Some("0");
        build.is_fixed |= var("GOARCH").is_some();
        read(old, id, command, &mut build);
    }
    let is_cache = |mount: &dockerfile::Mount| mount.kind == dockerfile::mount::MountType::Cache;
    build.is_cached = run.mounts.iter().any(|(mount, _)| is_cache(mount));
    (!compiling.is_empty()).then_some(build)
}

/// Whether a command makes programs.
pub fn is_build(command: &Command) -> bool {
    let verb = command.words.get(1).map(String::as_str);
    // `go install tool@version` fetches something to build with.
    command.is("go")
        && (verb == Some("build")
            || verb == Some("install") && !command.words.iter().any(|word| word.contains('@')))
}

fn read(old: &Old, id: StepId, command: &Command, build: &mut GoBuild) {
    let is_install = command.words[1] == "install";
    let (mut packages, mut out, mut cwd) = (Vec::new(), None, command.cwd.clone());
    let mut words = command.words[2..].iter();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            packages.push(word.clone());
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None if WITH_VALUE.contains(&flag) => (flag, words.next().cloned()),
            None => (flag, None),
        };
        match (name, value) {
            ("o", value) => out = value,
            ("C", Some(folder)) => cwd = plan::path::join(&cwd, &folder),
            ("a", _) => build.is_all = true,
            ("trimpath", _) => build.trims = true,
            ("race" | "buildmode" | "toolexec" | "overlay", value) => {
                let value = value.map(|value| format!("={value}")).unwrap_or_default();
                build.notes.push(format!("`go build -{name}{value}` is not carried over"));
            }
            ("tags", Some(value)) => {
                build.tags.extend(value.split([',', ' ']).filter(|t| !t.is_empty()).map(str::to_owned))
            }
            ("ldflags", Some(value)) => ldflags(&value, build),
            _ => {}
        }
    }
    if packages.is_empty() {
        packages.push(".".to_owned());
    }
    let is_one =
        packages.len() == 1 && !packages[0].contains("...") || packages.iter().all(|p| p.ends_with(".go"));
    if packages.iter().all(|package| package.ends_with(".go")) {
        packages.truncate(1);
    }
    for package in &packages {
        let Some(asked) = asked(old, id, &cwd, package) else {
            build
                .notes
                .push(format!("where `{package}` comes from can't be told: its program is not in the image"));
            continue;
        };
        let name = match asked.as_str() {
            "." => program_name(old.module.unwrap_or("app")).to_owned(),
            path => program_name(path).to_owned(),
        };
        let path = match &out {
            _ if package.contains("...") => String::new(),
            _ if is_install => format!("/go/bin/{name}"),
            Some(out) if out.contains('$') => String::new(),
            Some(out) if out.ends_with('/') || !is_one => plan::path::join(&cwd, &format!("{out}/{name}")),
            Some(out) => plan::path::join(&cwd, out),
            None => plan::path::join(&cwd, &name),
        };
        build.programs.push(Program { package: asked, path });
    }
}

/// A package as the recipe is asked for it: from the folder on.
fn asked(old: &Old, id: StepId, cwd: &str, package: &str) -> Option<String> {
    if !package.starts_with(['.', '/']) && !package.ends_with(".go") {
        return Some(package.to_owned());
    }
    let folder = match package.ends_with(".go") {
        true => package.rsplit_once('/').map_or(".", |(folder, _)| folder),
        false => package,
    };
    let image = clean(&plan::path::join(cwd, folder));
    let steps = old.plan.chain(old.plan.step(id).parent);
    let copies = steps.iter().rev().filter_map(|id| match &old.plan.step(*id).op {
        Op::Copy(copy) if copy.from == plan::From::Context => Some(copy),
        _ => None,
    });
    let places: Vec<Piece> = copies.flat_map(|copy| pieces(copy, old.listing)).collect();
    let folder = |piece: &Piece| piece.of(&image).filter(|_| piece.is_folder(old.listing));
    // Where sources come one by one, the folder is the one that they were in.
    let file = |piece: &Piece| {
        let is_its = piece.image == image && piece.context.ends_with(".go");
        is_its.then(|| piece.context.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
    };
    let path = places.iter().find_map(folder).or_else(|| places.iter().find_map(file));
    let path = path.or_else(|| mounted(old, id, &image))?;
    Some(if path.is_empty() { ".".to_owned() } else { format!("./{path}") })
}

/// Sources that aren't copied but mounted.
fn mounted(old: &Old, id: StepId, image: &str) -> Option<String> {
    let Op::Run(run) = &old.plan.step(id).op else { return None };
    let here = run.mounts.iter().filter(|(mount, from)| {
        *from == plan::From::Context && mount.kind == dockerfile::mount::MountType::Bind
    });
    let mut places = here.map(|(mount, _)| Piece {
        context: clean(mount.source.as_deref().unwrap_or_default()),
        image: clean(mount.target.as_deref().unwrap_or_default()),
    });
    places.find_map(|piece| piece.of(image).filter(|_| piece.is_folder(old.listing)))
}

/// Takes the linker's flags. What a shell fills in has nobody to do it; what asks for a C compiler has none.
fn ldflags(text: &str, build: &mut GoBuild) {
    build.has_no_id |= text.contains("-buildid=");
    if text.contains(['$', '`']) {
        build.notes.push(format!(
            "`-ldflags \"{text}\"` is not carried over: no shell fills its variables in; give what is needed with --ldflags"
        ));
        return;
    }
    let (mut kept, mut words) = (Vec::new(), quoted(text).into_iter());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-extldflags" | "-linkmode" => drop(words.next()),
            word if word.starts_with("-extldflags") || word.starts_with("-linkmode") => {}
            word if word.starts_with("-buildid=") => {}
            _ => kept.push(word),
        }
    }
    build.ldflags = (!kept.is_empty()).then(|| kept.join(" "));
}

/// Words with their quotes.
fn quoted(text: &str) -> Vec<String> {
    let (mut out, mut quote) = (vec![String::new()], None);
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(end), c) if c == end => quote = None,
            (None, ' ' | '\t' | '\n') => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        out.last_mut().expect("there is always one").push(c);
    }
    out.retain(|word| !word.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_linker() {
        let of = |text| {
            let mut build = GoBuild::new(StepId(0));
            ldflags(text, &mut build);
            (build.ldflags, build.notes.len())
        };
        assert_eq!(
            of("-s -w -X 'a.b=c d' -extldflags \"-static\""),
            (Some("-s -w -X 'a.b=c d'".to_owned()), 0)
        );
        assert_eq!(of("-buildid="), (None, 0));
        assert_eq!(of("-X a=$V"), (None, 1));
    }
}
