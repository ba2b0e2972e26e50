//! The layers of an image to the files that a process would see, one line each: `0644 0:0 /x "content"`.
//!
//! Written for the tests alone, so that it shares no mistake with what it checks. Names of one file are told from
//! copies of it. The root itself is left out: a layer need not have it.

use crate::Result;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

/// Contents up to this size are shown as they are.
const SHORT: usize = 60;

type Tree = BTreeMap<Vec<u8>, Node>;

/// An object, without its path.
#[derive(Clone)]
struct Node {
    /// `0644 0:0`.
    owner: String,
    what: What,
    /// Names of extended attributes.
    attributes: String,
}

#[derive(Clone)]
enum What {
    Dir,
    /// Its inode's number, and its content for people.
    File(usize, String),
    Symlink(Vec<u8>),
    Other(String),
}

/// The merged tree, sorted by path.
pub fn lines(layers: &[Vec<u8>]) -> Result<Vec<String>> {
    let (mut tree, mut inodes) = (Tree::new(), 0);
    for layer in layers {
        hide(&mut tree, layer).map_err(wrong)?;
        put(&mut tree, layer, &mut inodes)?;
    }
    let mut first: BTreeMap<usize, &[u8]> = BTreeMap::new();
    Ok(tree
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, node)| line(path, node, &mut first))
        .collect())
}

fn wrong(e: std::io::Error) -> String {
    format!("read a layer: {e}")
}

/// Whiteouts count for the layers below only, wherever in the layer they stand.
fn hide(tree: &mut Tree, layer: &[u8]) -> std::io::Result<()> {
    for entry in tar::Archive::new(layer).entries()? {
        let path = clean(&entry?.path_bytes());
        let (dir, name) = split(&path);
        let gone = match name.strip_prefix(b".wh.") {
            Some(b".wh..opq") => dir.to_vec(),
            Some(name) => join(dir, name),
            None => continue,
        };
        remove_below(tree, &gone);
        if name != b".wh..wh..opq" {
            tree.remove(&gone);
        }
    }
    Ok(())
}

fn put(tree: &mut Tree, layer: &[u8], inodes: &mut usize) -> Result<()> {
    for entry in tar::Archive::new(layer).entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = clean(&entry.path_bytes());
        if split(&path).1.starts_with(b".wh.") {
            continue;
        }
        *inodes += 1;
        let node = node(&mut entry, *inodes, tree)?;
        if !matches!(node.what, What::Dir) {
            remove_below(tree, &path);
        }
        tree.insert(path, node);
    }
    Ok(())
}

fn node<R: Read>(entry: &mut tar::Entry<'_, R>, inode: usize, tree: &Tree) -> Result<Node> {
    let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
    let kind = entry.header().entry_type();
    if kind == tar::EntryType::Link {
        let linked = tree.get(&clean(&target)).cloned();
        return linked.ok_or_else(|| format!("a hard link leads to nothing: `{}`", target.escape_ascii()));
    }
    let attributes = attributes(entry).map_err(wrong)?;
    let what = match kind {
        tar::EntryType::Directory => What::Dir,
        tar::EntryType::Symlink => What::Symlink(target),
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(wrong)?;
            What::File(inode, content(&bytes))
        }
        other => What::Other(format!("{other:?}")),
    };
    let header = entry.header();
    let owner = || Ok((header.mode()? & 0o7777, header.uid()?, header.gid()?));
    let (mode, uid, gid) = owner().map_err(wrong)?;
    Ok(Node { owner: format!("{mode:04o} {uid}:{gid}"), what, attributes })
}

fn attributes<R: Read>(entry: &mut tar::Entry<'_, R>) -> std::io::Result<String> {
    let mut names = String::new();
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        let name = extension.key_bytes().strip_prefix(b"SCHILY.xattr.");
        names.extend(name.map(|name| format!(" [{}]", name.escape_ascii())));
    }
    Ok(names)
}

fn content(bytes: &[u8]) -> String {
    if bytes.len() <= SHORT {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    format!("{} bytes {:016x}", bytes.len(), hash.finish())
}

fn line<'a>(path: &'a [u8], node: &Node, first: &mut BTreeMap<usize, &'a [u8]>) -> String {
    let (owner, shown) = (&node.owner, path.escape_ascii());
    let what = match &node.what {
        What::Dir => format!("/{shown}/"),
        What::Symlink(target) => format!("/{shown} -> {}", target.escape_ascii()),
        What::Other(kind) => format!("/{shown} {kind}"),
        What::File(inode, content) => match *first.entry(*inode).or_insert(path) {
            name if name == path => format!("/{shown} {content}"),
            name => format!("/{shown} = /{}", name.escape_ascii()),
        },
    };
    format!("{owner} {what}{}", node.attributes)
}

/// Components without `.` and what is empty.
fn clean(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        path.split(|&b| b == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&b| b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}

fn remove_below(tree: &mut Tree, dir: &[u8]) {
    let below = |path: &[u8]| {
        path.len() > dir.len() && path.starts_with(dir) && (dir.is_empty() || path[dir.len()] == b'/')
    };
    tree.retain(|path, _| !below(path));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tar::EntryType;

    fn layer(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, data) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_uid(1);
            header.set_gid(2);
            let bytes = if *kind == EntryType::Regular { data.as_bytes() } else { b"" };
            header.set_size(bytes.len() as u64);
            if *kind == EntryType::Link {
                header.set_link_name(data).expect("short");
            }
            header.set_path(name).expect("short");
            header.set_cksum();
            builder.append(&header, bytes).expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    #[track_caller]
    fn check(layers: &[&[(&str, EntryType, &str)]], expected: &[&str]) {
        let layers: Vec<Vec<u8>> = layers.iter().map(|entries| layer(entries)).collect();
        assert_eq!(lines(&layers).expect("layers"), expected);
    }

    const FILE: EntryType = EntryType::Regular;
    const DIR: EntryType = EntryType::Directory;

    #[test]
    fn whiteouts_hide_what_is_below_and_nothing_else() {
        let lower: &[_] = &[("d/", DIR, ""), ("d/a", FILE, "a"), ("d/b", FILE, "b"), ("da", FILE, "")];
        check(
            &[lower, &[("d/.wh.a", FILE, "")]],
            &["0644 1:2 /d/", "0644 1:2 /d/b \"b\"", "0644 1:2 /da \"\""],
        );
        let opaque: &[_] = &[("d/c", FILE, "c"), ("d/.wh..wh..opq", FILE, "")];
        check(&[lower, opaque], &["0644 1:2 /d/", "0644 1:2 /d/c \"c\"", "0644 1:2 /da \"\""]);
        check(&[lower, &[("d", FILE, "x")]], &["0644 1:2 /d \"x\"", "0644 1:2 /da \"\""]);
    }

    #[test]
    fn names_of_one_file_are_told_from_copies() {
        let both: &[_] = &[("./b", FILE, "x"), ("a", EntryType::Link, "b"), ("c", FILE, "x")];
        check(&[both], &["0644 1:2 /a \"x\"", "0644 1:2 /b = /a", "0644 1:2 /c \"x\""]);
        assert!(lines(&[layer(&[("a", EntryType::Link, "nothing")])]).is_err());
    }
}
