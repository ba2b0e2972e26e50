//! The definition of the command line to the pages in docs/cli, and the headers of the rules' files to those in
//! docs/rules: `tare __docs DIR` writes them.
//!
//! The pages are committed, so that they can be read where the repository is; a check keeps them fresh.

use crate::place::{self, Profile, Scratch};
use crate::{Result, shell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of pages, and what `tare __docs` writes them with.
struct Book {
    folder: &'static str,
    flags: &'static [&'static str],
}

const BOOKS: [Book; 2] =
    [Book { folder: "docs/cli", flags: &[] }, Book { folder: "docs/rules", flags: &["--rules"] }];

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let tare = place::tare(Profile::Dev)?;
    match args {
        [] => BOOKS.iter().try_for_each(|book| book.write(&tare)),
        [flag] if flag == "--check" => check(&tare),
        _ => Err(format!("`docs` takes `--check` or nothing: `{}`", args.join(" "))),
    }
}

/// Fails with the names of the pages that `cargo xtask docs` would change.
pub fn check(tare: &Path) -> Result<()> {
    BOOKS.iter().try_for_each(|book| book.check(tare))
}

impl Book {
    fn pages(&self) -> PathBuf {
        place::root().join(self.folder)
    }

    fn write(&self, tare: &Path) -> Result<()> {
        let (old, new) = (read_pages(&self.pages())?, self.generate(tare)?);
        shell::mkdir(&self.pages())?;
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            std::fs::remove_file(self.pages().join(name)).map_err(|e| format!("remove `{name}`: {e}"))?;
        }
        for (name, text) in &new {
            shell::write(&self.pages().join(name), text)?;
        }
        println!("{} pages in {}", new.len(), self.folder);
        Ok(())
    }

    fn check(&self, tare: &Path) -> Result<()> {
        let (old, new) = (read_pages(&self.pages())?, self.generate(tare)?);
        let names = old.keys().chain(new.keys());
        let mut stale: Vec<&str> = names.filter(|n| old.get(*n) != new.get(*n)).map(String::as_str).collect();
        stale.sort_unstable();
        stale.dedup();
        if stale.is_empty() {
            return Ok(());
        }
        Err(format!("{} is stale, run `cargo xtask docs`: {}", self.folder, stale.join(" ")))
    }

    fn generate(&self, tare: &Path) -> Result<BTreeMap<String, String>> {
        let scratch = Scratch::new_beside("docs")?;
        shell::capture(Command::new(tare).arg("__docs").args(self.flags).arg(scratch.path()))?;
        let pages = read_pages(scratch.path())?;
        if pages.is_empty() { Err("`tare __docs` wrote no page".into()) } else { Ok(pages) }
    }
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
