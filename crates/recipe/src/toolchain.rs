//! Which Go builds a project, why, and the official image that brings it.
//!
//! First of: `--go`, `go` in `tare.toml`, the `toolchain` line, the `go` line of `go.work` or else `go.mod`. What
//! names no patch release gets the newest known; a `go` line is a minimum, so one from before toolchains were
//! modules (1.21), or none, gets the newest Go. The toolchain runs with `GOTOOLCHAIN=local`: what it refuses
//! for being too old is refused here, with words on what to change.

use crate::problem::{Problem, Result};
use crate::project::Project;
use crate::version::{FIRST, Stage, Version};

/// A toolchain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoVersion {
    /// `1.26.8`.
    pub version: String,
    /// Who chose it.
    pub why: Why,
    /// The same, taken apart.
    pub(crate) parsed: Version,
}

/// Who chose a toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `--go`.
    Flag,
    /// `go` in `tare.toml`.
    Settings,
    /// The `toolchain` line.
    ToolchainLine,
    /// The `go` line, which names a release.
    GoLine,
    /// The `go` line names no patch release: the newest known.
    NewestPatch,
    /// There is no `go` line, or it is from before toolchains were modules: the newest known.
    Newest,
}

/// Which Alpine there is an official image on: a minor of Go, up to which patch release, the Alpine. A release gets
/// images on the two newest Alpines of its day and keeps them; a tag that was never made would fail the build with
/// Docker, so what is in doubt gets the tag without a number.
const ALPINES: &[(u64, u64, &str)] = &[
    (21, 10, "3.18"),
    (21, u64::MAX, "3.19"),
    (22, 3, "3.19"),
    (22, u64::MAX, "3.20"),
    (23, 9, "3.20"),
    (23, u64::MAX, "3.21"),
    (24, 10, "3.21"),
    (24, u64::MAX, "3.22"),
    (25, u64::MAX, "3.22"),
    (26, u64::MAX, "3.23"),
];

impl GoVersion {
    /// `golang:1.26.8-alpine3.23`.
    pub(crate) fn image(&self) -> String {
        let version = &self.version;
        let Stage::Patch(patch) = self.parsed.stage else { return format!("golang:{version}-alpine") };
        let row = ALPINES.iter().find(|(minor, last, _)| *minor == self.parsed.minor && patch <= *last);
        format!("golang:{version}-alpine{}", row.map_or("", |row| row.2))
    }
}

/// The toolchain for a project, and what there is to say about it. `asked` comes from a flag or `tare.toml`.
pub fn choose(project: &Project, asked: Option<(&str, Why)>) -> Result<(GoVersion, Vec<String>)> {
    let least = least(project)?;
    match asked {
        Some((name, why)) => asked_for(name, why, least.as_ref()).map(|go| (go, Vec::new())),
        None => from_files(project, least),
    }
}

/// What the project's `go` lines want at least, and which file says so.
fn least(project: &Project) -> Result<Option<(Version, String)>> {
    let Some(leading) = project.leading() else { return Ok(None) };
    let own = leading.go.as_ref().map(|(version, _)| version.clone());
    // The go command reads a go.work without a `go` line as one of Go 1.18, where workspaces began.
    let has = own.clone().or(project.work.as_ref().map(|_| Version {
        major: 1,
        minor: 18,
        stage: Stage::Language,
    }));
    let needs =
        project.modules.iter().filter_map(|m| Some((m.file.go.as_ref()?.0.clone(), &m.file.file))).max();
    match (has, needs) {
        (Some(has), Some((needs, file))) if needs > has => {
            Err(Problem::new(format!("`{file}` says `go {needs}`, and `{}` only `go {has}`", leading.file))
                .help("`go work use` brings it up to date"))
        }
        _ => Ok(own.map(|version| (version, leading.file.clone()))),
    }
}

