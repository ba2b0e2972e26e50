//! The builders, as a table: what has to be on PATH, and how each is told what the workloads want.
//!
//! A builder is measured as its own documentation has people use it, with layers cached in a store that starts empty,
//! on the host's network, since bridges are nobody's subject here. Feeds `room`, which has the store.

mod docker;
mod buildah;
mod buildkit;
mod go;
mod kaniko;
mod tare;

use super::mode::Mode;
use super::room::Room;
use super::sheet::OURS;
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

pub use go::COMPILER;

/// A way to build.
pub struct Builder {
    /// As results name it.
    pub name: &'static str,
    /// What has to be on PATH; nothing for tare.
    pub program: &'static str,
    /// Whether `--quick` has the time for it: not if another one does the same with the same code.
    pub quick: bool,
    /// Starts what has to run meanwhile.
    pub start: Option<fn(&Room) -> Result<Child>>,
    /// Builds into its own store.
    pub build: fn(&Room, &Job) -> Command,
    /// Whether an export is a build as well.
    pub export_builds: bool,
    /// Sends what was built elsewhere, compressed; nothing if it can't.
    pub export: fn(&Room, &Job, &Out) -> Option<Command>,
}

/// A build.
#[derive(Clone)]
pub struct Job<'a> {
    /// The folder with the Dockerfile.
    pub context: &'a Path,
    /// Another Dockerfile in it.
    pub file: Option<&'a str>,
    /// The image's name.
    pub tag: String,
    /// Values of ARGs, as `K=V`.
    pub args: Vec<String>,
}

impl<'a> Job<'a> {
    /// A plain one.
    pub fn new(context: &'a Path, name: &str) -> Job<'a> {
        Job { context, file: None, tag: format!("bench/{name}"), args: Vec::new() }
    }

    /// With another Dockerfile.
    pub fn file(self, file: &'a str) -> Job<'a> {
        Job { file: Some(file), ..self }
    }

    /// With a value of an ARG.
    pub fn arg(mut self, value: String) -> Job<'a> {
        self.args.push(value);
        self
    }

    /// `FLAG VALUE` for each ARG.
    fn flags(&self, flag: &str) -> impl Iterator<Item = String> {
        let flag = flag.to_owned();
        self.args.iter().flat_map(move |arg| [flag.clone(), arg.clone()])
    }
}

/// Where an image goes.
pub struct Out {
    /// How.
    pub compression: &'static str,
    /// To what.
    pub to: Target,
}

/// A file or a registry.
pub enum Target {
    /// An OCI archive.
    Archive(PathBuf),
    /// `HOST:PORT/NAME`.
    Registry(String),
}

/// In the order in which they are measured: should the time be up, the first ones say most.
const BUILDERS: &[Builder] = &[
    tare::BUILDER,
    buildkit::BUILDER,
    buildah::BUILDAH,
    docker::BUILDER,
    docker::CLASSIC,
    buildah::PODMAN,
    kaniko::BUILDER,
];

/// For what has no Dockerfile: a Go project.
const GO_BUILDERS: &[Builder] = &[tare::NO_DOCKERFILE, go::KO];

/// Whose builds are measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Parts of names; all that there is time for, if there are none.
    pub names: Vec<String>,
}

impl Choice {
    /// Those that can be measured here; the first one is tare.
    pub fn installed(&self, mode: Mode) -> Vec<&'static Builder> {
        self.of(BUILDERS, mode)
    }

    /// Those that make an image of a Go project by themselves; the first one is tare.
    pub fn go_builders(&self, mode: Mode) -> Vec<&'static Builder> {
        self.of(GO_BUILDERS, mode)
    }

    fn of(&self, builders: &'static [Builder], mode: Mode) -> Vec<&'static Builder> {
        builders.iter().filter(|b| self.why_not(b, mode).is_none()).collect()
    }

    /// Says which ones there are not, and why.
    pub fn say_missing(&self, mode: Mode) {
        for builder in BUILDERS.iter().chain(GO_BUILDERS) {
            if let Some(why) = self.why_not(builder, mode) {
                shell::say(&format!("{} is left out: {why}", builder.name));
            }
        }
    }

    fn why_not(&self, builder: &Builder, mode: Mode) -> Option<String> {
        let named = self.names.iter().any(|name| builder.name.contains(name.as_str()));
        if builder.name == OURS {
            None
        } else if mode == Mode::Tiny {
            Some("--tiny is of tare alone".into())
        } else if !named && !self.names.is_empty() {
            Some("another one was named".into())
        } else if !named && mode == Mode::Quick && !builder.quick {
            Some("--quick has no time for it, --full has".into())
        } else if shell::which(builder.program).is_none() {
            Some(format!("no `{}` on PATH", builder.program))
        } else {
            None
        }
    }
}

/// A program of the machine, also from sbin.
fn program(name: &str) -> Command {
    Command::new(shell::which(name).unwrap_or_else(|| name.into()))
}

/// A program that ends with us, however we end. Asked politely: daemons have children and mounts of their own.
fn daemon(name: &str) -> Command {
    let mut command = program("setpriv");
    command.args(["--pdeathsig", "TERM"]).arg(program(name).get_program());
    command
}
