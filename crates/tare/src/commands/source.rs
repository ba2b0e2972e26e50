//! What is built: a context, a Dockerfile in it or elsewhere, or the recipe of a project that has none.

use std::path::{Path, PathBuf};

use engine::settings::{Context, Subject};
use recipe::Recipe;

use super::outside::{self, Input, Outside};
use crate::cli::Build;
use crate::failure::{Failure, doing};

/// What is built.
#[derive(Default)]
pub struct Source {
    /// Where COPY takes files from.
    pub context: Context,
    /// A context that has to be brought first; with it come the Dockerfile and the ignore file.
    pub outside: Option<Outside>,
    /// The Dockerfile's name for people.
    pub name: String,
    /// Its text.
    pub dockerfile: Vec<u8>,
    /// The ignore file's name and text.
    pub ignore: Option<(String, Vec<u8>)>,
    /// Where names are pinned, if the build has a folder.
    pub lock_file: Option<PathBuf>,
    /// Where the Dockerfile comes from if nobody wrote it.
    pub recipe: Option<Recipe>,
    /// What is built, by name.
    pub subject: Subject,
}

/// Finds out what is built.
///
/// # Errors
/// If there is nothing to build, or flags ask for two things at once.
pub fn source(args: &Build) -> Result<Source, Failure> {
    let source = found(args)?;
    let subject = subject(args, &source);
    Ok(Source { subject, ..source })
}

/// What is built, so that the next build of the same is recognised.
fn subject(args: &Build, source: &Source) -> Subject {
    let context = context_name(&args.context);
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let beside = source.lock_file.as_ref().and_then(|lock| lock.parent()).map(whole);
    let dockerfile = match (beside, &args.file) {
        (Some(folder), _) if source.recipe.is_none() && source.name != "-" => folder.join(&source.name),
        (None, Some(file)) => file.clone(),
        (None, None) if source.outside.is_some() => PathBuf::from("Dockerfile"),
        _ => PathBuf::from(&source.name),
    };
    let inside = dockerfile.strip_prefix(&context).unwrap_or(&dockerfile);
    Subject { dockerfile: inside.display().to_string(), context }
}

/// A context's name in records: a folder's whole path, or an address without credentials.
pub fn context_name(context: &str) -> String {
    match Path::new(context).canonicalize() {
        Ok(path) if path.is_dir() => path.display().to_string(),
        // What stands in a query may let somebody in.
        _ => dockerfile::address::redacted(context.split('?').next().unwrap_or_default()),
    }
}

fn found(args: &Build) -> Result<Source, Failure> {
    let from_stdin = args.file.as_deref() == Some(Path::new("-"));
    if args.context == "-" {
        return match outside::read_stdin()? {
            _ if from_stdin => {
                Err(Failure::Usage("context and Dockerfile can't both be standard input".to_owned()))
            }
            Input::Text(_) if args.file.is_some() => {
                Err(Failure::Usage("`-f` and a Dockerfile on standard input exclude each other".to_owned()))
            }
            Input::Text(dockerfile) => Ok(Source { dockerfile, name: "-".to_owned(), ..Source::default() }),
            Input::Archive(place) => elsewhere(outside::on_stdin(args, place)?, None),
        };
    }
    let folder = PathBuf::from(&args.context);
    if !folder.is_dir() {
        if let Some(outside) = outside::at_address(args, from_stdin)? {
            return elsewhere(outside, from_stdin.then(stdin_dockerfile).transpose()?);
        }
        return Err(Failure::Usage(format!("context `{}` is not a folder", folder.display())));
    }
    match dockerfile_path(args, &folder)? {
        Some(path) => written(args, folder, &path),
        None => from_recipe(args, folder),
    }
}

