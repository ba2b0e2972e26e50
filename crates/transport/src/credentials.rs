//! Who we are at a registry: Docker's and containers' files and helpers to a user and a password.
//!
//! Looked for in this order, the first hit counts:
//! 1. `REGISTRY_AUTH_FILE`, as it was named on purpose
//! 2. Docker's `config.json` in `DOCKER_CONFIG` or `~/.docker`, where `login` writes
//! 3. `XDG_RUNTIME_DIR/containers/auth.json`
//! 4. `~/.config/containers/auth.json`
//!
//! Within a file: `credHelpers` for the host, then `credsStore`, then `auths`; there the longest key of
//! `host/path`, `host` wins, as in containers-auth.json(5).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::helper::{self, Answer};

/// Docker Hub's name in credential files, older than any convention.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a registry lets us in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// A user's name and password.
    Basic(String, Secret),
    /// A refresh token for the token server.
    Identity(Secret),
    /// A bearer token for the registry itself.
    Bearer(Secret),
}

impl Credentials {
    /// The value of an `Authorization` header with user and password.
    pub(crate) fn basic(user: &str, password: &Secret) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.0)))
    }
}

/// The outcome of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What to log in with; nothing for anonymous access.
    pub credentials: Option<Credentials>,
    /// Why some place gave nothing though it should have; worth showing only if anonymous access fails.
    pub notes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// Looks for credentials for a repository. Never fails: at worst access is anonymous, with a note.
pub fn find(env: &Env, host: &str, repository: &str) -> Found {
    let mut found = Found::default();
    for path in files(env) {
        let file: File = match read(&path) {
            Ok(file) => file,
            Err(error) => {
                found.notes.push(error.message);
                continue;
            }
        };
        found.credentials = in_file(env, &file, host, repository, &mut found.notes);
        if found.credentials.is_some() {
            break;
        }
    }
    found
}

fn files(env: &Env) -> Vec<PathBuf> {
    let runtime = env.path("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json"));
    let own = env.home(".config/containers/auth.json");
    [env.path("REGISTRY_AUTH_FILE"), docker_config(env), runtime, own].into_iter().flatten().collect()
}

/// Docker's `config.json`, whether it exists or not; `None` without a home.
pub fn docker_config(env: &Env) -> Option<PathBuf> {
    env.path("DOCKER_CONFIG").or_else(|| env.home(".docker")).map(|dir| dir.join("config.json"))
}

/// A file of JSON; as if it were empty if it isn't there.
pub(crate) fn read<T: Default + for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    match std::fs::read(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(e) => Err(Error::io(format_args!("read `{}`", path.display()), &e)),
    }
}

fn parse<T: for<'a> Deserialize<'a>>(path: &Path, bytes: &[u8]) -> Result<T> {
    // serde's message may quote the file, and the file is full of secrets: only the place is told.
    serde_json::from_slice(bytes).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        Error::new(Kind::Config, format!("read `{}`: not valid at {place}", path.display()))
    })
}

fn in_file(
    env: &Env,
    file: &File,
    host: &str,
    repository: &str,
    notes: &mut Vec<String>,
) -> Option<Credentials> {
    if let Some(name) = helper_of(file, host) {
        match helper::get(env, name, &key_of(host)) {
            Ok(Some(Answer { username, secret })) if username == "<token>" => {
                return Some(Credentials::Identity(secret));
            }
            Ok(Some(Answer { username, secret })) => return Some(Credentials::Basic(username, secret)),
            Ok(None) => {}
            Err(error) => notes.push(error.message),
        }
    }
    let keyed = |wanted: &str| {
        file.auths.iter().flatten().find(|(key, _)| normal(key) == wanted).and_then(|(_, e)| e.as_ref())
    };
    scopes(host, repository).iter().find_map(|key| keyed(key).and_then(credentials))
}

fn helper_of<'a>(file: &'a File, host: &str) -> Option<&'a str> {
    let own = file.cred_helpers.iter().flatten().find(|(key, _)| normal(key) == host).map(|(_, name)| name);
    own.or(file.creds_store.as_ref()).map(String::as_str).filter(|name| !name.is_empty())
}

/// `host/a/b`, `host/a`, `host`.
fn scopes(host: &str, repository: &str) -> Vec<String> {
    let mut path = format!("{host}/{repository}");
    let mut all = Vec::new();
    loop {
        all.push(path.clone());
        match path.rfind('/') {
            Some(at) => path.truncate(at),
            None => return all,
        }
    }
}