fn asked_for(name: &str, why: Why, least: Option<&(Version, String)>) -> Result<GoVersion> {
    let by = if why == Why::Flag { "--go" } else { "tare.toml: go" };
    let version = Version::parse(name.strip_prefix("go").unwrap_or(name))
        .ok_or_else(|| {
            Problem::new(format!("{by}: `{name}` is not a Go version")).help("write it as 1.26.8 or 1.26")
        })?
        .with_patch();
    if version < FIRST {
        return Err(Problem::new(format!("{by}: Go {version} is not available as a module"))
            .help(format!("the first that is, is {FIRST}; newer ones build older code too")));
    }
    match least {
        Some((least, file)) if *least > version => Err(Problem::new(format!(
            "{by}: Go {version} is older than the `go {least}` of `{file}`, and would refuse to build it"
        ))
        .help(format!("choose {} or newer, or leave the choice to `{file}`", least.clone().with_patch()))),
        _ => Ok(GoVersion { version: version.to_string(), why, parsed: version }),
    }
}

fn from_files(project: &Project, least: Option<(Version, String)>) -> Result<(GoVersion, Vec<String>)> {
    let mut notes = Vec::new();
    let pinned = project.leading().map(|file| pinned(file, &mut notes)).transpose()?.flatten();
    let (version, why) = match (pinned, least) {
        (Some(pinned), least) if least.as_ref().is_none_or(|l| l.0 <= pinned) && pinned >= FIRST => {
            (pinned, Why::ToolchainLine)
        }
        (_, Some((least, file))) if least >= language_of_first() => of_line(least, &file, &mut notes),
        (_, least) => (Version::newest(), newest(project, least, &mut notes)),
    };
    Ok((GoVersion { version: version.to_string(), why, parsed: version }, notes))
}

/// The `toolchain` line, a release.
fn pinned(file: &crate::gomod::ModFile, notes: &mut Vec<String>) -> Result<Option<Version>> {
    let Some((name, line)) = &file.toolchain else { return Ok(None) };
    let plain = name.split('-').next().unwrap_or_default();
    let version = Version::parse(plain)
        .ok_or_else(|| Problem::new(format!("{}:{line}: `go{name}` is not a toolchain's name", file.file)))?;
    if plain != name {
        notes.push(format!("{}:{line}: `go{name}` is not a release of Go: Go {plain} is used", file.file));
    }
    Ok(Some(version.with_patch()))
}

fn of_line(line: Version, file: &str, notes: &mut Vec<String>) -> (Version, Why) {
    let version = line.clone().with_patch();
    if version == line {
        return (version, Why::GoLine);
    }
    notes.push(format!(
        "`{file}` says `go {line}` without a patch release: Go {version} is used; `toolchain go{version}` in it pins that"
    ));
    (version, Why::NewestPatch)
}

fn newest(project: &Project, least: Option<(Version, String)>, notes: &mut Vec<String>) -> Why {
    let newest = Version::newest();
    let file = project.leading().map_or("go.mod", |file| &file.file);
    let says = match least {
        Some((line, _)) => format!("says `go {line}`, which newer releases build too"),
        None => "has no `go` line".to_owned(),
    };
    notes.push(format!("`{file}` {says}: Go {newest} is used; `toolchain go{newest}` in it pins that"));
    Why::Newest
}

