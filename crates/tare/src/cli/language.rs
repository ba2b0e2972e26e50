//! The flags of the commands that tell what is understood of a Dockerfile and its context.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
