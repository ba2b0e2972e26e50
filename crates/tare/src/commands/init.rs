//! `tare init`: the recipe's Dockerfile into the project, for whoever wants to go on from there.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::cli::Init;
use crate::failure::{Failure, Outcome, doing};

/// Writes what isn't there.
pub fn run(args: &Init) -> Outcome {
    let folder = &args.folder;
    if let Some(path) = super::source::found_dockerfile(folder) {
        return Err(Failure::Usage(format!("`{}` is there already, and is left as it is", path.display())));
    }
    let recipe = super::recipe::read(&args.go, folder, None)?;
    put(&folder.join("Dockerfile"), &recipe.dockerfile)?;
    match folder.join(".dockerignore") {
        ignore if ignore.exists() => eprintln!("note: `{}` is left as it is", ignore.display()),
        ignore => put(&ignore, &recipe.ignore)?,
    }
    recipe.notes.iter().for_each(|note| eprintln!("note: {note}"));
    Ok(0)
}

/// A new file, and none in the place of another that came in between.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let say = || doing(format!("write `{}`", path.display()));
    let mut file = File::options().write(true).create_new(true).open(path).map_err(say())?;
    file.write_all(text.as_bytes()).map_err(say())?;
    println!("wrote {}", path.display());
    Ok(())
}
