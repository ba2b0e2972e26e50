//! A repository and a ref to the files of a commit.
//!
//! As BuildKit has it: of two refs of one name the branch is meant; files are those of root, with the time of the
//! checkout, executable or not and otherwise 0644; submodules come along; `.git` only if it is asked for, and then
//! without a login. Not as BuildKit: `.git` of a submodule goes unless that is kept, and a kept index has no times.
//! `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER`, with `.host` behind them if there is more than one, are secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dockerfile::address::{Git as Address, redacted};
use plan::{Key, Part};
use store::{Commit, LayerId};

use super::Elsewhere;
use super::command::{self, Git, Ran};
use super::repository::Repository;
use super::web::{short, text};
use crate::error::{Error, Result, doing};
use crate::event::Task;
use crate::locked::moved;

impl Elsewhere<'_> {
    /// The files of a repository: of the locked commit, unless the address names one itself.
    ///
    /// # Errors
    /// If they can't be had, or aren't what they must be.
    pub fn repository(&self, wanted: &Address, locked: Option<&str>) -> Result<LayerId> {
        let name = address(wanted);
        let locked = locked.filter(|_| wanted.commit().is_none() && wanted.checksum.is_none());
        let _lock = self.store.lock(&format!("url-{}", short(&name)))?;
        let commit = match locked {
            Some(locked) => self.known_locked(wanted, &name, locked),
            None => self.known_commit(wanted, &name)?,
        };
        if let Some(layer) = commit.as_ref().and_then(|commit| self.known(&key(wanted, commit))) {
            return Ok(layer);
        }
        self.must_work()?;
        let task = self.voice.task(format!("fetch {}", shown(wanted)));
        let result = self.with_git(wanted, |git| {
            let commit = match (commit, locked) {
                (Some(commit), _) => commit,
                (None, Some(locked)) => self.ask_locked(wanted, &name, locked, git)?,
                (None, None) => self.ask_commit(wanted, &name, git)?,
            };
            self.clone(wanted, &commit, git, &task)
        });
        task.close(&result);
        result
    }

    /// What the ref is today.
    ///
    /// # Errors
    /// If the repository can't be asked, or hasn't got it.
    pub fn commit(&self, wanted: &Address) -> Result<String> {
        let name = address(wanted);
        self.must_work()?;
        let task = self.voice.task(format!("resolve {}", shown(wanted)));
        // What it has to be is what is asked for.
        let free = Address { checksum: None, ..wanted.clone() };
        let result = self.with_git(wanted, |git| self.ask_commit(&free, &name, git));
        task.close(&result);
        result.map(|found| found.commit)
    }

    /// What the ref was when it was last asked for.
    pub fn last_commit(&self, wanted: &Address) -> Option<String> {
        self.store.commit(&address(wanted)).map(|commit| commit.commit)
    }

    /// The locked commit, unless it is to be compared first, or `.git` is to say which ref led to it.
    fn known_locked(&self, wanted: &Address, name: &str, locked: &str) -> Option<Commit> {
        if self.looks_for_drift(name) {
            return None;
        }
        let known = self.store.commit(name).filter(|known| known.commit == locked);
        known.or_else(|| (!keeps_git_dir(wanted)).then(|| given(wanted, locked)))
    }

    fn ask_locked(&self, wanted: &Address, name: &str, locked: &str, git: &Git) -> Result<Commit> {
        let today = self.ask_commit(wanted, name, git)?;
        if today.commit == locked {
            return Ok(today);
        }
        if self.settings.pull {
            moved(self.settings, self.voice, &plan::lock::git_name(wanted), &today.commit, locked)?;
        }
        Ok(given(wanted, locked))
    }

    /// What the ref is known to be without asking.
    fn known_commit(&self, wanted: &Address, name: &str) -> Result<Option<Commit>> {
        if let Some(commit) = wanted.commit() {
            let commit = given(wanted, commit);
            return check(wanted, &commit).map(|()| Some(commit));
        }
        let known = self.store.commit(name);
        // Where the address says which commit must come, another one needs no asking.
        Ok(match wanted.checksum {
            Some(_) => known.filter(|commit| check(wanted, commit).is_ok()),
            None => known.filter(|_| self.may_remember(name)),
        })
    }

    /// Does something with a git that knows the address and who asks.
    fn with_git<T>(&self, wanted: &Address, work: impl FnOnce(&Git) -> Result<T>) -> Result<T> {
        self.as_git(wanted, work).map_err(|e| explain(wanted, e))
    }

    fn as_git<T>(&self, wanted: &Address, work: impl FnOnce(&Git) -> Result<T>) -> Result<T> {
        let home = self.store.scratch("git-home")?;
        std::fs::create_dir(&home).map_err(doing("make a folder for git"))?;
        let agent = self.settings.agents.get("default").filter(|_| wanted.is_ssh());
        let lent = agent.map(|agent| agent.lend(self.store)).transpose()?;
        let git = Git {
            program: command::program()?,
            home: &home,
            config: self.git_config(wanted)?,
            agent: lent.as_ref().map(|lent| lent.address.as_path()),
            stop: &self.settings.cancel,
        };
        work(&git)
    }

    fn clone(&self, wanted: &Address, commit: &Commit, git: &Git, task: &Task) -> Result<LayerId> {
        let key = key(wanted, commit);
        if let Some(layer) = self.known(&key) {
            return Ok(layer);
        }
        let repository = Repository::open(self.store, git, wanted, commit)?;
        repository.fetch()?;
        task.print(format!("{} {}\n", commit.reference, commit.commit).trim_start().as_bytes());
        let (folder, entries) = repository.check_out()?;
        self.keep(&key, entries, &folder)
    }

    fn ask_commit(&self, wanted: &Address, name: &str, git: &Git) -> Result<Commit> {
        let reference = wanted.reference.as_deref().unwrap_or("HEAD");
        let peeled = format!("{reference}^{{}}");
        let listed = git.run(git.home, &["ls-remote", "--", "source", reference, &peeled])?.ok()?;
        let found = choose(&listed, reference);
        let found =
            found.ok_or_else(|| Error::Other(format!("repository does not contain ref `{reference}`")))?;
        let commit = Commit { remote: redacted(&wanted.url()), at: crate::clock::now(), ..found };
        check(wanted, &commit)?;
        self.store.put_commit(name, &commit)?;
        self.has_asked(name);
        Ok(commit)
    }

    /// The address and credentials, which reach git through its environment.
    fn git_config(&self, wanted: &Address) -> Result<Vec<(String, String)>> {
        let url = wanted.url();
        let mut config = Vec::new();
        if let Some(header) = self.git_header(&wanted.host())?.filter(|_| url.starts_with("http")) {
            let key = format!("http.{}.extraheader", scope(&url));
            config.push((key, format!("Authorization: {header}")));
        }
        config.push(("remote.source.url".to_owned(), url));
        Ok(config)
    }

    fn git_header(&self, host: &str) -> Result<Option<String>> {
        for suffix in [format!(".{host}"), String::new()] {
            if let Some(header) = self.settings.secret(&format!("GIT_AUTH_HEADER{suffix}"))? {
                return Ok(Some(text(&header)));
            }
            if let Some(token) = self.settings.secret(&format!("GIT_AUTH_TOKEN{suffix}"))? {
                let login = format!("x-access-token:{}", text(&token));
                return Ok(Some(format!("basic {}", STANDARD.encode(login))));
            }
        }
        Ok(None)
    }
}

