//! The checksum database: a module to the hash that everybody gets for it.
//!
//! The database is a log that only grows. Its answer is a record, the record's number and a signed tree.
//! That the record is in the tree is proven by tiles; that the tree goes on from the newest one that we
//! know, too. So a database can't show one history to us today and another tomorrow, or to somebody
//! else, without it coming out. See <https://go.dev/design/25530-sumdb>.

use crate::error::{Error, Kind, Result};
use crate::module::Module;
use crate::note::Key;
use crate::proxies::Proxies;
use crate::state::State;
use crate::sum::Sum;
use crate::tiles::{Origin, Tiles};
use crate::tree::{Tree, number, record_hash};
use crate::url::Url;
use crate::web::Web;

/// The key of the database that the go command asks unless told otherwise. It has never changed.
const SUM_GOLANG_ORG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// A record has two lines, a note a few more.
const MAX_ANSWER: u64 = 1 << 20;
/// How often others may get ahead of us while we write the newest tree.
const MAX_RACES: usize = 100;

/// GOSUMDB, read.
#[derive(Debug)]
pub(crate) struct Sumdb {
    pub key: Key,
    /// Ask here, whatever proxies offer.
    url: Option<Url>,
}

impl Sumdb {
    /// Reads GOSUMDB: a key, or the name of a well-known one, and maybe an address.
    ///
    /// # Errors
    /// `Settings` if it can't be understood.
    pub(crate) fn parse(text: &str) -> Result<Sumdb> {
        let text = if text.trim() == "sum.golang.google.cn" {
            "sum.golang.org https://sum.golang.google.cn"
        } else {
            text
        };
        let mut words = text.split_whitespace();
        let key = words.next().ok_or_else(|| bad("it is blank"))?;
        let key = Key::parse(if key == "sum.golang.org" { SUM_GOLANG_ORG } else { key }).map_err(bad)?;
        let is_element = |element: &str| {
            !element.is_empty() && !element.starts_with('.') && !element.contains(['?', '#', '%', '@', '\\'])
        };
        if !key.name().split('/').all(is_element) {
            return Err(bad("its name is not a host with a path"));
        }
        let url = words.next().map(Url::parse).transpose().map_err(bad)?;
        if words.next().is_some() {
            return Err(bad("it has more than a key and an address"));
        }
        Ok(Sumdb { key, url })
    }

    /// Where to ask: at the address given, else at the first proxy that offers it, else directly.
    ///
    /// # Errors
    /// If a proxy can't say whether it does.
    pub(crate) fn base(&self, web: &Web<'_>, proxies: &Proxies) -> Result<Url> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let here = |proxy: &Url| proxy.join(&format!("sumdb/{}", self.key.name()));
        let offers = |proxy: &Url| web.bytes(&here(proxy).join("supported"), MAX_ANSWER).map(drop);
        match proxies.first(offers)? {
            Some(proxy) => Ok(here(&proxy)),
            None => Url::parse(&format!("https://{}", self.key.name())).map_err(bad),
        }
    }
}

/// A database that can be asked.
pub(crate) struct Database<'a> {
    pub web: &'a Web<'a>,
    pub base: Url,
    pub key: &'a Key,
    pub state: &'a State,
}

