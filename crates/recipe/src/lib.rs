//! The Dockerfile that a project without one would have had: a folder of Go to text.
//!
//! Reads the project's folder and its repository's `.git`, and gives text: a Dockerfile, a `.dockerignore`,
//! labels, notes. Runs nothing, knows no network and no engine. The text builds anywhere, with Docker as
//! with buildah; `tare init` writes it down, `tare build` builds it as if it stood there.
//! Same folder, same text: nothing here looks at a clock, the environment or the machine, but for the
//! architecture that build constraints are read for when no platform is asked for.

mod problem;
mod version;
mod gomod;
mod project;
mod toolchain;
mod settings;
mod constraint;
mod source;
mod walk;
mod mains;
mod embed;
mod glob;
mod ignore;
mod platform;
mod cgo;
mod interface;
mod text;
mod quote;
mod vcs;
#[cfg(test)]
mod scratch;

use std::collections::BTreeMap;
use std::path::Path;

pub use interface::Interface;
pub use mains::{Main, program_name};
pub use problem::Problem;
pub use toolchain::{GoVersion, Why};

use mains::Wanted;
use project::Project;

/// What the user asked for: the flags of `tare build`. They win over `tare.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Packages as the go command names them: `.`, `./cmd/app`, `./cmd/...`, `example.com/x/cmd/z`.
    pub mains: Vec<String>,
    /// Go's version, `1.26.8`.
    pub go: Option<String>,
    /// Build tags.
    pub tags: Vec<String>,
    /// For the linker, after ours.
    pub ldflags: Option<String>,
    /// Further files: a path in the folder, an absolute path in the image.
    pub includes: Vec<(String, String)>,
    /// What the image runs; a bare first word is one of its programs.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Whom it runs as, instead of nobody.
    pub user: Option<String>,
    /// Variables of the image.
    pub env: BTreeMap<String, String>,
    /// Ports, `8080` or `53/udp`.
    pub expose: Vec<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// For which platforms; empty is this machine's.
    pub platforms: Vec<oci::Platform>,
    /// What an image of before offers, if there is one.
    pub interface: Option<Interface>,
}

/// A project's build, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The Dockerfile.
    pub dockerfile: String,
    /// The `.dockerignore`: the project's own, unchanged, if it has one.
    pub ignore: String,
    /// The toolchain.
    pub go: GoVersion,
    /// The image in the first FROM: the one that brings the toolchain.
    pub base: String,
    /// Lines, counted from 1, of the RUNs that need no network.
    pub offline: Vec<usize>,
    /// The line of the RUN that downloads modules; without dependencies, or with vendored ones, there is none.
    pub download_line: Option<usize>,
    /// The programs.
    pub mains: Vec<Main>,
    /// From `tare.toml`, flags and the commit. Not in the text, which would be another one after each commit.
    pub labels: BTreeMap<String, String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Whether the folder is a Go module or workspace.
pub fn is_go_project(folder: &Path) -> bool {
    ["go.mod", "go.work"].iter().any(|name| folder.join(name).is_file())
}

/// The path of the module in a folder.
pub fn module(folder: &Path) -> Option<String> {
    let text = problem::read_if_there(folder, "go.mod").ok()??;
    gomod::ModFile::module("go.mod", &text).ok().map(|file| file.module)
}

/// The recipe for the Go module or workspace in `folder`.
///
/// # Errors
/// What the go command would refuse too (a malformed `go.mod`, a package that isn't there), what it would
/// have to be told (which of several programs), and what can't be written into a Dockerfile.
pub fn go(folder: &Path, ask: &Ask) -> std::result::Result<Recipe, Problem> {
    platform::check(&ask.platforms)?;
    let wish = settings::merged(folder, ask)?;
    let project = Project::read(folder)?;
    let why = if ask.go.is_some() { Why::Flag } else { Why::Settings };
    let (go, mut notes) = toolchain::choose(&project, wish.go.as_deref().map(|name| (name, why)))?;
    let context = platform::context(&ask.platforms, &go, &wish.tags);
    let folders = walk::Folders::of(folder);
    let mut mains = mains::choose(&Wanted {
        folders: &folders,
        project: &project,
        asked: &wish.mains,
        context: &context,
    })?;
    if let Some(interface) = &wish.interface {
        interface.place(&mut mains);
    }
    let parts = text::Parts {
        folder,
        project: &project,
        wish: &wish,
        mains: &mains,
        go: &go,
        platforms: &ask.platforms,
    };
    let text = text::write(&parts)?;
    notes.extend(text.note);
    notes.extend(cgo::notes(&project));
    let labels = labels(folder, &wish, &mut notes);
    Ok(Recipe {
        ignore: ignore::text(&folders, &project, &wish, &mains)?,
        base: go.image(),
        dockerfile: text.dockerfile,
        offline: text.offline,
        download_line: text.download_line,
        go,
        mains,
        labels,
        notes,
    })
}

/// What the sources of a project say about other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    /// Patterns of `//go:embed` from the project's folder on, sorted.
    pub patterns: Vec<String>,
    /// Some package imports one of `testdata` or the like: anything there may be part of the build.
    pub imports_closed: bool,
}

impl Embedded {
    /// The patterns that take a path in, or something below it.
    pub fn taking<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        self.patterns.iter().map(String::as_str).filter(move |pattern| embed::touches(pattern, path))
    }
}

/// What a Go project embeds.
///
/// # Errors
/// If a source can't be read.
pub fn embedded(folder: &Path) -> std::result::Result<Embedded, Problem> {
    let folders = walk::Folders::of(folder);
    let found = embed::Embeds::read(folder, folders.all()?)?;
    Ok(Embedded { patterns: found.patterns, imports_closed: found.imports_closed })
}

/// The commit's labels, and over them those that somebody wrote down.
fn labels(folder: &Path, wish: &Ask, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut labels = vcs::labels(folder, notes);
    labels.extend(wish.labels.clone());
    labels
}
