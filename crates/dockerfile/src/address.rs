//! Where content comes from: a source of ADD or the name of a context to what it stands for.
//!
//! A git address carries a ref and a folder behind `#`, as `#ref:folder`, or in its query. The two may not
//! contradict each other, and a query may say nothing else: a misspelt key would build the wrong commit.
//! What comes out can be handed to git: nothing in it can be taken for an option, a helper or a second line.
//! See BuildKit's `dfgitutil` for the forms; `tests/cases/add/hostile.md` for what is refused.

mod query;
#[cfg(test)]
mod tests;

use query::Query;

/// What an address stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A path.
    Local,
    /// A file that a web server has.
    Http(String),
    /// A repository.
    Git(Box<Git>),
    /// Standard input, or a scheme that means nothing here.
    Other,
}

/// A place in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// The repository, as written.
    pub remote: String,
    /// A branch, tag or commit; the repository's default branch if there is none.
    pub reference: Option<String>,
    /// The folder that counts, as written; see [`Git::folder`].
    pub subdir: Option<String>,
    /// How the commit has to start, in lower case.
    pub checksum: Option<String>,
    /// Whether `.git` is wanted too.
    pub keep_git_dir: Option<bool>,
    /// Whether submodules are left out.
    pub skip_submodules: bool,
    /// Whether files have the time of the commit.
    pub commit_time: bool,
}

impl Git {
    /// The address for git. `github.com/a/b` is short for one.
    pub fn url(&self) -> String {
        match self.remote.starts_with(GITHUB) {
            true => format!("https://{}", self.remote),
            false => self.remote.clone(),
        }
    }

    /// The folder that counts as a clean path; none if it is the whole repository.
    pub fn folder(&self) -> Option<String> {
        self.subdir.as_deref().and_then(|text| clean_subdir(text).ok().flatten())
    }

    /// The commit, if the address names one in full.
    pub fn commit(&self) -> Option<&str> {
        let is_hex = |name: &&str| name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        self.reference.as_deref().filter(|name| matches!(name.len(), 40 | 64)).filter(is_hex)
    }

    /// Whether it is reached by ssh.
    pub fn is_ssh(&self) -> bool {
        scheme(&self.remote).map_or_else(|| is_scp(&self.remote), |scheme| scheme == "ssh")
    }

    /// `host[:port]` without the user's name.
    pub fn host(&self) -> String {
        let url = self.url();
        match url.split_once("://") {
            Some((_, rest)) => after_login(rest.split('/').next().unwrap_or_default()).to_owned(),
            None => after_login(url.split(':').next().unwrap_or_default()).to_owned(),
        }
    }
}

const GITHUB: &str = "github.com/";

/// What the context of a build stands for.
///
/// # Errors
/// If it is remote and wrong.
pub fn context(text: &str) -> Result<Address, String> {
    match kind(text) {
        Kind::Git => git(text).map(|git| Address::Git(Box::new(git))),
        Kind::Http => http(text),
        Kind::Other => Ok(Address::Other),
        Kind::Local => Ok(Address::Local),
    }
}

/// What a source of ADD stands for: there `github.com/a/b` is a path, and so is whatever has another scheme.
///
/// # Errors
/// As [`context`].
pub fn source(text: &str) -> Result<Address, String> {
    match kind(text) {
        Kind::Git if text.starts_with(GITHUB) => Ok(Address::Local),
        Kind::Other => Ok(Address::Local),
        _ => context(text),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Git,
    Http,
    Local,
    Other,
}

fn kind(url: &str) -> Kind {
    match scheme(url).as_deref() {
        Some("git" | "ssh") => Kind::Git,
        Some("http" | "https") if bare(url).ends_with(".git") => Kind::Git,
        Some("http" | "https") => Kind::Http,
        Some(_) => Kind::Other,
        None if url.starts_with(GITHUB) || is_scp(url) => Kind::Git,
        // Standard input.
        None if url == "-" => Kind::Other,
        None => Kind::Local,
    }
}

fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once("://")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    (!scheme.is_empty() && scheme.chars().all(is_name)).then(|| scheme.to_lowercase())
}