/// Where a header for `url` goes too: submodules of one forge are mostly of one owner. BuildKit's rule.
fn scope(url: &str) -> String {
    let forges = ["https://github.com/", "https://www.github.com/"];
    let forge = forges.iter().find(|forge| url.starts_with(**forge)).map(|forge| forge.to_string());
    forge.unwrap_or_else(|| redacted_scope(url))
}

/// git compares addresses without logins.
fn redacted_scope(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    format!("{scheme}://{}/{path}", authority.rsplit('@').next().unwrap_or_default())
}

/// Under what the store remembers a ref.
fn address(wanted: &Address) -> String {
    format!("{}\n{}", wanted.url(), wanted.reference.as_deref().unwrap_or("HEAD"))
}

/// A commit that nobody was asked for.
fn given(wanted: &Address, commit: &str) -> Commit {
    let (object, commit) = (commit.to_owned(), commit.to_owned());
    Commit { remote: redacted(&wanted.url()), reference: String::new(), object, commit, at: 0 }
}

fn shown(wanted: &Address) -> String {
    let reference = wanted.reference.as_deref().unwrap_or_default();
    let folder = wanted.folder().map(|folder| format!(":{folder}")).unwrap_or_default();
    let behind = format!("{reference}{folder}");
    let hash = if behind.is_empty() { "" } else { "#" };
    format!("{}{hash}{behind}", redacted(&wanted.remote))
}

