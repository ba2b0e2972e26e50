//! Who we are at a proxy: GOAUTH to the headers of a request.
//!
//! Credentials are kept by address: the longest prefix, whole path elements, counts. They go over https
//! alone. Commands run before the first request and, with the server's answer, after a 4xx; git is asked
//! after a 4xx only, as it needs an address. What comes earlier in GOAUTH wins.
//! See `go help goauth`.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::command::{self, Credential};
use crate::error::{Error, Kind, Result, cause};
use crate::netrc;
use crate::settings::Settings;
use crate::url::{Scheme, Url};

/// Names, in small letters, and values.
pub(crate) type Headers = Vec<(String, String)>;

/// GOAUTH, read, and what came of it.
pub(crate) struct Auth {
    methods: Vec<Method>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    is_started: bool,
    credentials: HashMap<String, Headers>,
    troubles: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Method {
    Netrc(Option<PathBuf>),
    Git(PathBuf),
    Command(Vec<String>),
}

/// A 4xx, as commands get to see it.
pub(crate) struct Refusal {
    pub status: String,
    pub headers: Headers,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "HTTP/1.1 {}", self.status)?;
        self.headers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))?;
        writeln!(f)
    }
}

/// The header for a name and a password.
pub(crate) fn basic(name: &str, password: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
}

impl Auth {
    /// Reads GOAUTH, but runs nothing yet.
    ///
    /// # Errors
    /// `Settings` if it can't be understood.
    pub(crate) fn of(settings: &Settings) -> Result<Auth> {
        let text = settings.auth();
        let methods = match text.trim() {
            "off" => Vec::new(),
            list => list.split(';').map(|method| parse(method, settings)).collect::<Result<_>>()?,
        };
        Ok(Auth { methods, known: Mutex::default() })
    }

    /// The headers for a request; runs the commands if it is the first one.
    pub(crate) fn headers(&self, url: &Url) -> Headers {
        if url.scheme != Scheme::Https {
            return Headers::new();
        }
        let mut known = self.known();
        if !known.is_started {
            known.is_started = true;
            self.start(&mut known);
        }
        let mut headers = known.find(url).cloned().unwrap_or_default();
        if let (Some((name, password)), false) = (&url.login, has_authorization(&headers)) {
            headers.push(basic(name, password));
        }
        headers
    }

    /// Asks git and the commands again after a 4xx. Whether any was asked, so that another try is worth
    /// it. `probe` sends a HEAD request and gives its status.
    pub(crate) fn ask_again(
        &self,
        url: &Url,
        refusal: &Refusal,
        probe: impl Fn(&str, &Headers) -> Option<u16>,
    ) -> bool {
        let is_asked = |method: &&Method| !matches!(method, Method::Netrc(_));
        if url.scheme != Scheme::Https || !self.methods.iter().any(|m| is_asked(&m)) {
            return false;
        }
        let address = url.to_string();
        let mut known = self.known();
        for method in self.methods.iter().filter(is_asked).rev() {
            let found = match method {
                Method::Git(dir) => command::git(dir, &address).map(|((prefix, headers), words)| {
                    judge(dir, &words, probe(&prefix, &headers));
                    vec![(prefix, headers)]
                }),
                Method::Command(words) => command::run(words, Some((&address, refusal))),
                Method::Netrc(_) => Ok(Vec::new()),
            };
            known.learn(method, found);
        }
        true
    }

    /// What went wrong when GOAUTH was asked.
    pub(crate) fn troubles(&self) -> Option<String> {
        let known = self.known();
        (!known.troubles.is_empty()).then(|| known.troubles.join("; "))
    }

    fn start(&self, known: &mut Known) {
        for method in self.methods.iter().rev() {
            let found = match method {
                Method::Netrc(file) => file.as_ref().map_or(Ok(Vec::new()), read_netrc),
                Method::Command(words) => command::run(words, None),
                Method::Git(_) => Ok(Vec::new()),
            };
            known.learn(method, found);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, method: &Method, found: Result<Vec<Credential>, String>) {
        match found {
            Err(why) => self.troubles.push(format!("ask {method}: {why}")),
            Ok(found) => {
                for (prefix, headers) in found {
                    let prefix = prefix.trim_start_matches("https://").trim_end_matches('/').to_owned();
                    // No headers for an address means that it needs none any more.
                    _ = match headers.is_empty() {
                        true => self.credentials.remove(&prefix),
                        false => self.credentials.insert(prefix, headers),
                    };
                }
            }
        }
    }

    fn find(&self, url: &Url) -> Option<&Headers> {
        let bare = url.bare();
        let mut prefix = bare.trim_end_matches('/');
        loop {
            if let Some(headers) = self.credentials.get(prefix) {
                return Some(headers);
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Netrc(_) => f.write_str(".netrc"),
            Method::Git(dir) => write!(f, "`git credential fill` in `{}`", dir.display()),
            // Its arguments may be secret.
            Method::Command(words) => write!(f, "`{}` of GOAUTH", words.first().map_or("", |word| word)),
        }
    }
}

fn parse(method: &str, settings: &Settings) -> Result<Method> {
    let words = split(method).ok_or_else(|| bad("a quote is not closed"))?;
    match words.first().map(String::as_str) {
        None => Err(bad("it has an empty command")),
        Some("off") => Err(bad("`off` can't stand with other commands")),
        Some("netrc") => Ok(Method::Netrc(settings.netrc())),
        Some("git") => parse_git(&words),
        Some(_) => Ok(Method::Command(words)),
    }
}

fn parse_git(words: &[String]) -> Result<Method> {
    match words {
        [_, dir] if dir.starts_with('/') && std::path::Path::new(dir).is_dir() => Ok(Method::Git(dir.into())),
        _ => Err(bad("`git` needs the absolute path of a directory")),
    }
}

/// Words at white space; quotes, single or double, around whole words.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => rest[1..].split_once(first)?,
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(words)
}

fn bad(why: &str) -> Error {
    Error::new(Kind::Settings, format!("use GOAUTH: {why}")).or_help("see `go help goauth`")
}

fn read_netrc(file: &PathBuf) -> Result<Vec<Credential>, String> {
    match std::fs::read(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(cause(&e)),
        Ok(bytes) => {
            let logins = netrc::parse(&String::from_utf8_lossy(&bytes)).into_iter().rev();
            Ok(logins.map(|l| (l.machine, vec![basic(&l.name, &l.password)])).collect())
        }
    }
}

fn has_authorization(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| name == "authorization")
}

fn judge(dir: &std::path::Path, words: &str, status: Option<u16>) {
    if let Some(status @ (200 | 401)) = status {
        command::git_verdict(dir, words, status == 200);
    }
}
