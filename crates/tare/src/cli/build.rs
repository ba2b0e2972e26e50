//! `tare build`'s flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `tare build`
#[derive(Args)]
pub struct Build {
    /// Where COPY takes files from: a folder, a git or web address, or `-` for standard input: an archive or a Dockerfile.
    #[arg(default_value = ".")]
    pub context: String,
    /// Name of the image (repeatable).
    #[arg(short, long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// The Dockerfile; `-` is standard input [default: CONTEXT/Dockerfile, then CONTEXT/Containerfile].
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Builds as if there were no Dockerfile.
    #[arg(long, conflicts_with = "file")]
    pub no_dockerfile: bool,
    /// The stage to build.
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Value of an ARG; without `=` that of the environment variable (repeatable).
    #[arg(long = "build-arg", value_name = "K=V")]
    pub build_args: Vec<String>,
    /// Another source: `name=` and a folder, a git or web address, `oci-layout://FOLDER[:TAG]` or
    /// `docker-image://IMAGE` (repeatable).
    #[arg(long = "build-context", value_name = "NAME=SOURCE")]
    pub build_contexts: Vec<String>,
    /// Label of the image (repeatable).
    #[arg(long = "label", value_name = "K=V")]
    pub labels: Vec<String>,
    /// Annotation of the image: TYPE is `manifest` unless given, or `index`, `manifest-descriptor` or `index-descriptor`,
    /// several separated by commas; `manifest[linux/amd64]:` is for one platform (repeatable).
    #[arg(long = "annotation", value_name = "[TYPE:]K=V")]
    pub annotations: Vec<String>,
    /// A secret for `RUN --mount=type=secret`: `id=ID[,src=FILE|,env=VARIABLE]` (repeatable).
    #[arg(long = "secret", value_name = "SPEC")]
    pub secrets: Vec<String>,
    /// An agent for `RUN --mount=type=ssh`, which is that of `SSH_AUTH_SOCK` unless a socket or private keys are named:
    /// `default` or `ID[=SOCKET|KEYFILE[,KEYFILE…]]` (repeatable).
    #[arg(long, value_name = "ID[=PATH…]")]
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
    /// Refuses images, addresses and git refs that are not in tare.lock; with --pull also those that have moved.
    #[arg(long)]
    pub locked: bool,
    /// Runs every step again.
    #[arg(long)]
    pub no_cache: bool,
    /// What is noted of what steps read, so that a change that a step didn't read doesn't run it again: `tools`
    /// leaves out what known programs look at without its making a difference.
    #[arg(long, value_enum, value_name = "HOW", default_value = "tools")]
    pub trace: TraceMode,
    /// Runs steps that could be reused all the same, and compares: all of them, or with a probability, as `0.02` or
    /// `2%`.
    #[arg(long, value_name = "P", num_args = 0..=1, default_missing_value = "1", require_equals = true)]
    pub verify: Option<String>,
    /// Gives no compiler a cache that the Dockerfile doesn't give it.
    #[arg(long)]
    pub cold: bool,
    /// What the image is for, as os/architecture[/variant]; several, separated by commas, make an index.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// What to do: `build`, or print what the Dockerfile has: `targets`, or `outline`, what the target takes from
    /// outside, or `check`, what deserves a warning; as JSON with `,format=json`.
    #[arg(long, value_name = "WHAT[,format=json]", default_value = "build")]
    pub call: String,
    /// Looks for what deserves a warning, and builds nothing: short for `--call check`.
    #[arg(long, conflicts_with = "call")]
    pub check: bool,
    /// Tells at the end why each step ran, or didn't have to, as `tare why` does.
    #[arg(long)]
    pub explain: bool,
    /// Tells at the end what the build waited for; FILE gets all of it, in the Trace Event Format that browsers draw.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub timings: Option<Option<PathBuf>>,
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
    /// Writes what the image's Go programs were made of: `spdx` or `cyclonedx`, and `=FILE` (repeatable).
    #[arg(
        long = "sbom",
        value_name = "FORMAT[=FILE]",
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true
    )]
    pub sboms: Vec<String>,
    /// Makes the same bits from the same inputs anywhere: no time of the build gets into the image.
    #[arg(long)]
    pub reproducible: bool,
    /// Which times files in new layers have.
    #[arg(long, value_enum, value_name = "RULE")]
    pub timestamps: Option<TimestampRule>,
    /// How new layers are compressed; without it they are as soon as the image leaves the store, with gzip.
    #[arg(long, value_enum)]
    pub compression: Option<CompressionName>,
    /// The compressor's level: of gzip, if --compression names no other.
    #[arg(long, value_name = "N")]
    pub compression_level: Option<i32>,
    /// How large the store may grow; the least recently used goes first.
    #[arg(long, value_name = "SIZE", env = "TARE_MAX_CACHE")]
    pub max_cache: Option<String>,
    #[command(flatten)]
    pub go: Go,
    #[command(flatten)]
    pub foreign: Foreign,
}

