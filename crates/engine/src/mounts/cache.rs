//! `RUN --mount=type=cache`: which folder of the store is meant, what is in it at first, and what of it is mounted.
//!
//! | in the folder's name | why |
//! |---|---|
//! | id, or target | it is the cache's name |
//! | owner and mode, of an empty one | it is made with them; BuildKit's caches of two owners are two as well |
//! | the layers of `from`, and the path in it | another base is another cache; a base that comes back has its own back |
//!
//! One with `from` starts as a copy of that path, and lies in its folder as `source`. One without starts empty, and its
//! `source` is a path in the cache itself, which another mount has to have made. BuildKit keeps all of a base and
//! mounts one path of it, so two paths of one base, one within the other, are two caches here and one there.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use dockerfile::mount::{Mount, MountType, Sharing};
use plan::From;
use sandbox::MountKind;
use store::lock::Lock;
use tree::{Change, Entry, Found, View};

use super::SOURCE;
use crate::build::Session;
use crate::error::{Error, Result, doing};

/// Where BuildKit makes a cache's folder if it is to have an owner or mode: in the base, and of that nothing else is
/// mounted then.
const OWNED: &str = "cache";

/// A cache mount, found out.
struct Cache<'a> {
    id: &'a str,
    owner: (u32, u32),
    mode: u32,
    /// The folder's name.
    name: String,
    first: First,
}

/// What of a cache is mounted, and what that is at first.
enum First {
    /// All of it, and it is empty.
    Empty,
    /// A path that is there already.
    Within(String),
    /// A copy of a path of the base.
    Copy(String),
    /// The same, or an empty folder if the base hasn't got it.
    CopyIfThere(String),
}

impl First {
    fn of(mount: &Mount) -> First {
        let path = mount.source.as_deref().unwrap_or_default();
        let path = clean(path);
        let owned = mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some();
        match (mount.from.is_some(), path.is_empty()) {
            (false, true) => First::Empty,
            (false, false) => First::Within(path),
            (true, true) if owned => First::CopyIfThere(OWNED.to_owned()),
            (true, _) => First::Copy(path),
        }
    }

    fn base_path(&self) -> Option<&str> {
        match self {
            First::Copy(path) | First::CopyIfThere(path) => Some(path),
            First::Empty | First::Within(_) => None,
        }
    }
}

impl Session<'_> {
    pub(super) fn cache_mount(&self, mount: &Mount, from: &From, locks: &mut Vec<Lock>) -> Result<MountKind> {
        let cache = self.cache(mount, from)?;
        if mount.sharing.is_some_and(|s| s != Sharing::Shared) {
            locks.push(self.store.lock(&format!("mount-{}", &cache.name[..16]))?);
        }
        let root = self.store.cache_path(&cache.name);
        if let Some(path) = cache.first.base_path() {
            self.copy_base(&cache, from, path, &root)?;
            return Ok(MountKind::Bind {
                source: root.join(SOURCE),
                readonly: mount.readonly,
                recursive: false,
            });
        }
        make_cache(&root, cache.mode, cache.owner)
            .map_err(doing(format_args!("make the cache `{}`", cache.id)))?;
        match cache.first {
            First::Within(ref path) => {
                cache.expect(&root, path)?;
                Ok(MountKind::Within { root, path: path.into(), readonly: mount.readonly })
            }
            _ => Ok(MountKind::Bind { source: root, readonly: mount.readonly, recursive: false }),
        }
    }

    /// The caches that a step has mounted, as they are now.
    ///
    /// # Errors
    /// If a base can't be read.
    pub fn caches(&self, run: &plan::Run) -> Result<Vec<store::CacheId>> {
        let mut living = Vec::new();
        for (mount, from) in run.mounts.iter().filter(|(mount, _)| mount.kind == MountType::Cache) {
            let name = self.cache(mount, from)?.name;
            living.extend(self.store.cache_life(&name).map(|life| store::CacheId { name, life }));
        }
        Ok(living)
    }

    fn cache<'a>(&self, mount: &'a Mount, from: &From) -> Result<Cache<'a>> {
        let id = mount.id.as_deref().or(mount.target.as_deref()).unwrap_or_default();
        let first = First::of(mount);
        // What is there already has its owner and mode.
        let (owner, mode) = match first {
            First::Empty | First::CopyIfThere(_) => {
                ((mount.uid.unwrap_or(0), mount.gid.unwrap_or(0)), mount.mode.unwrap_or(0o755))
            }
            First::Within(_) | First::Copy(_) => ((0, 0), 0o755),
        };
        let base = match first.base_path() {
            Some(path) => Some(format!("{}\n{path}", self.base_id(mount, from)?)),
            None => None,
        };
        let name = name_of(id, owner, mode, base.as_deref());
        Ok(Cache { id, owner, mode, name, first })
    }

    /// The base by its content.
    fn base_id(&self, mount: &Mount, from: &From) -> Result<String> {
        match from {
            From::Step(id) => {
                let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                let held = stack.iter().filter(|id| !self.is_empty(id));
                Ok(held.map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            From::Context | From::Named(_) => {
                let path = mount.source.as_deref().unwrap_or("/");
                Ok(oci::digest::hex(&tree::id(&self.context_changes(path, from)?)))
            }
        }
    }

    /// Makes the folder, unless it is there.
    fn copy_base(&self, cache: &Cache, from: &From, path: &str, root: &Path) -> Result<()> {
        let _lock = self.store.lock(&format!("base-{}", &cache.name[..16]))?;
        if root.is_dir() {
            return Ok(());
        }
        let changes = match from {
            From::Step(id) => {
                let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                base_changes(&self.view(&stack)?, path)
                    .map_err(doing(format_args!("read the base of the cache `{}`", cache.id)))?
            }
            // All of it was read just now, for the name: what can fail is the path.
            From::Context | From::Named(_) => match (self.context_changes(path, from), &cache.first) {
                (Err(_), First::CopyIfThere(_)) => None,
                (changes, _) => Some(changes?),
            },
        };
        let say = || doing(format!("fill the cache `{}`", cache.id));
        let scratch = self.store.scratch("cache")?;
        match (changes, &cache.first) {
            (Some(changes), _) => drop(layer::materialise(&changes, &scratch).map_err(say())?),
            (None, First::CopyIfThere(_)) => {
                make_cache(&scratch.join(SOURCE), cache.mode, cache.owner).map_err(say())?;
            }
            (None, _) => return Err(Error::Other(format!("mount source \"/{path}\": not found"))),
        }
        Ok(self.store.place(&scratch, root)?)
    }
}

impl Cache<'_> {
    /// A path of the cache has to be there. Steps have made what is there, so links are those of the cache.
    fn expect(&self, root: &Path, path: &str) -> Result<()> {
        let say = || doing(format!("look into the cache `{}`", self.id));
        let view = View::new(vec![tree::Root::open(root).map_err(say())?]);
        let found = view.resolve(path.as_bytes(), true).and_then(|path| view.lookup(&path));
        match found.map_err(say())? {
            Some(_) => Ok(()),
            None => Err(Error::Other(format!(
                "the cache `{}` has no \"/{path}\": a mount of it without `source` has to make it before",
                self.id
            ))),
        }
    }
}

