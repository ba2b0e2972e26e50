//! Times by which go can tell files apart, for a step that compiles to a cache which nobody asked for.
//!
//! go keeps what the files of a folder import under their names, sizes and times, and believes what it kept. Other
//! bytes of the same size and time (a checkout, an unpacked archive) then can't be compiled, where without the cache
//! they could. So what such a step is served has times that tell of the content, in the same second; and where some of
//! it can't be served, go is told to keep no such index, which costs it a tenth of a second.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use dockerfile::mount::MountType;
use store::layers::Maker;
use trace::Tree;
use tree::Time;

use crate::build::Session;
use crate::error::{Result, doing};
use crate::sight::Sight;

/// What go is told in a variable that may say other things.
const VARIABLE: &str = "GODEBUG";
const NO_INDEX: &str = "goindex=0";

impl Session<'_> {
    /// Whether all that may be a step's sources is served to it.
    pub fn serves_sources(&self, run: &plan::Run, sight: &Sight) -> bool {
        let copied = |id| self.store.layer_meta(id).is_some_and(|meta| meta.maker == Maker::Copy);
        let mounted = |i| sight.gaps.contains_key(&Sight::mount_name(i));
        let binds = run.mounts.iter().enumerate().filter(|(_, (mount, _))| mount.kind == MountType::Bind);
        !sight.natives.iter().any(copied) && binds.into_iter().all(|(i, _)| mounted(i))
    }
}

/// Tells go to keep no index of files.
pub fn without_index(env: &mut Vec<(OsString, OsString)>) {
    match env.iter_mut().find(|(name, _)| name == VARIABLE) {
        Some((_, value)) if value.is_empty() => *value = NO_INDEX.into(),
        Some((_, value)) => value.push(format!(",{NO_INDEX}")),
        None => env.push((VARIABLE.into(), NO_INDEX.into())),
    }
}

/// Gives what a step changed of served files without giving it a time, or only wanted to change, its own time again.
///
/// # Errors
/// If what it changed can't be read.
pub fn give_back(upper: &Path, sight: &Sight) -> Result<()> {
    let trees: Vec<Arc<Tree>> = sight.gaps.values().map(|gap| gap.tree().clone()).collect();
    folder(upper, b"", &trees).map_err(doing("read a step's changes"))
}

fn folder(upper: &Path, path: &[u8], trees: &[Arc<Tree>]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(upper.join(OsStr::from_bytes(path)))? {
        let entry = entry?;
        let path = tree::found::join(path, entry.file_name().as_bytes());
        let kind = entry.file_type()?;
        if kind.is_dir() && trees.iter().any(|tree| tree.is_dir(&path)) {
            folder(upper, &path, trees)?;
        } else if kind.is_file() {
            file(&entry, &path, trees)?;
        }
    }
    Ok(())
}

fn file(entry: &std::fs::DirEntry, path: &[u8], trees: &[Arc<Tree>]) -> std::io::Result<()> {
    let meta = entry.metadata()?;
    let served = Time { sec: meta.mtime(), nsec: meta.mtime_nsec() as u32 };
    let own = trees.iter().filter_map(|tree| tree.times(path)).find(|[_, shown]| *shown == served);
    own.map_or(Ok(()), |[own, _]| crate::times::set(&entry.path(), own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_copied_up_has_its_own_time_again() {
        let dir = std::env::temp_dir().join(format!("tare-go-times-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("a")).expect("a folder");
        let own = Time { sec: 1_000, nsec: 5 };
        let put = |path: &[u8], kind| {
            let meta = tree::Meta { mtime: own, mode: 0o644, ..tree::Meta::default() };
            tree::Change::Put(tree::Entry { path: path.into(), meta, kind })
        };
        let content = tree::Content([7; 32]);
        let file = || tree::Kind::File { size: 0, content, source: tree::Source::Bytes(Vec::new().into()) };
        let changes = vec![put(b"a", tree::Kind::Dir), put(b"a/kept", file()), put(b"a/touched", file())];
        let trees = [Arc::new(Tree::new(&[changes]))];
        let [_, shown] = trees[0].times(b"a/kept").expect("a file");
        let touched = Time { sec: 2_000, nsec: 0 };
        for (name, time) in [("a/kept", shown), ("a/touched", touched), ("new", shown)] {
            std::fs::write(dir.join(name), "").expect("a file");
            crate::times::set(&dir.join(name), time).expect("a time");
        }
        folder(&dir, b"", &trees).expect("times");
        let time =
            |name| std::fs::metadata(dir.join(name)).map(|meta| (meta.mtime(), meta.mtime_nsec() as u32));
        let of = |time: Time| (time.sec, time.nsec);
        let times = ["a/kept", "a/touched", "new"].map(|name| time(name).expect("a file"));
        assert_eq!(times, [of(own), of(touched), of(shown)]);
        std::fs::remove_dir_all(&dir).expect("removed");
    }

    #[test]
    fn go_is_told_besides_what_it_is_told() {
        let told = |before: Option<&str>| {
            let mut env: Vec<(OsString, OsString)> =
                before.map(|value| (VARIABLE.into(), value.into())).into_iter().collect();
            without_index(&mut env);
            env[0].1.clone()
        };
        assert_eq!(told(None), "goindex=0");
        assert_eq!(told(Some("")), "goindex=0");
        assert_eq!(told(Some("madvdontneed=1")), "madvdontneed=1,goindex=0");
    }
}
