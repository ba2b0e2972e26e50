//! The definition of the command line to the pages in docs/cli: `tare __docs DIR` writes them.
//!
//! The pages are committed, so that they can be read where the repository is; a check keeps them fresh.

use crate::place::{self, Profile, Scratch};
use crate::{Result, shell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let tare = place::tare(Profile::Dev)?;
    match args {
        [] => write(&tare),
        [flag] if flag == "--check" => check(&tare),
        _ => Err(format!("`docs` takes `--check` or nothing: `{}`", args.join(" "))),
    }
}

fn pages() -> PathBuf {
    place::root().join("docs/cli")
}

fn write(tare: &Path) -> Result<()> {
    let (old, new) = (read_pages(&pages())?, generate(tare)?);
    shell::mkdir(&pages())?;
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        std::fs::remove_file(pages().join(name)).map_err(|e| format!("remove `{name}`: {e}"))?;
    }
    for (name, text) in &new {
        shell::write(&pages().join(name), text)?;
    }
    println!("{} pages in docs/cli", new.len());
    Ok(())
}

/// Fails with the names of the pages that `cargo xtask docs` would change.
pub fn check(tare: &Path) -> Result<()> {
    let (old, new) = (read_pages(&pages())?, generate(tare)?);
    let names = old.keys().chain(new.keys());
    let mut stale: Vec<&str> = names.filter(|n| old.get(*n) != new.get(*n)).map(String::as_str).collect();
    stale.sort_unstable();
    stale.dedup();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("docs/cli is stale, run `cargo xtask docs`: {}", stale.join(" ")))
}

fn generate(tare: &Path) -> Result<BTreeMap<String, String>> {
    let scratch = Scratch::new_beside("docs")?;
    shell::capture(Command::new(tare).arg("__docs").arg(scratch.path()))?;
    let pages = read_pages(scratch.path())?;
    if pages.is_empty() { Err("`tare __docs` wrote no page".into()) } else { Ok(pages) }
}

fn read_pages(dir: &Path) -> Result<BTreeMap<String, String>> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(BTreeMap::new()) };
    let files = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md"));
    files
        .map(|path| {
            let name = path.file_name().expect("a file of a folder").to_string_lossy().into_owned();
            Ok((name, shell::read(&path)?))
        })
        .collect()
}