/// What decides the files. Where `.git` is kept, what stands in it too.
fn key(wanted: &Address, commit: &Commit) -> Key {
    let mut parts = vec![
        Part::plain("kind", "git"),
        Part::plain("commit", commit.commit.clone()),
        Part::plain("folder", wanted.folder().unwrap_or_default()),
        Part::plain(
            "flags",
            format!("submodules={} commit-time={}", !wanted.skip_submodules, wanted.commit_time),
        ),
    ];
    if keeps_git_dir(wanted) {
        parts.push(Part::plain("remote", redacted(&wanted.url())));
        parts.push(Part::plain("object", commit.object.clone()));
        parts.push(Part::plain("ref", commit.reference.clone()));
    }
    Key::of(parts)
}

/// Of a folder within a repository there is none to keep.
pub(super) fn keeps_git_dir(wanted: &Address) -> bool {
    wanted.keep_git_dir == Some(true) && wanted.folder().is_none()
}

fn check(wanted: &Address, commit: &Commit) -> Result<()> {
    let Some(checksum) = &wanted.checksum else { return Ok(()) };
    match commit.commit.starts_with(checksum) || commit.object.starts_with(checksum) {
        true => Ok(()),
        false => Err(Error::Other(format!("expected checksum to match {checksum}, got {}", commit.commit))),
    }
}

/// The ref that is meant, of those that a server lists.
fn choose(listed: &str, reference: &str) -> Option<Commit> {
    let lines: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    let object = |name: &str| {
        let found = lines.iter().find(|(_, known)| *known == name).map(|(object, _)| *object)?;
        let is_hex = matches!(found.len(), 40 | 64) && found.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| found.to_owned())
    };
    let bare = |prefix: &str| format!("{prefix}{}", reference.strip_prefix(prefix).unwrap_or(reference));
    let names = [reference.to_owned(), bare("refs/"), bare("refs/heads/"), bare("refs/tags/")];
    let name = names
        .into_iter()
        .find(|name| (name == "HEAD" || name.starts_with("refs/")) && object(name).is_some())?;
    let found = object(&name)?;
    let commit = object(&format!("{name}^{{}}")).unwrap_or_else(|| found.clone());
    let reference = if name == "HEAD" { String::new() } else { name };
    Some(Commit { remote: String::new(), reference, object: found, commit, at: 0 })
}

fn explain(wanted: &Address, e: Error) -> Error {
    let Error::Other(message) = e else { return e };
    let help = if wanted.is_ssh() && message.contains("Permission denied") {
        "\nhint: give it an agent that has the key, with --ssh default, or the key, with --ssh default=KEYFILE"
    } else if message.contains("could not read Username") || message.contains("Authentication failed") {
        "\nhint: give it a token with --secret id=GIT_AUTH_TOKEN,env=VARIABLE"
    } else {
        ""
    };
    Error::Other(format!("fetch `{}`: {message}{help}", shown(wanted)))
}

/// Whether git failed for a reason that another way of asking can mend.
pub(super) fn may_mend(ran: &Ran) -> bool {
    ran.complains(&[
        "shallow",
        "depth",
        "unadvertised object",
        "not our ref",
        "no such remote ref",
        "find remote ref",
        "does not support",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_choice(listed: &str, reference: &str, expected: Option<(&str, char, char)>) {
        let listed: String = listed
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(digit, name)| format!("{}\t{name}\n", digit.repeat(40)))
            .collect();
        let found = choose(&listed, reference);
        let first = |text: &str| text.chars().next().unwrap();
        let found = found.as_ref().map(|c| (c.reference.as_str(), first(&c.object), first(&c.commit)));
        assert_eq!(found, expected, "{reference}");
    }

    #[test]
    fn of_a_branch_and_a_tag_the_branch_is_meant() {
        let listed =
            "1 HEAD\n1 refs/heads/m\n2 refs/heads/v1\n3 refs/tags/v1\n4 refs/tags/v1^{}\n5 refs/pull/7/head";
        check_choice(listed, "HEAD", Some(("", '1', '1')));
        check_choice(listed, "v1", Some(("refs/heads/v1", '2', '2')));
        check_choice(listed, "refs/tags/v1", Some(("refs/tags/v1", '3', '4')));
        check_choice(listed, "tags/v1", Some(("refs/tags/v1", '3', '4')));
        check_choice(listed, "pull/7/head", Some(("refs/pull/7/head", '5', '5')));
        check_choice(listed, "nosuch", None);
        // A server may list what it likes.
        check_choice("1 refs/heads/x/m", "m", None);
        assert!(choose("zz\trefs/heads/m\n--x\trefs/heads/m\n", "m").is_none());
    }

    #[test]
    fn headers_go_to_their_repository_or_forge() {
        assert_eq!(scope("https://github.com/a/b.git"), "https://github.com/");
        assert_eq!(scope("https://me:pw@h.test:8/a/b.git"), "https://h.test:8/a/b.git");
    }
}