impl Database<'_> {
    /// The hash of a module's zip. After an `Ok` it is proven, and the newest tree is written down.
    ///
    /// # Errors
    /// `Security` if anything in the answer is not as the database has signed it.
    pub(crate) fn look_up(&self, module: &Module) -> Result<Sum> {
        let (path, version) = module.escaped()?;
        let url = self.base.join(&format!("lookup/{path}@{version}"));
        let answer = self.web.bytes(&url, MAX_ANSWER).map_err(|e| self.unknown(e))?;
        let answer = String::from_utf8(answer).map_err(|_| self.security("its answer is not UTF-8"))?;
        let (id, record, note) =
            parse_record(&answer).ok_or_else(|| self.security("its answer is malformed"))?;
        let mut tiles = self.newest(note)?;
        let node = tiles.node(0, id).map_err(|e| self.blame(e))?;
        if node != record_hash(record) {
            return Err(self.security(&format!(
                "record {id} is not what the signed tree of {} records has",
                tiles.size()
            )));
        }
        find_sum(record, module)
            .ok_or_else(|| self.security(&format!("record {id} has no h1: checksum of `{module}`")))
    }

    /// The tree of a note, or the newest one that we know if that is newer; both on one line of history.
    fn newest(&self, note: &str) -> Result<Tiles<'_>> {
        let received = self.open(note).map_err(|why| self.security(why))?;
        for _ in 0..MAX_RACES {
            let stored_note = self.state.latest()?;
            let stored = stored_note.as_deref().map(|note| self.open_stored(note)).transpose()?;
            let known = stored.unwrap_or(Tree { size: 0, root: crate::tree::root(&[]) });
            let (older, newer) =
                if received.size <= known.size { (received, known) } else { (known, received) };
            let is_fork = |tiles: &mut Tiles<'_>| Ok(tiles.root_at(older.size)? != older.root);
            let fork = || self.fork(stored_note.as_deref().unwrap_or_default(), note);
            if older.size == newer.size && older.root != newer.root {
                return Err(fork());
            }
            let mut tiles = Tiles::of(newer, self.origin()).map_err(|e| self.blame(e))?;
            if is_fork(&mut tiles).map_err(|e| self.blame(e))? {
                return Err(fork());
            }
            if received.size <= known.size || self.state.advance(stored_note.as_deref(), note)? {
                return Ok(tiles);
            }
        }
        Err(Error::new(
            Kind::File,
            format!("write `{}`: others keep writing it", self.state.latest_path().display()),
        ))
    }

    fn origin(&self) -> Origin<'_> {
        Origin { web: self.web, base: &self.base, state: self.state }
    }

    fn open(&self, note: &str) -> Result<Tree, &'static str> {
        Tree::parse(self.key.open(note)?).ok_or("its note does not name a tree")
    }

    fn open_stored(&self, note: &str) -> Result<Tree> {
        let path = self.state.latest_path();
        self.open(note).map_err(|why| {
            Error::new(Kind::File, format!("read `{}`: {why}", path.display()))
                .or_help("the file is damaged, or was written for another key: if you know why, delete it")
        })
    }

    fn security(&self, why: &str) -> Error {
        self.blame(Error::new(Kind::Security, why))
    }

    fn blame(&self, error: Error) -> Error {
        let mut error =
            error.during(format_args!("checksum database `{}` at `{}`", self.key.name(), self.base));
        match error.kind {
            Kind::Security => error.or_help(
                "somebody on the way may be changing answers: do not use the download, and try another way out",
            ),
            // The module itself is there, or we were not here.
            Kind::NotFound => {
                error.kind = Kind::Network;
                error.or_help("the server may lag behind: try again later, or another proxy")
            }
            _ => error,
        }
    }

    fn unknown(&self, error: Error) -> Error {
        if !error.is_absent {
            return self.blame(error);
        }
        self.blame(Error { kind: Kind::Mismatch, ..error })
            .or_help("the database does not know this version, so the download can't be checked")
    }

    fn fork(&self, old: &str, new: &str) -> Error {
        let message = format!(
            "SECURITY ERROR: checksum database `{}` has signed two histories that contradict each other\n\
             before:\n{}\nnow:\n{}",
            self.key.name(),
            old.trim_end(),
            new.trim_end()
        );
        Error::new(Kind::Security, message).or_help(format!(
            "do not use the download; keep this message as proof and report it to those who run `{}`. \
             The tree from before is in `{}`",
            self.key.name(),
            self.state.latest_path().display()
        ))
    }
}

/// A lookup's answer: the record's number, its text, and the rest, which is a note.
fn parse_record(answer: &str) -> Option<(u64, &str, &str)> {
    let (id, rest) = answer.split_once('\n')?;
    let end = rest.find("\n\n")?;
    let (record, note) = (&rest[..=end], &rest[end + 2..]);
    let is_plain = !record.chars().any(|c| c < ' ' && c != '\n');
    Some((number(id).filter(|_| is_plain)?, record, note))
}

/// The line `path version h1:…`.
fn find_sum(record: &str, module: &Module) -> Option<Sum> {
    let prefix = format!("{} {} ", module.path, module.version);
    record.lines().filter_map(|line| line.strip_prefix(&prefix)).find_map(|sum| sum.parse().ok())
}

fn bad(why: &str) -> Error {
    Error::new(Kind::Settings, format!("use GOSUMDB: {why}"))
        .or_help("GOSUMDB is `sum.golang.org`, `name+hash+key`, or one of these and an address")
}

#[cfg(test)]
mod tests;
