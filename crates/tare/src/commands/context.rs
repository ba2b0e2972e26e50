//! `tare context`: what a build would see of a folder, which pattern hides a path, what an address means.

mod ls;
mod patterns;
mod url;

use std::path::Path;

use dockerfile::Patterns;
use serde::Serialize;

use super::images::table::print;
use crate::cli::Context;
use crate::failure::{Failure, Outcome, doing};

/// Does what was asked for.
pub fn run(command: &Context) -> Outcome {
    match command {
        Context::Ls(args) => ls::run(args),
        Context::CheckIgnore(args) => patterns::run(args),
        Context::ParseUrl { json, url } => url::run(*json, url),
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&(serde_json::to_string(value).expect("lists are plain data") + "\n"))
}

fn ignore_file(path: &Path) -> Result<Patterns, Failure> {
    let text = std::fs::read(path).map_err(doing(format!("read `{}`", path.display())))?;
    parse(&path.display().to_string(), &text)
}

fn parse(name: &str, text: &[u8]) -> Result<Patterns, Failure> {
    Patterns::parse(text).map_err(|d| Failure::Usage(format!("{name}:{}: {}", d.line, d.message)))
}
