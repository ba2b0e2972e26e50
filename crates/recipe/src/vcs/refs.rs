//! References: HEAD, branches, tags; each a file, or a line of `packed-refs`.

use std::collections::BTreeMap;
use std::path::Path;

use super::Read;
use super::object::Id;
use super::place::Place;

/// A tag.
pub struct Tag {
    /// Without `refs/tags/`.
    pub name: String,
    /// What it names: a commit, or an annotated tag.
    pub id: Id,
    /// What an annotated tag names, if `packed-refs` says so.
    pub peeled: Option<Id>,
}

/// HEAD may name a reference that names a reference; git stops at five.
const DEEPEST: usize = 5;

/// The commit that is checked out; none before the first.
pub fn head(place: &Place) -> Read<Option<Id>> {
    if place.config.get("extensions", None, "refstorage").is_some_and(|storage| storage != "files") {
        return Err("the repository keeps its references in a form that isn't read here".to_owned());
    }
    let mut name = "HEAD".to_owned();
    for _ in 0..DEEPEST {
        let text = match text(&place.own.join(&name)).or_else(|| text(&place.common.join(&name))) {
            Some(text) => text,
            None => return Ok(packed(place).into_iter().find(|tag| tag.name == name).map(|tag| tag.id)),
        };
        match text.strip_prefix("ref:") {
            Some(next) => name = next.trim().to_owned(),
            None => return Id::parse(text.trim()).map(Some).ok_or_else(|| format!("`{name}` is malformed")),
        }
        // A name is a path below the repository's own folder and no other.
        if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
            return Err(format!("`HEAD` names `{name}`"));
        }
    }
    Err("`HEAD` names itself".to_owned())
}

/// All tags, sorted. A file wins over a packed line.
pub fn tags(place: &Place) -> Read<Vec<Tag>> {
    let mut out = BTreeMap::new();
    for tag in packed(place) {
        if let Some(name) = tag.name.strip_prefix("refs/tags/") {
            out.insert(name.to_owned(), (tag.id, tag.peeled));
        }
    }
    loose(&place.common.join("refs/tags"), "", &mut out);
    Ok(out.into_iter().map(|(name, (id, peeled))| Tag { name, id, peeled }).collect())
}

fn loose(folder: &Path, prefix: &str, out: &mut BTreeMap<String, (Id, Option<Id>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            loose(&entry.path(), &format!("{name}/"), out);
        } else if let Some(id) = text(&entry.path()).and_then(|text| Id::parse(text.trim())) {
            out.insert(name, (id, None));
        }
    }
}

/// `ID NAME`, and below an annotated tag `^ID`. If the first line says that all are peeled, one without is a commit.
fn packed(place: &Place) -> Vec<Tag> {
    let text = text(&place.common.join("packed-refs")).unwrap_or_default();
    let fully =
        text.lines().next().is_some_and(|l| l.starts_with('#') && l.split(' ').any(|w| w == "fully-peeled"));
    let mut out: Vec<Tag> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(peeled) = line.strip_prefix('^') {
            out.iter_mut().next_back().into_iter().for_each(|tag| tag.peeled = Id::parse(peeled));
        } else if let Some((id, name)) = line.split_once(' ')
            && let Some(id) = Id::parse(id)
        {
            out.push(Tag { name: name.to_owned(), id, peeled: fully.then_some(id) });
        }
    }
    out
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
