//! The command line's definition to shell completions, manual pages and the reference in Markdown; the rules'
//! definitions to their pages.

mod page;

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::images::table::print;
use crate::cli::Cli;
use crate::failure::{Failure, Outcome};

/// Prints a completion script.
pub fn completion(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tare", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes the manual pages.
pub fn man(folder: &Path) -> Outcome {
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|e| failed(folder, &e))?;
    Ok(0)
}

/// Writes the reference of the commands.
pub fn commands(folder: &Path) -> Outcome {
    write(folder, page::all(Cli::command()))
}

/// Writes a page a rule, and one that lists them.
pub fn rules(folder: &Path) -> Outcome {
    let pages = lint::ALL.iter().map(|rule| (format!("{}.md", rule.name), lint::page::page(rule)));
    write(folder, pages.chain([("README.md".to_owned(), lint::page::index(lint::ALL))]).collect())
}

fn write(folder: &Path, pages: Vec<(String, String)>) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    for (name, text) in pages {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|e| failed(&path, &e))?;
    }
    Ok(0)
}

fn failed(path: &Path, e: &io::Error) -> Failure {
    Failure::Other(format!("write `{}`: {e}", path.display()))
}
