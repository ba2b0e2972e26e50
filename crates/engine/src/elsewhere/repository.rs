//! The objects of one remote repository, kept from build to build, and how a commit gets among them.
//!
//! A bare repository without config of ours or theirs. Whatever is there whole has a ref `refs/tare/OBJECT`; all
//! else may be the rest of a fetch that was cut short.

use std::path::{Path, PathBuf};

use dockerfile::address::Git as Address;
use store::lock::Lock;
use store::{Commit, Store};

use super::command::Git;
use super::git::may_mend;
use crate::error::{Error, Result};

/// A repository, ours alone while this lives.
pub(super) struct Repository<'a> {
    pub store: &'a Store,
    pub git: &'a Git<'a>,
    pub wanted: &'a Address,
    pub commit: &'a Commit,
    /// The bare repository.
    pub path: PathBuf,
    _lock: Lock,
}

impl<'a> Repository<'a> {
    /// Opens it, making it if there is none.
    ///
    /// # Errors
    /// If git can't.
    pub fn open(
        store: &'a Store,
        git: &'a Git<'a>,
        wanted: &'a Address,
        commit: &'a Commit,
    ) -> Result<Repository<'a>> {
        let (path, lock) = store.repository(&wanted.url());
        let _lock = store.lock(&lock)?;
        if !path.join("HEAD").exists() {
            let fresh = store.scratch("repository")?;
            let format = format!("--object-format={}", object_format(commit));
            let folder = fresh.parent().unwrap_or(&fresh);
            let args = ["init", "--quiet", "--bare", "--template=", &format, "--", &as_text(&fresh)?];
            git.run_here(folder, &args)?.ok()?;
            store.place(&fresh, &path)?;
        }
        Ok(Repository { store, git, wanted, commit, path, _lock })
    }

    /// The name under which the object is kept.
    pub fn own_ref(&self) -> String {
        format!("refs/tare/{}", self.commit.object)
    }

    /// Makes sure that the object is here, with the files of its commit.
    ///
    /// # Errors
    /// If the remote hasn't got it.
    pub fn fetch(&self) -> Result<()> {
        if self.bare(&["rev-parse", "--verify", "--quiet", &self.own_ref()])?.is_ok() {
            return Ok(());
        }
        remove_locks(&self.path);
        let shallow: &[&str] = &["--depth=1"];
        let (object, name) = (self.commit.object.clone(), self.commit.reference.clone());
        let named = if name.is_empty() { "HEAD".to_owned() } else { name };
        // Servers differ in what they give out: one commit, only what a ref points to, or nothing but all of it.
        let ways = [(shallow, object), (shallow, named.clone()), (&[], named)];
        let mut failed = None;
        for (flags, source) in &ways {
            let ran = self.fetch_refs(flags, &[&format!("+{source}:refs/tare/try")])?;
            if ran.is_ok() && self.adopt()? {
                return Ok(());
            }
            if !ran.is_ok() && !may_mend(&ran) {
                return ran.ok().map(drop);
            }
            failed = failed.or(Some(ran));
        }
        let all = self.fetch_refs(
            self.deepen(),
            &["+refs/heads/*:refs/tare/heads/*", "+refs/tags/*:refs/tare/tags/*"],
        )?;
        all.ok()?;
        match self.adopt()? {
            true => Ok(()),
            false => Err(Error::Other(format!("repository does not contain commit {}", self.commit.object))),
        }
    }

    fn fetch_refs(&self, flags: &[&str], refs: &[&str]) -> Result<super::command::Ran> {
        let start = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--update-head-ok"];
        let args: Vec<&str> = [&start[..], flags, &["--", "source"], refs].concat();
        self.bare(&args)
    }

    fn deepen(&self) -> &'static [&'static str] {
        if self.path.join("shallow").exists() { &["--unshallow"] } else { &[] }
    }

    /// Whether the last fetch brought the object; if so it gets its name.
    fn adopt(&self) -> Result<bool> {
        let commit = format!("{}^{{commit}}", self.commit.object);
        if !self.bare(&["cat-file", "-e", &commit])?.is_ok() {
            return Ok(false);
        }
        self.bare(&["update-ref", &self.own_ref(), &self.commit.object])?.ok()?;
        Ok(true)
    }

    pub(super) fn bare(&self, args: &[&str]) -> Result<super::command::Ran> {
        self.git.run_bare(&self.path, args)
    }
}

/// Removes the locks of one that was killed; nobody else is here.
fn remove_locks(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && entry.file_name() != "objects" => remove_locks(&path),
            Ok(_) if path.extension().is_some_and(|end| end == "lock") => drop(std::fs::remove_file(path)),
            _ => {}
        }
    }
}

pub(super) fn object_format(commit: &Commit) -> &'static str {
    if commit.object.len() == 64 { "sha256" } else { "sha1" }
}

/// A path as an argument.
///
/// # Errors
/// If it isn't text.
pub(super) fn as_text(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| text.starts_with('/'));
    text.map(str::to_owned).ok_or_else(|| Error::Other(format!("git can't be told `{}`", path.display())))
}