/// A key of the file as `host` or `host/path`; a URL, as Docker once wrote them, is only its host.
fn normal(key: &str) -> String {
    let url = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let name = url.map_or(key, |rest| rest.split('/').next().unwrap_or_default()).trim_end_matches('/');
    match name.split_once('/').map_or((name, ""), |(host, rest)| (host, rest)) {
        ("index.docker.io" | "registry-1.docker.io" | "docker.io", "" | "v1" | "v2") => {
            "docker.io".to_owned()
        }
        _ => name.to_owned(),
    }
}

fn credentials(entry: &Entry) -> Option<Credentials> {
    let set = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    if let Some(token) = set(&entry.identitytoken) {
        return Some(Credentials::Identity(Secret(token)));
    }
    if let Some(token) = set(&entry.registrytoken) {
        return Some(Credentials::Bearer(Secret(token)));
    }
    if let Some(pair) = set(&entry.auth).and_then(|text| STANDARD.decode(text.trim()).ok()) {
        let pair = String::from_utf8(pair).ok()?;
        let (user, password) = pair.split_once(':')?;
        return Some(Credentials::Basic(user.to_owned(), Secret(password.trim_end_matches('\0').to_owned())));
    }
    Some(Credentials::Basic(set(&entry.username)?, Secret(set(&entry.password)?)))
}

fn key_of(host: &str) -> String {
    if host == oci::reference::DEFAULT_HOST { HUB_KEY.to_owned() } else { host.to_owned() }
}

/// Keeps credentials: in the helper that Docker's config names for the host, else in the config itself.
/// Returns where they are now.
///
/// # Errors
/// If the helper refuses or the file can't be written; then it is as it was.
pub fn store(env: &Env, host: &str, user: &str, password: &Secret) -> Result<String> {
    let (path, mut tree, file) = docker_file(env)?;
    let key = key_of(host);
    let mut entry = Map::new();
    let place = match helper_of(&file, host) {
        Some(name) => {
            helper::store(env, name, &key, user, password)?;
            format!("credential helper `{name}`")
        }
        None => {
            let pair = STANDARD.encode(format!("{user}:{}", password.0));
            entry.insert("auth".to_owned(), Value::String(pair));
            format!("`{}`", path.display())
        }
    };
    let auths = object(&mut tree, &path)?.entry("auths").or_insert_with(|| json!({}));
    forget(auths, host);
    object(auths, &path)?.insert(key, Value::Object(entry));
    write(&path, &tree)?;
    Ok(place)
}

/// Forgets credentials; tells whether there were any.
///
/// # Errors
/// If the helper refuses or the file can't be written.
pub fn erase(env: &Env, host: &str) -> Result<bool> {
    let (path, mut tree, file) = docker_file(env)?;
    let in_helper = match helper_of(&file, host) {
        Some(name) => helper::erase(env, name, &key_of(host))?,
        None => false,
    };
    let in_file = tree.get_mut("auths").is_some_and(|auths| forget(auths, host));
    if in_file {
        write(&path, &tree)?;
    }
    Ok(in_helper || in_file)
}

fn docker_file(env: &Env) -> Result<(PathBuf, Value, File)> {
    let none = || Error::new(Kind::Config, "neither DOCKER_CONFIG nor HOME is set");
    let path = docker_config(env).ok_or_else(none)?;
    // Dotfiles are often links into a repository: what they lead to is replaced, not the link.
    let path = std::fs::canonicalize(&path).unwrap_or(path);
    match std::fs::read(&path) {
        Ok(bytes) => Ok((path.clone(), parse(&path, &bytes)?, parse(&path, &bytes)?)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((path, json!({}), File::default())),
        Err(e) => Err(Error::io(format_args!("read `{}`", path.display()), &e)),
    }
}

fn object<'a>(value: &'a mut Value, path: &Path) -> Result<&'a mut Map<String, Value>> {
    let bad = || Error::new(Kind::Config, format!("read `{}`: not what Docker writes", path.display()));
    value.as_object_mut().ok_or_else(bad)
}

fn forget(auths: &mut Value, host: &str) -> bool {
    let Some(auths) = auths.as_object_mut() else { return false };
    let before = auths.len();
    auths.retain(|key, _| normal(key) != host);
    auths.len() != before
}

/// Writes beside and renames, so that a reader sees the old or the new file, and nobody else sees any.
fn write(path: &Path, tree: &Value) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |e: &std::io::Error| Error::io(format_args!("write `{}`", path.display()), e);
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(|e| failed(&e))?;
    let beside = dir.join(format!(".config.json.{}", std::process::id()));
    let _ = std::fs::remove_file(&beside);
    let text = serde_json::to_string_pretty(tree).expect("a JSON tree is plain data");
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
    let done = written.and_then(|()| std::fs::rename(&beside, path));
    done.map_err(|e| {
        let _ = std::fs::remove_file(&beside);
        failed(&e)
    })
}

#[cfg(test)]
mod tests;
