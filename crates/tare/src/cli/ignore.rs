//! `tare ignore`'s flags.

use std::path::PathBuf;

use clap::Args;

/// `tare ignore`
#[derive(Args)]
pub struct Ignore {
    /// The build's context: a folder.
    #[arg(default_value = ".")]
    pub context: String,
    /// The Dockerfile [default: as for a build].
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Value of an ARG that sources of COPY depend on; without `=` that of the environment variable (repeatable).
    #[arg(long = "build-arg", value_name = "K=V")]
    pub build_args: Vec<String>,
    /// Writes the file instead of printing it: the one that the build goes by, else `.dockerignore`.
    #[arg(long)]
    pub write: bool,
}
