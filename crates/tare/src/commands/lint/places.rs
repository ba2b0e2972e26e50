//! What is named on the command line to Dockerfiles, each with its context.
//!
//! ```text
//! lint                       ./Dockerfile          context .
//! lint a/Dockerfile b.df     both                  each with its own folder
//! lint a/Dockerfile b.df .   both                  context .
//! lint a b                   a/Dockerfile, b/…     contexts a and b
//! lint -f FILE [FOLDER]      FILE                  context FOLDER, else .
//! ```
//! The last row is `tare build`'s.

use std::path::{Path, PathBuf};

use crate::cli::Lint;
use crate::commands::source;
use crate::failure::Failure;

/// A Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is; `-` is standard input.
    pub file: PathBuf,
    /// What COPY would take files from.
    pub context: PathBuf,
    /// Whether nobody named that: builds may be given another.
    pub is_guessed: bool,
    /// The Dockerfile's name as far as that decides which ignore file counts: a folder's usual one has no say.
    pub named: Option<PathBuf>,
}

impl Place {
    /// Whether it comes on standard input.
    pub fn is_stdin(&self) -> bool {
        is_stdin(&self.file)
    }

    /// As people would write it.
    pub fn name(&self) -> String {
        shown(&self.file)
    }
}

/// A path without the `.` that it may begin with.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// What is named. A folder without a Dockerfile is wrong by itself, the others are looked at all the same.
///
/// # Errors
/// If that can't all be meant at once.
pub fn places(args: &Lint) -> Result<Vec<Result<Place, Failure>>, Failure> {
    let places = match (&args.files[..], &args.paths[..]) {
        ([], []) => vec![usual(Path::new("."))],
        ([], paths) => of_paths(paths),
        (files, paths) => of_files(files, paths)?,
    };
    let count = places.iter().flatten().filter(|place| place.is_stdin()).count();
    match count {
        2.. => Err(Failure::Usage("standard input can be one Dockerfile only".to_owned())),
        1 if args.fix => Err(Failure::Usage(
            "`--fix` has no file to mend: the Dockerfile is standard input; `--diff` prints what it would change"
                .to_owned(),
        )),
        _ => Ok(places),
    }
}

fn of_paths(paths: &[PathBuf]) -> Vec<Result<Place, Failure>> {
    let folders = paths.iter().filter(|path| path.is_dir()).count();
    let (files, context) = match paths.split_last() {
        Some((last, files)) if folders == 1 && !files.is_empty() && last.is_dir() => (files, Some(last)),
        _ => (paths, None),
    };
    let one = |path: &PathBuf| match path.is_dir() {
        true => usual(path),
        false => Ok(match context {
            Some(context) => file(path, context.clone()),
            None => Place { is_guessed: true, ..file(path, beside(path)) },
        }),
    };
    files.iter().map(one).collect()
}

fn of_files(files: &[PathBuf], paths: &[PathBuf]) -> Result<Vec<Result<Place, Failure>>, Failure> {
    let context = match paths {
        [] => PathBuf::from("."),
        [folder] if folder.is_dir() => folder.clone(),
        [other] => return Err(Failure::Usage(format!("context `{}` is not a folder", other.display()))),
        _ => return Err(Failure::Usage("with `-f` all Dockerfiles have one context".to_owned())),
    };
    let one = |path: &PathBuf| {
        let place = file(path, context.clone());
        // As with docker: as seen from here, else from the context.
        let inside = context.join(path);
        let is_inside = !place.is_stdin() && !path.exists() && inside.exists();
        Ok(Place { file: if is_inside { inside } else { path.clone() }, ..place })
    };
    Ok(files.iter().map(one).collect())
}

fn file(path: &Path, context: PathBuf) -> Place {
    Place { file: path.to_owned(), context, is_guessed: false, named: Some(path.to_owned()) }
}

fn usual(folder: &Path) -> Result<Place, Failure> {
    let none = || Failure::Usage(format!("no Dockerfile in `{}`", folder.display()));
    let file = source::found_dockerfile(folder).ok_or_else(none)?;
    Ok(Place { file, context: folder.to_owned(), is_guessed: false, named: None })
}

/// The folder that a file is in.
pub fn beside(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| *folder != Path::new("") && !is_stdin(path));
    folder.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
