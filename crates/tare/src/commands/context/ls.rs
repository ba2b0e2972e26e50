//! `tare context ls`: what `COPY . .` would take, by path.
//!
//! Directories are told of only where nothing below them is: else their files say so.

use std::path::Path;

use dockerfile::Patterns;
use serde::Serialize;
use tree::found::{Found, Shape};
use tree::{Root, Source};

use crate::cli::ContextLs;
use crate::commands::images::table::print;
use crate::commands::source;
use crate::failure::{Failure, Outcome, doing};
use crate::units;

/// A line of the list. Fields are only ever added.
#[derive(Serialize, Debug, PartialEq, Eq)]
struct Listed {
    /// Relative, with `/`; a directory's ends in one.
    path: String,
    /// Of a file its bytes, of a link its target's name; else 0.
    size: u64,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Lists.
pub fn run(args: &ContextLs) -> Outcome {
    let patterns = match &args.ignorefile {
        Some(path) => super::ignore_file(path)?,
        None => found_patterns(&args.folder, args.file.as_deref())?,
    };
    let listed = list(&scan(&args.folder, &patterns)?);
    if args.json {
        super::print_json(&listed)?;
        return Ok(0);
    }
    print(&listed.iter().map(|one| format!("{} {}\n", one.size, one.path)).collect::<String>())?;
    eprintln!("{}", total(&listed));
    Ok(0)
}

fn found_patterns(folder: &Path, dockerfile: Option<&Path>) -> Result<Patterns, Failure> {
    match source::ignore_file(folder, dockerfile) {
        Some((name, text)) => super::parse(&name, &text),
        None => Ok(Patterns::default()),
    }
}

fn scan(folder: &Path, patterns: &Patterns) -> Result<Vec<Found>, Failure> {
    let what = || doing(format!("read context `{}`", folder.display()));
    let root = Root::open(folder).map_err(what())?;
    let mut found = tree::scan(&root, b"", patterns).map_err(what())?;
    found.retain(|one| *one.path != *plan::lock::NAME.as_bytes());
    Ok(found)
}

fn list(found: &[Found]) -> Vec<Listed> {
    let follows = found.iter().skip(1).map(Some).chain([None]);
    let kept = found.iter().zip(follows).filter(|(one, next)| !one.is_dir() || !holds(one, *next));
    let mut kept: Vec<&Found> = kept.map(|(one, _)| one).collect();
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    kept.into_iter().map(listed).collect()
}

/// In canonical order all that is below a directory comes right behind it.
fn holds(dir: &Found, next: Option<&Found>) -> bool {
    next.and_then(|next| next.path.strip_prefix(&dir.path[..])).is_some_and(|rest| rest.starts_with(b"/"))
}

fn listed(found: &Found) -> Listed {
    let path = String::from_utf8_lossy(&found.path).into_owned();
    let (kind, size) = match &found.shape {
        Shape::Dir => return Listed { path: path + "/", size: 0, kind: "dir" },
        Shape::File(file) => {
            ("file", file.ident().map_or_else(|| in_memory(&file.source), |ident| ident.size))
        }
        Shape::Symlink { target } => ("symlink", target.len() as u64),
        Shape::Fifo => ("fifo", 0),
        Shape::Char { .. } => ("char", 0),
        Shape::Block { .. } => ("block", 0),
    };
    Listed { path, size, kind }
}

fn in_memory(source: &Source) -> u64 {
    match source {
        Source::Bytes(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

fn total(listed: &[Listed]) -> String {
    let bytes = listed.iter().map(|one| one.size).sum();
    let plural = if listed.len() == 1 { "y" } else { "ies" };
    format!("{} in {} entr{plural}", units::bytes(bytes), listed.len())
}

#[cfg(test)]
mod tests {
    use tree::Meta;

    use super::*;

    fn found(path: &str, shape: Option<Shape>) -> Found {
        let file = Found::bytes(path.into(), Meta::default(), b"abc"[..].into());
        Found { shape: shape.unwrap_or(file.shape), path: file.path, meta: file.meta }
    }

    #[test]
    fn only_empty_directories_are_listed_and_bytes_sort() {
        let link = Shape::Symlink { target: b"full".to_vec() };
        let all = [
            found("full", Some(Shape::Dir)),
            found("full/b", None),
            found("full-of", Some(Shape::Dir)),
            found("full.txt", Some(link)),
        ];
        let listed = list(&all);
        let shown: Vec<_> = listed.iter().map(|one| (one.path.as_str(), one.size, one.kind)).collect();
        let expected = [("full-of/", 0, "dir"), ("full.txt", 4, "symlink"), ("full/b", 3, "file")];
        assert_eq!(shown, expected);
        assert!(total(&listed).ends_with(" in 3 entries"));
    }
}
