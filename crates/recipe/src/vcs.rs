//! The commit that a folder is at, as labels of its image.
//!
//! | label | from |
//! |---|---|
//! | `org.opencontainers.image.source` | the remote `origin`, as a web address, without credentials |
//! | `….revision` | the commit; with `-dirty` behind it if tracked files of the folder differ |
//! | `….version` | the highest semantic version among the tags of that commit; only if no files differ |
//! | `….created` | the committer's time, in UTC |
//!
//! Reads `.git` by itself: the git program is no part of a build, and the libraries for it cost over a hundred
//! crates and a sixth of the binary for these four lines. Only reads data, so that no repository can make it run anything.
//! A folder that no repository tracks has no labels, and what can't be read costs labels, never the build.
//! Like `git describe --dirty`, untracked files don't count; filters (line endings, LFS) aren't applied when
//! content has to be compared.

mod place;
mod config;
mod object;
mod pack;
mod refs;
mod index;
mod status;
mod version;

use std::collections::BTreeMap;
use std::path::Path;

use object::{Id, Objects};
use place::Place;
use status::Status;

/// Why something of a repository could not be read.
type Read<T> = Result<T, String>;

const PREFIX: &str = "org.opencontainers.image";

/// The labels; what could not be found out is noted.
pub fn labels(folder: &Path, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let Some(place) = place::find(folder) else { return BTreeMap::new() };
    let found = read(&place, notes);
    found.unwrap_or_else(|why| {
        notes.push(format!("no labels from the commit: {why}"));
        BTreeMap::new()
    })
}

fn read(place: &Place, notes: &mut Vec<String>) -> Read<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let mut label = |name: &str, value: String| out.insert(format!("{PREFIX}.{name}"), value);
    let mut objects = Objects::open(place)?;
    let Some(head) = refs::head(place)? else { return Ok(out) };
    let commit = objects.commit(head)?;
    // A repository further up that doesn't know the folder, such as one of somebody's whole home, isn't its own.
    let Some(tree) = objects.tree_at(commit.tree, &place.below)? else { return Ok(out) };
    let status = status::of(place, &mut objects, tree).unwrap_or_else(Status::Unknown);
    label("revision", format!("{head}{}", if status == Status::Changed { "-dirty" } else { "" }));
    label("created", oci::time::rfc3339(commit.time, 0));
    if let Some(source) = place.source() {
        label("source", source);
    }
    if status == Status::Same
        && let Some(tag) = version::highest(&tags(place, &mut objects, head)?, &place.below)
    {
        label("version", tag);
    }
    if let Status::Unknown(why) = status {
        notes
            .push(format!("the label `revision` may be wrong: can't tell whether files were changed: {why}"));
    }
    Ok(out)
}

/// The names of the tags on a commit.
fn tags(place: &Place, objects: &mut Objects, head: Id) -> Read<Vec<String>> {
    let mut names = Vec::new();
    for tag in refs::tags(place)?.into_iter().filter(|tag| version::is_candidate(&tag.name, &place.below)) {
        let target = match tag.peeled {
            Some(target) => Some(target),
            None => objects.peel(tag.id)?,
        };
        if target == Some(head) {
            names.push(tag.name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