/// A path of a file system and all below it, with their owners, as `source`; nothing if it isn't there.
fn base_changes(view: &View, path: &str) -> std::io::Result<Option<Vec<Change>>> {
    let path = view.resolve(path.as_bytes(), true)?;
    let Some(node) = view.lookup(&path)? else { return Ok(None) };
    let mut found: Vec<Found> = view.found(&path, &node)?.into_iter().collect();
    if found.iter().any(Found::is_dir) {
        found.extend(view.walk(&path)?);
    }
    for one in &mut found {
        let below = &one.path[path.len()..];
        let slash: &[u8] = if below.is_empty() || below.starts_with(b"/") { b"" } else { b"/" };
        one.path = [SOURCE.as_bytes(), slash, below].concat().into();
    }
    let entries: Vec<Entry> = tree::hash(found, &tree::hash::NoHashes)?;
    Ok(Some(entries.into_iter().map(Change::Put).collect()))
}

/// A path without `.`, `..` and slashes at its ends.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Another owner or mode is another cache, as in BuildKit.
fn name_of(id: &str, owner: (u32, u32), mode: u32, base: Option<&str>) -> String {
    let base = base.map(|base| format!("\n{base}")).unwrap_or_default();
    blake3::hash(format!("{id}\n{owner:?}\n{mode:o}{base}").as_bytes()).to_hex().to_string()
}

/// The store's name of a cache mount with that id, or that target, and no other options.
pub fn cache_name(id: &str) -> String {
    name_of(id, (0, 0), 0o755, None)
}

pub(crate) fn make_cache(path: &Path, mode: u32, (uid, gid): (u32, u32)) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    chown(path, Some(uid), Some(gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        let mount = Mount::parse(value).unwrap();
        let found = match First::of(&mount) {
            First::Empty => "empty".to_owned(),
            First::Within(path) => format!("within {path}"),
            First::Copy(path) => format!("copy {path}"),
            First::CopyIfThere(path) => format!("copy {path} or empty"),
        };
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn what_a_cache_starts_with() {
        check("type=cache,target=/c", "empty");
        check("type=cache,target=/c,source=/,uid=1", "empty");
        check("type=cache,target=/c,source=a/./b/", "within a/b");
        check("type=cache,target=/c,source=../../etc", "within etc");
        check("type=cache,target=/c,from=x", "copy ");
        check("type=cache,target=/c,from=x,source=/a", "copy a");
        check("type=cache,target=/c,from=x,source=/a,mode=0700", "copy a");
        check("type=cache,target=/c,from=x,mode=0700", "copy cache or empty");
    }

    #[test]
    fn a_name_depends_on_all_that_makes_a_cache() {
        let one = name_of("id", (0, 0), 0o755, None);
        assert_eq!(one, cache_name("id"));
        for other in [
            name_of("di", (0, 0), 0o755, None),
            name_of("id", (1, 0), 0o755, None),
            name_of("id", (0, 0), 0o700, None),
            name_of("id", (0, 0), 0o755, Some("")),
            name_of("id", (0, 0), 0o755, Some("layer\na")),
        ] {
            assert_ne!(one, other);
        }
    }
}
