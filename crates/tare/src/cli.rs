//! The command line. Flags are named as `docker build`, `docker buildx build` and `docker run` name them.
//!
//! What tare doesn't do yet is here too, so that it is refused by name and not as unknown.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

mod build;
mod builds;
mod ignore;
mod language;

pub use build::{
    Build, CompressionName, Go, Init, Pin, Progress, Sbom, SbomFormat, TimestampRule, TraceMode,
};
pub use builds::{Diff, History, Why};
pub use ignore::Ignore;
pub use language::{CheckIgnore, Context, ContextLs, Expand, Lint, LintFormat, Parse, RuleSet};

/// Builds container images from Dockerfiles: no daemon, no root, no container runtime.
#[derive(Parser)]
#[command(name = "tare", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Builds an image from a Dockerfile.
    Build(Box<Build>),
    /// Writes the Dockerfile that `tare build` would use for a Go project without one; beside one that is there,
    /// `Dockerfile.tare`, which keeps what its image offers, and tells what is different.
    Init(Box<Init>),
    /// Proposes what a build's `.dockerignore` lacks: what no step has read, and what never belongs into a build.
    Ignore(Ignore),
    /// Writes down in tare.lock what the names in a Dockerfile stand for, or a Go project's toolchain.
    Pin(Box<Pin>),
    /// Tells why each step of a build ran, or didn't have to.
    Why(Why),
    /// Lists the builds of late.
    History(History),
    /// Tells what is different between two builds.
    Diff(Diff),
    /// Runs a program of a stored image, on the host's network.
    Run(Run),
    /// Lists the stored images.
    Images(Images),
    /// Prints what is known of images, as JSON.
    Inspect(Names),
    /// Gives an image another name.
    Tag(Tag),
    /// Removes names of images; their parts go with the next prune.
    Rmi(Names),
    /// Sends an image to its registry.
    Push(Push),
    /// Fetches an image from its registry into the store.
    Pull(Pull),
    /// Writes images to an archive.
    Save(Save),
    /// Reads images from an archive into the store.
    Load(Load),
    /// Stores credentials for a registry.
    Login(Login),
    /// Removes credentials for a registry.
    Logout(Logout),
    /// Tells what the Go programs of an image were made of.
    Sbom(Sbom),
    /// Shows how much the store holds.
    Du,
    /// Removes from the store what no image needs.
    Prune(Prune),
    /// Finds what deserves a warning in a Dockerfile.
    Lint(Lint),
    /// Prints what a Dockerfile says, for editors and other tools.
    Parse(Parse),
    /// Fills the variables of a Dockerfile's word in.
    Expand(Expand),
    /// Tells what a build sees of its context.
    Context {
        /// What to tell.
        #[command(subcommand)]
        command: Context,
    },
    /// Prints a completion script.
    Completion {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Writes the manual pages to a folder.
    Man {
        /// The folder.
        folder: PathBuf,
    },
    /// Writes the commands' reference in Markdown to a folder.
    #[command(name = "__docs", hide = true)]
    Docs {
        /// The pages of the rules of `tare lint` instead.
        #[arg(long)]
        rules: bool,
        /// The folder.
        folder: PathBuf,
    },
    /// Runs a program in the user namespace that builds use.
    #[command(name = "__unshare", hide = true)]
    Unshare {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

/// `tare run`
#[derive(Args)]
pub struct Run {
    /// Keeps standard input open.
    #[arg(short, long)]
    pub interactive: bool,
    /// Gives the program a terminal.
    #[arg(short, long)]
    pub tty: bool,
    /// Environment variable; without `=` that of the caller (repeatable).
    #[arg(short, long = "env", value_name = "K=V")]
    pub env: Vec<String>,
    /// `HOST:CONTAINER[:ro]` (repeatable).
    #[arg(short, long = "volume", value_name = "H:C")]
    pub volumes: Vec<String>,
    /// User, and group after a colon.
    #[arg(short, long)]
    pub user: Option<String>,
    /// Working directory.
    #[arg(short, long)]
    pub workdir: Option<String>,
    /// Program instead of the image's entrypoint.
    #[arg(long)]
    pub entrypoint: Option<String>,
    /// `HOST:CONTAINER` ports; as the network is the host's, both must be the same (repeatable).
    #[arg(short, long = "publish", value_name = "H:C")]
    pub publish: Vec<String>,
    /// `host` or `none`.
    #[arg(long, default_value = "host")]
    pub network: String,
    /// The root file system can't be written.
    #[arg(long)]
    pub read_only: bool,
    /// Always so: nothing is kept of a container.
    #[arg(long, action = ArgAction::SetTrue)]
    pub rm: bool,
    /// A stored image, and the program's arguments.
    // One list, so that `tare run app --help` is the app's help and not ours.
    #[arg(required = true, value_name = "IMAGE [ARGS]", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// `tare images`
#[derive(Args)]
pub struct Images {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Only the ids.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Names or ids of images.
#[derive(Args)]
pub struct Names {
    /// Names or ids.
    #[arg(required = true, value_name = "IMAGE")]
    pub names: Vec<String>,
}

/// `tare tag`
#[derive(Args)]
pub struct Tag {
    /// Name or id.
    pub source: String,
    /// The new name.
    pub name: String,
}

/// `tare push`
#[derive(Args)]
pub struct Push {
    /// A stored image.
    pub image: String,
    /// Another name to send it under.
    pub name: Option<String>,
    /// Says nothing but the name and digest.
    #[arg(short, long)]
    pub quiet: bool,
}

/// `tare pull`
#[derive(Args)]
pub struct Pull {
    /// The image's name.
    pub image: String,
    /// Which of a multi-platform image, as os/architecture[/variant].
    #[arg(long)]
    pub platform: Option<String>,
    /// Says nothing but the name.
    #[arg(short, long)]
    pub quiet: bool,
}

/// `tare save`
#[derive(Args)]
pub struct Save {
    /// The file [default: standard output].
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// Which kind of archive.
    #[arg(long, value_enum, default_value = "docker")]
    pub format: ArchiveFormat,
    /// A stored image.
    pub image: String,
}

/// A kind of archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ArchiveFormat {
    /// As `docker save` writes it; readable as an OCI layout too.
    Docker,
    /// An OCI layout.
    Oci,
}

/// `tare load`
#[derive(Args)]
pub struct Load {
    /// The file [default: standard input].
    #[arg(short, long)]
    pub input: Option<PathBuf>,
    /// Says nothing but the names.
    #[arg(short, long)]
    pub quiet: bool,
}

/// `tare login`
#[derive(Args)]
pub struct Login {
    /// The registry.
    #[arg(default_value = "docker.io")]
    pub registry: String,
    /// The user.
    #[arg(short, long)]
    pub username: Option<String>,
    /// The password; better from standard input.
    #[arg(short, long)]
    pub password: Option<String>,
    /// Reads the password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// `tare logout`
#[derive(Args)]
pub struct Logout {
    /// The registry.
    #[arg(default_value = "docker.io")]
    pub registry: String,
}

/// `tare prune`
#[derive(Args)]
pub struct Prune {
    /// Removes the images' names as well, and so everything.
    #[arg(short, long)]
    pub all: bool,
    /// Removes the least recently used only, until the store is no larger than this.
    #[arg(long, value_name = "SIZE")]
    pub max_cache: Option<String>,
    /// Taken for compatibility: tare never asks.
    #[arg(short, long)]
    pub force: bool,
}
