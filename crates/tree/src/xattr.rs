//! Extended attributes on disk to those an image has.
//!
//! Kept are `user.*` and `security.capability`, as Docker does; labels, ACLs and `trusted.*` belong to
//! the host. Of `user.overlay.*` and `trusted.overlay.*` all is overlayfs's own, but for what it escaped:
//! an attribute `user.overlay.x` that a process set is stored as `user.overlay.overlay.x`.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use crate::root::{Dir, OnDisk};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Extended attributes by name. Hardly any object has one, so none take next to no room.
#[derive(Clone, Default)]
pub struct Xattrs(Option<Box<Map>>);

static NONE: Map = Map::new();

const PRIVATE: [&[u8]; 2] = [b"user.overlay.", b"trusted.overlay."];

/// The attributes that belong to the image.
pub(crate) fn of_image(raw: OnDisk) -> Xattrs {
    let unescaped = raw.into_iter().filter_map(|(name, value)| Some((unescape(name)?, value)));
    unescaped.filter(|(name, _)| travels(name)).collect()
}

/// Whether overlayfs shows nothing of the layers below in this directory.
pub(crate) fn is_opaque(dir: &Dir, name: &[u8]) -> io::Result<bool> {
    // Which of the two is in use depends on who ran the step: root, or an ordinary user.
    for attribute in [b"user.overlay.opaque".as_slice(), b"trusted.overlay.opaque"] {
        if dir.xattr(name, attribute)?.as_deref() == Some(b"y") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn travels(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"security.capability"
}

fn unescape(name: Vec<u8>) -> Option<Vec<u8>> {
    for prefix in PRIVATE {
        if let Some(rest) = name.strip_prefix(prefix) {
            let nested = rest.strip_prefix(b"overlay.")?;
            return Some([prefix, nested].concat());
        }
    }
    Some(name)
}

impl Deref for Xattrs {
    type Target = Map;

    fn deref(&self) -> &Map {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Xattrs {
    fn deref_mut(&mut self) -> &mut Map {
        self.0.get_or_insert_default()
    }
}

impl From<Map> for Xattrs {
    fn from(map: Map) -> Xattrs {
        Xattrs((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl FromIterator<(Vec<u8>, Vec<u8>)> for Xattrs {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Vec<u8>)>>(all: I) -> Xattrs {
        Map::from_iter(all).into()
    }
}

impl<'a> IntoIterator for &'a Xattrs {
    type Item = (&'a Vec<u8>, &'a Vec<u8>);
    type IntoIter = btree_map::Iter<'a, Vec<u8>, Vec<u8>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Xattrs {
    fn eq(&self, other: &Xattrs) -> bool {
        **self == **other
    }
}

impl Eq for Xattrs {}

impl fmt::Debug for Xattrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(on_disk: &[&str], in_image: &[&str]) {
        let raw = on_disk.iter().map(|name| (name.as_bytes().to_vec(), vec![1])).collect();
        let kept: Vec<_> =
            of_image(raw).keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        assert_eq!(kept, in_image);
    }

    #[test]
    fn user_attributes_and_capabilities_are_kept() {
        check(&["security.capability", "user.a"], &["security.capability", "user.a"]);
    }

    #[test]
    fn the_hosts_labels_are_not() {
        check(&["security.selinux", "system.posix_acl_access", "trusted.x"], &[]);
    }

    #[test]
    fn overlays_own_are_stripped_and_escaped_ones_unescaped() {
        check(
            &["user.overlay.origin", "trusted.overlay.opaque", "user.overlay.overlay.opaque"],
            &["user.overlay.opaque"],
        );
    }
}