/// `1.21`, which has toolchains although it is before 1.21.0.
fn language_of_first() -> Version {
    Version { stage: Stage::Language, ..FIRST }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gomod::ModFile;
    use crate::project::Module;

    fn project(text: &str) -> Project {
        let file = ModFile::module("go.mod", &format!("module a\n{text}")).expect("well-formed");
        let modules = vec![Module { folder: String::new(), file }];
        Project { modules, work: None, replaced: Vec::new(), vendored: false }
    }

    fn check(text: &str, asked: Option<(&str, Why)>, expected: (&str, Why), notes: usize) {
        let (go, said) = choose(&project(text), asked).expect("a toolchain");
        assert_eq!((&*go.version, go.why, said.len()), (expected.0, expected.1, notes), "{text}: {said:?}");
    }

    #[test]
    fn files_choose() {
        check("go 1.26.0\n", None, ("1.26.0", Why::GoLine), 0);
        check("go 1.26.0\ntoolchain go1.26.8\n", None, ("1.26.8", Why::ToolchainLine), 0);
        check("go 1.26.9\ntoolchain go1.26.8\n", None, ("1.26.9", Why::GoLine), 0);
        check("go 1.26.0\ntoolchain default\n", None, ("1.26.0", Why::GoLine), 0);
        check("go 1.26.0\ntoolchain go1.26.8-custom\n", None, ("1.26.8", Why::ToolchainLine), 1);
        check("go 1.23\n", None, ("1.23.12", Why::NewestPatch), 1);
        check("go 1.21\n", None, ("1.21.13", Why::NewestPatch), 1);
        check("go 1.99\n", None, ("1.99.0", Why::NewestPatch), 1);
        check("go 1.27rc1\n", None, ("1.27rc1", Why::GoLine), 0);
        check("go 1.20\n", None, ("1.27.4", Why::Newest), 1);
        check("", None, ("1.27.4", Why::Newest), 1);
    }

    #[test]
    fn a_flag_wins() {
        let files = "go 1.23.0\ntoolchain go1.26.8\n";
        check(files, Some(("1.24.1", Why::Flag)), ("1.24.1", Why::Flag), 0);
        check(files, Some(("go1.25", Why::Settings)), ("1.25.14", Why::Settings), 0);
        check("", Some(("1.27rc1", Why::Flag)), ("1.27rc1", Why::Flag), 0);
    }

    fn refused(text: &str, asked: &str, message: &str, help: &str) {
        let problem = choose(&project(text), Some((asked, Why::Flag))).expect_err("refused");
        assert_eq!((&*problem.message, problem.help.as_deref()), (message, Some(help)));
    }

    #[test]
    fn what_would_be_refused_later_is_refused_now() {
        refused(
            "go 1.26.0\n",
            "1.25",
            "--go: Go 1.25.14 is older than the `go 1.26.0` of `go.mod`, and would refuse to build it",
            "choose 1.26.0 or newer, or leave the choice to `go.mod`",
        );
        let first = "the first that is, is 1.21.0; newer ones build older code too";
        refused("", "1.20.14", "--go: Go 1.20.14 is not available as a module", first);
        refused("", "new", "--go: `new` is not a Go version", "write it as 1.26.8 or 1.26");
    }

    #[test]
    fn a_workspace_must_not_be_older_than_its_modules() {
        let mut workspace = project("go 1.26.0\n");
        workspace.work = Some(ModFile::work("go.work", "go 1.25.0\n").expect("well-formed"));
        let problem = choose(&workspace, None).expect_err("older");
        assert_eq!(problem.message, "`go.mod` says `go 1.26.0`, and `go.work` only `go 1.25.0`");
        workspace.work =
            Some(ModFile::work("go.work", "go 1.26.0\ntoolchain go1.27.0\n").expect("well-formed"));
        assert_eq!(choose(&workspace, None).expect("fine").0.version, "1.27.0");
    }

    #[test]
    fn images() {
        for (version, image) in [
            ("1.21.10", "golang:1.21.10-alpine3.18"),
            ("1.21.11", "golang:1.21.11-alpine3.19"),
            ("1.24.11", "golang:1.24.11-alpine3.22"),
            ("1.26.8", "golang:1.26.8-alpine3.23"),
            ("1.27.4", "golang:1.27.4-alpine"),
            ("1.27rc1", "golang:1.27rc1-alpine"),
        ] {
            let parsed = Version::parse(version).expect("a version");
            assert_eq!(GoVersion { version: version.into(), why: Why::Flag, parsed }.image(), image);
        }
    }
}