/// What decides how a Go project is built that has no Dockerfile; all of it can stand in `tare.toml` too.
#[derive(Args, Clone)]
#[command(next_help_heading = "A Go project without a Dockerfile")]
pub struct Go {
    /// The package to build, as the go command names it: `./cmd/app`, `./cmd/...` (repeatable).
    #[arg(long = "main", value_name = "PACKAGE")]
    pub mains: Vec<String>,
    /// The Go release to build with, as 1.26.8; `host` is the one on PATH [default: the one that go.mod names].
    #[arg(long = "go", value_name = "VERSION")]
    pub version: Option<String>,
    /// Build tags, separated by commas.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub build_tags: Vec<String>,
    /// Flags for Go's linker, as `-s -w -X main.version=1.0`.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub ldflags: Option<String>,
    /// A file or folder of the project, and where the image has it (repeatable).
    #[arg(long = "include", value_name = "PATH:DESTINATION")]
    pub includes: Vec<String>,
    /// The program that the image starts, if there are several.
    #[arg(long, value_name = "NAME")]
    pub entrypoint: Option<String>,
}

/// `tare init`
#[derive(Args)]
pub struct Init {
    /// The project's folder.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The Dockerfile to go on from, if there is one [default: as for a build].
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub go: Go,
}

/// `tare pin`
#[derive(Args)]
pub struct Pin {
    /// The build's context, or the folder of a Go project.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// The Dockerfile [default: as for a build].
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Asks again what every name stands for, and shows what has moved.
    #[arg(long)]
    pub update: bool,
    /// Asks again and changes nothing; exit code 1 if a name has moved, or is missing.
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
    /// Writes what stands for a name into the Dockerfile beside it: as `name:tag@digest`, or as `--checksum`. What
    /// can't be written there is kept in tare.lock.
    #[arg(long, conflicts_with = "check")]
    pub write: bool,
    /// Asks nobody but the store, which knows what builds have found out.
    #[arg(long)]
    pub offline: bool,
    /// Value of an ARG; without `=` that of the environment variable (repeatable).
    #[arg(long = "build-arg", value_name = "K=V")]
    pub build_args: Vec<String>,
    /// Another source, as a build has it; its name is not pinned (repeatable).
    #[arg(long = "build-context", value_name = "NAME=SOURCE")]
    pub build_contexts: Vec<String>,
    /// What the image is for, if names depend on it; several are separated by commas.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// A secret, for addresses and repositories that want one: `id=ID[,src=FILE|,env=VARIABLE]` (repeatable).
    #[arg(long = "secret", value_name = "SPEC")]
    pub secrets: Vec<String>,
    /// An agent for repositories that are reached by ssh, as a build has it (repeatable).
    #[arg(long, value_name = "ID[=PATH…]")]
    pub ssh: Vec<String>,
    #[command(flatten)]
    pub go: Go,
}

/// Flags of `docker buildx build` that tare takes only with values that ask for nothing.
#[derive(Args)]
#[command(next_help_heading = "Taken for compatibility")]
pub struct Foreign {
    /// Only `false`: attestations are not supported yet.
    #[arg(long, value_name = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub provenance: Option<String>,
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

/// What is noted of what steps read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TraceMode {
    /// Nothing: a step is reused if all that is below it is as it was.
    Off,
    /// Everything.
    Strict,
    /// Everything but what known programs look at without its making a difference.
    Tools,
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

/// `tare sbom`
#[derive(Args)]
pub struct Sbom {
    /// A stored image.
    pub image: String,
    /// Which kind of document.
    #[arg(long, value_enum, default_value = "spdx")]
    pub format: SbomFormat,
    /// The file [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A kind of document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SbomFormat {
    /// SPDX 2.3.
    Spdx,
    /// CycloneDX.
    Cyclonedx,
}
