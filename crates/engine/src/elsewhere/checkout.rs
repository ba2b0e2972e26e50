//! A commit of a kept repository to its files.
//!
//! Each checkout is a repository of its own in scratch, so that submodules and their config never get into what is
//! kept. It borrows the kept objects, unless its `.git` is wanted: then it fetches them, by the protocol, as links to
//! other files of this machine must not end up in an image.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dockerfile::Patterns;
use dockerfile::address::redacted;
use tree::{Entry, Kind, Root, Time, View};

use super::git::{keeps_git_dir, may_mend};
use super::repository::{Repository, as_text, object_format};
use crate::error::{Error, Result, doing};

impl Repository<'_> {
    /// The folder and what is in it. Its bytes are the caller's, who moves it away.
    ///
    /// # Errors
    /// If the commit can't be checked out, or there is no such folder in it.
    pub fn check_out(&self) -> Result<(PathBuf, Vec<Entry>)> {
        let work = self.store.scratch("checkout")?;
        let format = format!("--object-format={}", object_format(self.commit));
        let folder = work.parent().unwrap_or(&work);
        self.git
            .run_here(folder, &["init", "--quiet", "--template=", &format, "--", &as_text(&work)?])?
            .ok()?;
        let keep = keeps_git_dir(self.wanted);
        match keep {
            true => self.copy_objects(&work)?,
            false => self.borrow_objects(&work)?,
        }
        let commit = format!("{}^{{commit}}", self.commit.object);
        self.git.run_here(&work, &["checkout", "--quiet", "--force", "--detach", &commit])?.ok()?;
        self.submodules(&work)?;
        match keep {
            true => self.tidy(&work)?,
            false => remove_git(&work, self.wanted.skip_submodules)?,
        }
        let time = self.time()?;
        let folder = self.folder(&work)?;
        let entries = entries(&folder, time).map_err(doing("read the checkout"))?;
        Ok((folder, entries))
    }

    fn borrow_objects(&self, work: &Path) -> Result<()> {
        let info = work.join(".git/objects/info");
        let text = as_text(&self.path.join("objects"))? + "\n";
        let write = || {
            std::fs::create_dir_all(&info)?;
            std::fs::write(info.join("alternates"), text)
        };
        write().map_err(doing("lend objects to a checkout"))
    }

    fn copy_objects(&self, work: &Path) -> Result<()> {
        let from = format!("file://{}", as_text(&self.path)?);
        let name = if self.commit.reference.is_empty() { "" } else { &self.commit.reference };
        let refs = format!("+{}:{name}", self.own_ref());
        let refs = refs.trim_end_matches(':');
        let args = ["fetch", "--quiet", "--no-tags", "--depth=1", "--update-head-ok", "--", &from, refs];
        self.git.run_here(work, &args)?.ok().map(drop)
    }

    /// Their addresses may be relative to the remote's, so that has to be known; in a file, as it may have a login.
    fn submodules(&self, work: &Path) -> Result<()> {
        if self.wanted.skip_submodules || !work.join(".gitmodules").exists() {
            return Ok(());
        }
        let url = self.wanted.url().replace('\\', "\\\\").replace('"', "\\\"");
        append(&work.join(".git/config"), &format!("[remote \"origin\"]\n\turl = \"{url}\"\n"))?;
        let all = ["submodule", "--quiet", "update", "--init", "--recursive"];
        let shallow = self.git.run(work, &[&all[..], &["--depth=1"]].concat())?;
        let ran = if may_mend(&shallow) { self.git.run(work, &all)? } else { shallow };
        ran.ok().map(drop).map_err(|e| Error::Other(format!("update submodules: {e}")))
    }

    /// What is kept shows no login, no clock and nothing of this machine.
    fn tidy(&self, work: &Path) -> Result<()> {
        let dir = work.join(".git");
        let set = |key: &str, value: &str| self.git.run_here(work, &["config", key, value])?.ok().map(drop);
        set("remote.origin.url", &redacted(&self.wanted.url()))?;
        set("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")?;
        store::clean::remove_tree(&dir.join("logs"));
        ["FETCH_HEAD", "ORIG_HEAD", "index"]
            .iter()
            .for_each(|name| drop(std::fs::remove_file(dir.join(name))));
        // An index that was read from a tree has no times and inodes of this disk in it.
        self.git.run_here(work, &["read-tree", "HEAD"])?.ok().map(drop)
    }

    /// The commit's time, if files are to have it.
    fn time(&self) -> Result<Option<Time>> {
        if !self.wanted.commit_time {
            return Ok(None);
        }
        let text = self.bare(&["show", "--no-patch", "--format=%ct", &self.commit.commit])?.ok()?;
        let sec = text.trim().parse().map_err(|_| Error::Other("the commit has no time".to_owned()))?;
        Ok(Some(Time { sec, nsec: 0 }))
    }

    /// The folder that counts; links to it must not leave the checkout.
    fn folder(&self, work: &Path) -> Result<PathBuf> {
        let Some(name) = self.wanted.folder() else { return Ok(work.to_owned()) };
        let none = || Error::Other(format!("there is no folder `{name}` in the repository"));
        let say = || doing(format_args!("read `{name}`").to_string());
        let view = View::new(vec![Root::open(work).map_err(say())?]);
        let path = view.resolve(name.as_bytes(), true).map_err(say())?;
        let is_dir =
            view.lookup(&path).map_err(say())?.is_some_and(|node| node.stat.kind == tree::root::Type::Dir);
        let path = String::from_utf8(path).map_err(|_| none())?;
        if is_dir { Ok(work.join(path)) } else { Err(none()) }
    }
}

