//! The flags of the commands that tell of builds which are over.

use clap::Args;

/// `tare why`
#[derive(Args)]
pub struct Why {
    /// The step: a number, `STAGE/NUMBER`, a line as `:12`, or a part of the instruction [default: all].
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    /// The context that was built: a folder, or the address.
    #[arg(default_value = ".")]
    pub context: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Another build than the last one: its id or the beginning of it, or its number in `tare history`.
    #[arg(long, value_name = "BUILD")]
    pub build: Option<String>,
}

/// `tare history`
#[derive(Args)]
pub struct History {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `tare diff`
#[derive(Args)]
pub struct Diff {
    /// The earlier build: its id or the beginning of it, or its number in `tare history`.
    #[arg(value_name = "BUILD")]
    pub from: String,
    /// The later build.
    #[arg(value_name = "BUILD")]
    pub to: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}
