//! `tare init`: the recipe's Dockerfile into the project, for whoever wants to go on from there. Beside a Dockerfile that
//! is there already it is another file.

mod beside;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::Init;
use crate::failure::{Failure, Outcome, doing};

/// Writes what isn't there.
pub fn run(args: &Init) -> Outcome {
    match existing(args)? {
        Some(path) => beside::run(args, &path),
        None => fresh(args),
    }
}

fn fresh(args: &Init) -> Outcome {
    let folder = &args.folder;
    let recipe = super::recipe::read(&args.go, folder, None)?;
    put(&folder.join("Dockerfile"), &recipe.dockerfile)?;
    match folder.join(".dockerignore") {
        ignore if ignore.exists() => eprintln!("note: `{}` is left as it is", ignore.display()),
        ignore => put(&ignore, &recipe.ignore)?,
    }
    recipe.notes.iter().for_each(|note| eprintln!("note: {note}"));
    Ok(0)
}

/// The Dockerfile that is there.
fn existing(args: &Init) -> Result<Option<PathBuf>, Failure> {
    let Some(file) = &args.file else { return Ok(super::source::found_dockerfile(&args.folder)) };
    let path = super::source::named_dockerfile(file, &args.folder);
    let none = || Failure::Usage(format!("there is no file `{}`", path.display()));
    path.is_file().then(|| Some(path.clone())).ok_or_else(none)
}

/// A new file, and none in the place of another that came in between.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let say = || doing(format!("write `{}`", path.display()));
    let mut file = File::options().write(true).create_new(true).open(path).map_err(say())?;
    file.write_all(text.as_bytes()).map_err(say())?;
    println!("wrote {}", path.display());
    Ok(())
}
