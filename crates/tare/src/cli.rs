//! The command line. Flags are named as `docker build`, `docker buildx build` and `docker run` name them.
//!
//! What tare doesn't do yet is here too, so that it is refused by name and not as unknown.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

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
    /// Shows how much the store holds.
    Du,
    /// Removes from the store what no image needs.
    Prune(Prune),
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

/// `tare build`
#[derive(Args)]
pub struct Build {
    /// The folder that COPY takes files from; `-` reads a Dockerfile from standard input.
    #[arg(default_value = ".")]
    pub context: String,
    /// Name of the image (repeatable).
    #[arg(short, long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// The Dockerfile; `-` is standard input [default: CONTEXT/Dockerfile, then CONTEXT/Containerfile].
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The stage to build.
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Value of an ARG; without `=` that of the environment variable (repeatable).
    #[arg(long = "build-arg", value_name = "K=V")]
    pub build_args: Vec<String>,
    /// Another source: `name=FOLDER`, `name=oci-layout://FOLDER[:TAG]`, `name=docker-image://IMAGE` (repeatable).
    #[arg(long = "build-context", value_name = "NAME=SOURCE")]
    pub build_contexts: Vec<String>,
    /// Label of the image (repeatable).
    #[arg(long = "label", value_name = "K=V")]
    pub labels: Vec<String>,
    /// A secret for `RUN --mount=type=secret`: `id=ID[,src=FILE|,env=VARIABLE]` (repeatable).
    #[arg(long = "secret", value_name = "SPEC")]
    pub secrets: Vec<String>,
    /// An agent for `RUN --mount=type=ssh`: `default` or `ID[=SOCKET]` (repeatable).
    #[arg(long, value_name = "ID[=SOCKET]")]
    pub ssh: Vec<String>,
    /// A further line of every step's `/etc/hosts`; `host-gateway` is this machine (repeatable).
    #[arg(long, value_name = "NAME:IP")]
    pub add_host: Vec<String>,
    /// A resource limit of every step, as `nofile=1024:2048` (repeatable).
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub ulimit: Vec<String>,
    /// The size of every step's `/dev/shm` [default: 64MiB].
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<String>,
    /// A stage whose steps are all run again (repeatable).
    #[arg(long, value_name = "STAGE")]
    pub no_cache_filter: Vec<String>,
    /// Where the result goes: `type=oci|docker|tar|local|image,dest=…,name=…,push=true`, or a folder (repeatable).
    #[arg(short, long = "output", value_name = "SPEC")]
    pub outputs: Vec<String>,
    /// Sends the image to the registries of its names.
    #[arg(long)]
    pub push: bool,
    /// Hands the image to a running Docker daemon.
    #[arg(long)]
    pub load: bool,
    /// Asks the registries what tags mean now.
    #[arg(long)]
    pub pull: bool,
    /// Runs every step again.
    #[arg(long)]
    pub no_cache: bool,
    /// What the image is for, as os/architecture[/variant].
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// How to tell about progress.
    #[arg(long, value_enum, default_value = "auto", env = "BUILDKIT_PROGRESS")]
    pub progress: Progress,
    /// Prints nothing but the image's id.
    #[arg(short, long)]
    pub quiet: bool,
    /// Writes the image's id to a file.
    #[arg(long, value_name = "FILE")]
    pub iidfile: Option<PathBuf>,
    /// Writes what was built to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Makes the same bits from the same inputs anywhere: no time of the build gets into the image.
    #[arg(long)]
    pub reproducible: bool,
    /// Which times files in new layers have.
    #[arg(long, value_enum, value_name = "RULE")]
    pub timestamps: Option<TimestampRule>,
    /// How new layers are compressed.
    #[arg(long, value_enum, default_value = "gzip")]
    pub compression: CompressionName,
    /// The compressor's level.
    #[arg(long, value_name = "N")]
    pub compression_level: Option<i32>,
    /// How large the store may grow; the least recently used goes first.
    #[arg(long, value_name = "SIZE", env = "TARE_MAX_CACHE")]
    pub max_cache: Option<String>,
    #[command(flatten)]
    pub foreign: Foreign,
}