fn written(args: &Build, folder: PathBuf, path: &Path) -> Result<Source, Failure> {
    if let Some(flag) = super::recipe::first_flag(&args.go) {
        return Err(Failure::Usage(format!(
            "`{flag}` is for a project without a Dockerfile, and there is `{}`; give --no-dockerfile to pass it over",
            path.display()
        )));
    }
    let ignore = ignore_file(&folder, args.file.as_deref());
    let beside = path.parent().filter(|_| path != Path::new("-")).unwrap_or(&folder);
    let lock_file = Some(beside.join(plan::lock::NAME));
    let context = Context::Folder(folder);
    if path == Path::new("-") {
        let (name, dockerfile) = ("-".to_owned(), stdin_dockerfile()?);
        return Ok(Source { context, name, dockerfile, ignore, lock_file, ..Source::default() });
    }
    let dockerfile = std::fs::read(path).map_err(doing(format!("read `{}`", path.display())))?;
    let name =
        path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    Ok(Source { context, name, dockerfile, ignore, lock_file, ..Source::default() })
}

/// What has to be brought first; its Dockerfile may have come already.
fn elsewhere(outside: Outside, dockerfile: Option<Vec<u8>>) -> Result<Source, Failure> {
    let (name, dockerfile) = ("-".to_owned(), dockerfile.unwrap_or_default());
    Ok(Source { outside: Some(outside), name, dockerfile, ..Source::default() })
}

/// What the recipe's text is called in messages: it is in no file.
const RECIPE: &str = "(tare's own Dockerfile)";

fn from_recipe(args: &Build, folder: PathBuf) -> Result<Source, Failure> {
    let recipe = super::recipe::of(args, &folder)?;
    let ignore = Some((".dockerignore".to_owned(), recipe.ignore.clone().into_bytes()));
    let (name, dockerfile) = (RECIPE.to_owned(), recipe.dockerfile.clone().into_bytes());
    let lock_file = Some(folder.join(plan::lock::NAME));
    let context = Context::Folder(folder);
    Ok(Source { context, name, dockerfile, ignore, lock_file, recipe: Some(recipe), ..Source::default() })
}

/// The Dockerfile that `-f` names, as with docker: as seen from here, else from the context.
pub fn named_dockerfile(file: &Path, folder: &Path) -> PathBuf {
    let inside = folder.join(file);
    if !file.exists() && inside.exists() { inside } else { file.to_owned() }
}

/// The Dockerfile; none if the project has none and tare knows what it would say.
fn dockerfile_path(args: &Build, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if args.no_dockerfile {
        return Ok(None);
    }
    if let Some(file) = &args.file {
        return Ok(Some(named_dockerfile(file, folder)));
    }
    let found = found_dockerfile(folder);
    match found.is_some() || recipe::is_go_project(folder) {
        true => Ok(found),
        false => Err(Failure::Usage(format!(
            "no Dockerfile and no go.mod in `{}`; name a Dockerfile with -f, or make a Go module with `go mod init`",
            folder.display()
        ))),
    }
}

/// The Dockerfile that a build of the folder takes.
pub fn found_dockerfile(folder: &Path) -> Option<PathBuf> {
    let names = ["Dockerfile", "dockerfile", "Containerfile"].map(|name| folder.join(name));
    names.into_iter().find(|path| path.is_file())
}

fn stdin_dockerfile() -> Result<Vec<u8>, Failure> {
    match outside::read_stdin()? {
        Input::Text(text) => Ok(text),
        Input::Archive(_) => {
            Err(Failure::Usage("standard input is an archive, and no Dockerfile".to_owned()))
        }
    }
}

/// The ignore file's name and text.
pub fn ignore_file(context: &Path, dockerfile: Option<&Path>) -> Option<(String, Vec<u8>)> {
    let (path, text) = found_ignore_file(context, dockerfile)?;
    Some((path.file_name()?.to_string_lossy().into_owned(), text))
}

/// The ignore file and its text. The file beside the Dockerfile goes before the context's own (trap 33).
pub fn found_ignore_file(context: &Path, dockerfile: Option<&Path>) -> Option<(PathBuf, Vec<u8>)> {
    let beside = dockerfile.map(|file| {
        let mut name = file.as_os_str().to_owned();
        name.push(".dockerignore");
        PathBuf::from(name)
    });
    let inside = beside.as_ref().map(|b| context.join(b));
    let default = context.join("Dockerfile.dockerignore");
    let names = [context.join(".dockerignore"), context.join(".containerignore")];
    let mut candidates =
        beside.into_iter().chain(inside).chain(dockerfile.is_none().then_some(default)).chain(names);
    candidates.find_map(|path| std::fs::read(&path).ok().map(|text| (path, text)))
}
