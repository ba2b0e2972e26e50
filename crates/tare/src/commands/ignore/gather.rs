//! A folder to what is to be known of it: what a build sees, what the project is, which other Dockerfiles it has.

use std::collections::BTreeMap;
use std::path::Path;

use advice::{Entry, Listing, Project, TEXTS};
use dockerfile::Patterns;
use plan::{Options, Plan};
use tree::Root;
use tree::found::{Found, Shape};

use super::build::planned;
use crate::failure::{Failure, doing};

/// A longer manifest is nobody's.
const LONGEST: u64 = 1 << 20;

/// What a build sees of a folder.
///
/// # Errors
/// If it can't be walked.
pub fn listing(folder: &Path, patterns: &Patterns) -> Result<Listing, Failure> {
    let what = || doing(format!("read context `{}`", folder.display()));
    let root = Root::open(folder).map_err(what())?;
    let found = tree::scan(&root, b"", patterns).map_err(what())?;
    Ok(Listing { entries: found.iter().map(entry).collect() })
}

fn entry(found: &Found) -> Entry {
    let size = match &found.shape {
        Shape::File(file) => file.ident().map_or(0, |ident| ident.size),
        _ => 0,
    };
    Entry { path: String::from_utf8_lossy(&found.path).into_owned(), size, is_dir: found.is_dir() }
}

/// What the project is.
///
/// # Errors
/// If a Go source can't be read.
pub fn project(folder: &Path, plans: &[Plan]) -> Result<Project, Failure> {
    let entries = std::fs::read_dir(folder).map_err(doing(format!("list `{}`", folder.display())))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let texts: BTreeMap<String, String> =
        TEXTS.iter().filter_map(|name| Some((name.to_string(), text(&folder.join(name))?))).collect();
    let embedded = ::recipe::is_go_project(folder).then(|| ::recipe::embedded(folder)).transpose();
    let embedded = embedded.map_err(crate::commands::recipe::problem)?;
    Ok(Project { names, texts, embedded, script: Project::script(plans) })
}

fn text(path: &Path) -> Option<String> {
    let is_short = std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= LONGEST);
    is_short
        .then(|| std::fs::read(path).ok())
        .flatten()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Other Dockerfiles that go by the same ignore file.
#[derive(Default)]
pub struct Others {
    /// Whether there are any.
    pub is_any: bool,
    /// What they copy.
    pub plans: Vec<Plan>,
    /// What to tell.
    pub notes: Vec<String>,
}

/// Looks for other Dockerfiles at the top of a folder.
pub fn others(folder: &Path, file: &Path, ignore: &Path) -> Others {
    let mut specific = file.file_name().unwrap_or_default().to_owned();
    specific.push(".dockerignore");
    if ignore.file_name() == Some(&specific) {
        return Others::default();
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let own = file.canonicalize().ok();
    let is_other = |path: &Path| path.is_file() && path.canonicalize().ok() != own;
    names.retain(|name| is_dockerfile(name) && is_other(&folder.join(name)));
    // One with an ignore file of its own doesn't go by this one.
    names.retain(|name| !folder.join(format!("{name}.dockerignore")).exists());
    names.sort();
    let mut out = Others { is_any: !names.is_empty(), ..Others::default() };
    for name in &names {
        out.plans.extend(plans(&folder.join(name)).unwrap_or_default());
    }
    if out.is_any {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let (goes, its) = if names.len() == 1 { ("goes", "its") } else { ("go", "their") };
        out.notes.push(format!(
            "{} {goes} by the same ignore file: what {its} steps read is not looked into, so nothing is left out only \
             because no step here reads it",
            names.join(", ")
        ));
    }
    out
}

fn is_dockerfile(name: &str) -> bool {
    let is_one = |stem: &str| {
        name == stem || name.starts_with(&format!("{stem}.")) || name.ends_with(&format!(".{stem}"))
    };
    !name.ends_with(".dockerignore") && (is_one("Dockerfile") || is_one("Containerfile"))
}

fn plans(path: &Path) -> Option<Vec<Plan>> {
    let (dockerfile, problems) = dockerfile::parse(&std::fs::read(path).ok()?);
    problems.is_empty().then(|| planned(&dockerfile, &mut Options::here()).ok())?
}
