//! Where a folder's repository is: `.git`, a worktree's own folder, the one that worktrees share.

use std::path::{Path, PathBuf};

use super::config::Config;

/// A repository, seen from a folder in it.
pub struct Place {
    /// The folder that is built.
    pub folder: PathBuf,
    /// That folder below the top of the work tree, `""` for the top.
    pub below: String,
    /// HEAD and the index.
    pub own: PathBuf,
    /// Objects, references and settings.
    pub common: PathBuf,
    /// The settings.
    pub config: Config,
}

impl Place {
    /// The web address of the remote `origin`.
    pub fn source(&self) -> Option<String> {
        web(self.config.get("remote", Some("origin"), "url")?)
    }
}

/// The nearest repository around a folder.
pub fn find(folder: &Path) -> Option<Place> {
    let folder = folder.canonicalize().ok()?;
    for top in folder.ancestors() {
        if let Some(own) = git_folder(&top.join(".git")) {
            let below = folder.strip_prefix(top).ok()?.to_str()?.to_owned();
            let common = common(&own);
            let config = Config::parse(&std::fs::read_to_string(common.join("config")).unwrap_or_default());
            return Some(Place { folder, below, own, common, config });
        }
    }
    None
}

/// `.git` itself, or where a file in its place points to, as worktrees and submodules have it.
fn git_folder(path: &Path) -> Option<PathBuf> {
    let own = match std::fs::read_to_string(path) {
        Ok(text) => path.parent()?.join(text.lines().next()?.strip_prefix("gitdir:")?.trim()),
        Err(_) => path.to_owned(),
    };
    own.join("HEAD").is_file().then_some(own)
}

fn common(own: &Path) -> PathBuf {
    match std::fs::read_to_string(own.join("commondir")) {
        Ok(text) => own.join(text.trim()),
        Err(_) => own.to_owned(),
    }
}

/// `git@host:a/b.git` and `ssh://user@host:22/a/b` to `https://host/a/b`. Nothing for a path of this machine.
fn web(url: &str) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => ("http", rest),
        Some(("https", rest)) => ("https", rest),
        Some(("ssh" | "git" | "git+ssh" | "ssh+git", rest)) => ("https", rest),
        Some(_) => return None,
        None => return scp(url),
    };
    let rest = rest.split(['?', '#']).next()?;
    let (host, path) = rest.split_once('/')?;
    let host = host.rsplit('@').next()?;
    // A port of ssh's says nothing about where the pages are.
    let host = if url.starts_with("http") { host } else { host.split(':').next()? };
    address(scheme, host, path)
}

/// ssh's own form; a slash before the colon makes it a path.
fn scp(url: &str) -> Option<String> {
    let (host, path) = url.split_once(':').filter(|(host, _)| !host.contains('/'))?;
    address("https", host.rsplit('@').next()?, path.trim_start_matches('/'))
}

fn address(scheme: &str, host: &str, path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("https://example.com/a/b.git", Some("https://example.com/a/b")),
            ("https://user:secret@example.com/a/b", Some("https://example.com/a/b")),
            ("https://oauth2:to@ken@example.com:8443/a/b/", Some("https://example.com:8443/a/b")),
            ("https://example.com/a/b.git?token=secret", Some("https://example.com/a/b")),
            ("http://example.com/a", Some("http://example.com/a")),
            ("git@example.com:a/b.git", Some("https://example.com/a/b")),
            ("example.com:/a/b", Some("https://example.com/a/b")),
            ("ssh://git@example.com:2222/a/b.git", Some("https://example.com/a/b")),
            ("git://example.com/a.git", Some("https://example.com/a")),
            ("/home/me/a.git", None),
            ("../a:b", None),
            ("file:///a", None),
            ("", None),
        ] {
            assert_eq!(web(url).as_deref(), expected, "{url}");
        }
    }
}