/// `user@host:path`, as ssh's copy writes it.
fn is_scp(url: &str) -> bool {
    let Some((user, rest)) = url.split_once('@') else { return false };
    let Some((host, path)) = rest.split_once(':') else { return false };
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    is_name(user) && is_name(host) && !path.is_empty()
}

fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn http(text: &str) -> Result<Address, String> {
    printable(text)?;
    let host =
        after_login(bare(text).split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default());
    if host.is_empty() || host.starts_with(':') {
        return Err("it has no host".to_owned());
    }
    Ok(Address::Http(text.to_owned()))
}

fn git(url: &str) -> Result<Git, String> {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (remote, query) = url.split_once('?').unwrap_or((url, ""));
    let (reference, subdir) = fragment.split_once(':').unwrap_or((fragment, ""));
    let some = |text: &str| (!text.is_empty()).then(|| query::decoded(text, false));
    let mut git = Git {
        remote: remote.to_owned(),
        reference: some(reference).transpose()?,
        subdir: some(subdir).transpose()?,
        ..Git::default()
    };
    Query::read(query)?.add_to(&mut git)?;
    check_remote(&git)?;
    git.reference.as_deref().map_or(Ok(()), check_reference)?;
    git.checksum = git.checksum.as_deref().map(check_commit).transpose()?;
    git.subdir.as_deref().map_or(Ok(None), clean_subdir)?;
    Ok(git)
}

/// What git or ssh would take for something else than an address.
fn check_remote(git: &Git) -> Result<(), String> {
    printable(&git.remote)?;
    let url = git.url();
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => url.split_once(':').unwrap_or((&url, "")),
    };
    let host = after_login(authority);
    if host.is_empty() || host.starts_with(':') {
        return Err("it has no host".to_owned());
    }
    let is_odd = |part: &str| part.starts_with('-');
    if is_odd(authority) || is_odd(host) || is_odd(path) {
        return Err("a part of it would be taken for an option".to_owned());
    }
    Ok(())
}

fn after_login(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

fn printable(text: &str) -> Result<(), String> {
    match text.chars().any(|c| c.is_control() || c == ' ') {
        true => Err("it has spaces or control characters".to_owned()),
        false => Ok(()),
    }
}

/// What `git check-ref-format` wants, and nothing that a refspec or a pattern gives a meaning to.
fn check_reference(name: &str) -> Result<(), String> {
    let special = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_bad = name.starts_with(['-', '+', '/', '.'])
        || name.ends_with(['/', '.'])
        || name.chars().any(special)
        || ["..", "@{", "//", "/.", ".lock/"].iter().any(|part| name.contains(part))
        || name.ends_with(".lock")
        || name == "@";
    if is_bad { Err(format!("`{}` is not the name of a ref", shown(name))) } else { Ok(()) }
}

fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A commit or the start of one, in lower case.
///
/// # Errors
/// If it is not hexadecimal.
pub fn check_commit(text: &str) -> Result<String, String> {
    let is_hex = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match is_hex {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!("invalid checksum `{}`: expected the hash of a commit", shown(text))),
    }
}

/// The folder's path within the repository; none for the whole of it.
fn clean_subdir(text: &str) -> Result<Option<String>, String> {
    if text.chars().any(char::is_control) {
        return Err("the folder's name has control characters".to_owned());
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    match parts.contains(&"..") {
        true => Err(format!("the folder `{text}` leads out of the repository")),
        false => Ok((!parts.is_empty()).then(|| parts.join("/"))),
    }
}

/// A web address without the user's name and password, for messages.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        // A name alone is no secret, and ssh needs one.
        Some((login, host)) if login.contains(':') || !scheme.eq_ignore_ascii_case("ssh") => {
            format!("{scheme}://xxxxx@{host}{path}")
        }
        _ => url.to_owned(),
    }
}

/// The file's name that a web address ends in, as BuildKit sees it.
pub fn file_name(url: &str) -> String {
    let path =
        bare(url).split_once("://").map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = query::decoded(path, false).unwrap_or_else(|_| path.to_owned());
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match name {
        "" | "." | ".." => "__unnamed__".to_owned(),
        name => name.to_owned(),
    }
}
