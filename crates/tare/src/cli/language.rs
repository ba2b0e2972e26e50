//! The flags of the commands that tell what is understood of a Dockerfile and its context.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `tare lint`
#[derive(Args)]
pub struct Lint {
    /// How to tell.
    #[arg(long, value_enum, default_value = "text")]
    pub format: LintFormat,
    /// As JSON: short for `--format json`.
    #[arg(long)]
    pub json: bool,
    /// Mends what is safe to, in Dockerfiles and ignore files, and prints what was changed and what remains; for
    /// programs, what remains.
    #[arg(long, conflicts_with_all = ["diff", "list_rules", "explain"])]
    pub fix: bool,
    /// Prints what --fix would change instead, and changes nothing.
    #[arg(long, conflicts_with_all = ["list_rules", "explain", "json"])]
    pub diff: bool,
    /// Which rules: those that `docker build --check` has, or all.
    #[arg(long, value_enum, default_value = "all")]
    pub rules: RuleSet,
    /// Lists the rules instead.
    #[arg(long, conflicts_with_all = ["explain", "files", "paths"])]
    pub list_rules: bool,
    /// Prints the page of a rule instead, by its name or one of its others.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["files", "paths"])]
    pub explain: Option<String>,
    /// The stage that counts, with those that it needs [default: all stages].
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Value of an ARG; without `=` that of the environment variable (repeatable).
    #[arg(long = "build-arg", value_name = "K=V")]
    pub build_args: Vec<String>,
    /// What the image is for, as os/architecture[/variant]; several, separated by commas.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// A Dockerfile, as `tare build` takes it: what else is named is the context (repeatable).
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Dockerfiles, folders that have one, or `-` for standard input [default: `.`]. A folder is the context of its
    /// Dockerfile, and one that stands alone behind files is that of them all; else it is the folder that a file is in.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// How findings are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LintFormat {
    /// With the lines that they are about.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, with what mends a finding: for code scanning and editors.
    Sarif,
    /// Annotations of a run of GitHub Actions.
    Github,
}

/// Which rules count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RuleSet {
    /// Those that `docker build --check` has, and as it has them.
    Buildkit,
    /// All.
    All,
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