/// Flags of `docker buildx build` that tare takes only with values that ask for nothing.
#[derive(Args)]
#[command(next_help_heading = "Taken for compatibility")]
pub struct Foreign {
    /// Only `false`: attestations are not supported yet.
    #[arg(long, value_name = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub provenance: Option<String>,
    /// Only `false`: attestations are not supported yet.
    #[arg(long, value_name = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub sbom: Option<String>,
    /// Only `default`: there is no other builder.
    #[arg(long, value_name = "default")]
    pub builder: Option<String>,
    /// Only `default`.
    #[arg(long, value_name = "default")]
    pub network: Option<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub cache_to: Vec<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub cache_from: Vec<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub attest: Vec<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub allow: Vec<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub annotation: Vec<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub call: Option<String>,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub check: bool,
    /// Not supported yet.
    #[arg(long, hide = true)]
    pub squash: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Progress {
    /// `tty` on a terminal, `plain` elsewhere.
    Auto,
    /// A few lines that change.
    Tty,
    /// Line after line, everything.
    Plain,
    /// Nothing but errors.
    Quiet,
}

/// Which times files in new layers have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TimestampRule {
    /// The files' own.
    Preserve,
    /// None that depends on the build; the same as --reproducible.
    Reproducible,
}

/// How new layers are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum CompressionName {
    /// Read by everything.
    Gzip,
    /// Faster and smaller, for runtimes since 2021.
    Zstd,
    /// Not at all.
    #[value(alias = "none")]
    Uncompressed,
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

/// `tare parse`
#[derive(Args)]
pub struct Parse {
    /// As JSON, the only form so far.
    #[arg(long)]
    pub json: bool,
    /// Looks for mistakes between lines and in words too, not only in each line's syntax.
    #[arg(long)]
    pub check: bool,
    /// The Dockerfile; `-` is standard input.
    pub file: String,
}

/// `tare expand`
#[derive(Args)]
pub struct Expand {
    /// Cuts the result into words, one a line.
    #[arg(long)]
    pub words: bool,
    /// As JSON: a string, with --words an array.
    #[arg(long)]
    pub json: bool,
    /// The escape character, as the directive `escape` sets it.
    #[arg(long, value_name = "CHARACTER", default_value = "\\")]
    pub escape: String,
    /// A variable; no others are set (repeatable).
    #[arg(long, value_name = "K=V")]
    pub env: Vec<String>,
    /// The word; give `--` before it, as it may begin with `-`.
    pub word: String,
}

/// `tare context`
#[derive(Subcommand)]
pub enum Context {
    /// Lists what `COPY . .` would take.
    Ls(ContextLs),
    /// Tells which pattern of an ignore file decides about paths.
    CheckIgnore(CheckIgnore),
    /// Tells what the context argument of a build stands for.
    ParseUrl {
        /// As JSON, the only form so far.
        #[arg(long)]
        json: bool,
        /// An address or a folder.
        url: String,
    },
}

/// `tare context ls`
#[derive(Args)]
pub struct ContextLs {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// The Dockerfile, which may have an ignore file beside it.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The ignore file, instead of the one that a build would find.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub ignorefile: Option<PathBuf>,
    /// The context.
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
}

/// `tare context check-ignore`
#[derive(Args)]
pub struct CheckIgnore {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Prints the patterns as they are matched, one a line.
    #[arg(long, conflicts_with_all = ["json", "paths"])]
    pub patterns: bool,
    /// The ignore file.
    #[arg(long, value_name = "FILE")]
    pub ignorefile: PathBuf,
    /// Paths in the context.
    #[arg(value_name = "PATH", required_unless_present = "patterns")]
    pub paths: Vec<String>,
}