fn append(path: &Path, text: &str) -> Result<()> {
    let write = || {
        use std::io::Write;
        std::fs::File::options().append(true).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(doing("write git's config"))
}

/// Of the checkout and, where they were fetched, of its submodules; a file of that name elsewhere can't be in a commit.
fn remove_git(work: &Path, only_own: bool) -> Result<()> {
    store::clean::remove_tree(&work.join(".git"));
    if only_own { Ok(()) } else { remove_links(work).map_err(doing("read the checkout")) }
}

fn remove_links(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name() == ".git" {
            store::clean::remove_tree(&entry.path());
        } else if kind.is_dir() {
            remove_links(&entry.path())?;
        }
    }
    Ok(())
}

/// What is in a checkout, with modes that don't depend on the umask.
fn entries(folder: &Path, time: Option<Time>) -> std::io::Result<Vec<Entry>> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    let root = Root::open(folder)?;
    let mut found = tree::scan(&root, b"", &Patterns::default())?;
    for one in &mut found {
        one.meta.mode = mode(one.meta.mode, one.is_dir());
        one.meta.mtime = time.unwrap_or(one.meta.mtime);
    }
    let entries = tree::hash(found, &tree::hash::NoHashes)?;
    for entry in entries.iter().filter(|entry| matches!(entry.kind, Kind::Dir | Kind::File { .. })) {
        use std::os::unix::ffi::OsStrExt;
        let path = folder.join(std::ffi::OsStr::from_bytes(&entry.path));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(entry.meta.mode))?;
    }
    Ok(entries)
}

/// As under umask 022: what the owner may do but for writing, all may.
fn mode(mode: u32, is_dir: bool) -> u32 {
    let owner = if is_dir { 7 } else { mode >> 6 & 7 };
    owner << 6 | (owner & 5) << 3 | owner & 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_umask_022() {
        for (before, after) in
            [(0o600, 0o644), (0o664, 0o644), (0o700, 0o755), (0o444, 0o444), (0o400, 0o444)]
        {
            assert_eq!(mode(before, false), after, "{before:o}");
        }
        assert_eq!(mode(0o700, true), 0o755);
    }
}
