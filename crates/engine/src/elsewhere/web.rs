//! A URL to the file that it gives.
//!
//! As BuildKit has it: mode 0600, owned by root, with the time that the server says or 1970; the name is the URL's,
//! whatever the server calls it. `HTTP_AUTH_HEADER_host` and `HTTP_AUTH_TOKEN_host` are secrets for that host.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use dockerfile::address::redacted;
use oci::Digest;
use store::{Download, LayerId};
use transport::follow::{self, Get};
use transport::http::{Response, header};
use tree::{Content, Entry, Kind, Meta, Root, Source, Time};

use super::Elsewhere;
use super::trees::{archive_key, file_key};
use crate::error::{Error, Result, doing};
use crate::event::Task;
use crate::locked::moved;

/// A file that is here.
pub struct Fetched {
    /// The layer that holds it alone.
    pub layer: LayerId,
    /// What it hashes to.
    pub file: Digest,
}

/// Which file, and what it is to be called.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The address.
    pub url: &'a str,
    /// The name.
    pub name: &'a str,
    /// What it must hash to.
    pub checksum: Option<&'a Digest>,
    /// What it must hash to if nothing else is said.
    pub locked: Option<&'a Digest>,
}

impl Wanted<'_> {
    fn expected(&self) -> Option<&Digest> {
        self.checksum.or(self.locked)
    }
}

impl Elsewhere<'_> {
    /// The file at an address.
    ///
    /// # Errors
    /// If it can't be had, or isn't what it must be.
    pub fn file(&self, wanted: &Wanted) -> Result<Fetched> {
        let _lock = self.store.lock(&format!("url-{}", short(wanted.url)))?;
        self.look_for_drift(wanted)?;
        if let Some(file) = self.known_file(wanted)
            && let Some(layer) = self.known(&file_key(&file, wanted.name))
        {
            return Ok(Fetched { layer, file });
        }
        self.bring(wanted)
    }

    fn bring(&self, wanted: &Wanted) -> Result<Fetched> {
        self.must_work()?;
        let task = self.voice.task(format!("fetch {}", redacted(wanted.url)));
        let result = self.fetch(wanted, &task);
        task.close(&result);
        result
    }

    /// What was locked, and what is there now.
    fn look_for_drift(&self, wanted: &Wanted) -> Result<()> {
        let Some(locked) = wanted.locked.filter(|_| wanted.checksum.is_none()) else { return Ok(()) };
        if !self.looks_for_drift(wanted.url) {
            return Ok(());
        }
        let today = self.bring(&Wanted { locked: None, ..*wanted })?.file;
        match today == *locked {
            true => Ok(()),
            false => {
                let (name, today, locked) =
                    (plan::lock::url_name(wanted.url), today.to_string(), locked.to_string());
                moved(self.settings, self.voice, &name, &today, &locked)
            }
        }
    }

    /// What is in the archive at an address; if it is none, the file itself.
    ///
    /// # Errors
    /// As [`Elsewhere::file`], and if the archive is broken.
    pub fn unpacked(&self, wanted: &Wanted) -> Result<(LayerId, bool)> {
        self.look_for_drift(wanted)?;
        if let Some(layer) = self.known_file(wanted).and_then(|file| self.known(&archive_key(&file))) {
            return Ok((layer, true));
        }
        let Fetched { layer, file } = self.file(wanted)?;
        let key = archive_key(&file);
        if let Some(layer) = self.known(&key) {
            return Ok((layer, true));
        }
        let is_archive = layer::archive::is_archive(self.open(&layer, wanted.name)?);
        match is_archive.map_err(doing(format_args!("read `{}`", wanted.name)))? {
            false => Ok((layer, false)),
            true => {
                self.must_work()?;
                let what = format!("`{}`", redacted(wanted.url));
                Ok((self.unpack(&key, self.open(&layer, wanted.name)?, &what)?, true))
            }
        }
    }

    /// What the file is known to hash to without asking.
    fn known_file(&self, wanted: &Wanted) -> Option<Digest> {
        let remembered = || self.may_remember(wanted.url).then(|| self.store.download(wanted.url)).flatten();
        wanted.expected().copied().or_else(|| remembered().map(|download| download.file))
    }

    fn fetch(&self, wanted: &Wanted, task: &Task) -> Result<Fetched> {
        let during = |e: Error| match e {
            Error::Other(message) => Error::Other(format!("fetch `{}`: {message}", redacted(wanted.url))),
            other => other,
        };
        let earlier = self.store.download(wanted.url);
        let earlier = earlier.and_then(|d| Some((self.known(&file_key(&d.file, wanted.name))?, d)));
        let asked = earlier.as_ref().filter(|_| wanted.expected().is_none()).map(|(_, download)| download);
        let answer = self.ask(wanted.url, asked).map_err(during)?;
        let fetched = match (answer.status().as_u16(), earlier) {
            (304, Some((layer, download))) => Fetched { layer, file: download.file },
            (200..300, _) => self.save(wanted, answer, task).map_err(during)?,
            _ => return Err(during(Error::Other(format!("it answered {}", answer.status())))),
        };
        self.has_asked(wanted.url);
        Ok(fetched)
    }

    fn ask(&self, url: &str, earlier: Option<&Download>) -> Result<Response> {
        let etag = earlier.and_then(|d| d.etag.clone()).map(|value| ("if-none-match", value));
        let since = earlier.and_then(|d| d.last_modified.clone()).map(|value| ("if-modified-since", value));
        let headers = etag.into_iter().chain(since).collect();
        let get = Get { url, headers, authorization: self.authorization(url)? };
        follow::get(self.client(), &get).map_err(|e| match e.hint {
            Some(hint) if hint.contains("SSL_CERT_FILE") => Error::Other(format!(
                "{}\nhint: set SSL_CERT_FILE to a file with the certificate of the server's CA",
                e.message
            )),
            _ => Error::Other(e.message),
        })
    }

    fn authorization(&self, url: &str) -> Result<Option<String>> {
        let host = host_name(url);
        let value = |id: String| Ok::<_, Error>(self.settings.secret(&id)?.map(|bytes| text(&bytes)));
        let token = value(format!("HTTP_AUTH_TOKEN_{host}"))?.map(|token| format!("Bearer {token}"));
        Ok(token.or(value(format!("HTTP_AUTH_HEADER_{host}"))?))
    }

    fn save(&self, wanted: &Wanted, answer: Response, task: &Task) -> Result<Fetched> {
        let said = |name| header(&answer, name).map(str::to_owned);
        let (etag, last_modified) = (said("etag"), said("last-modified"));
        let total = said("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let folder = self.store.scratch("fetched")?;
        let say = || doing("write a file");
        std::fs::create_dir(&folder).map_err(say())?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).map_err(say())?;
        let path = folder.join(wanted.name);
        let mut body = answer.into_body().into_reader();
        let (file, size, content) = self.copy(&mut body, &path, &mut |done| {
            task.moved(wanted.name, done, total.max(done));
        })?;
        check(wanted, &file)?;
        let seconds = last_modified.as_deref().and_then(oci::time::parse_http).unwrap_or(0);
        finish(&path, seconds).map_err(say())?;
        let root = Root::open(&folder).map_err(say())?;
        let source = Source::Disk { root, path: wanted.name.as_bytes().into() };
        let meta = Meta { mode: 0o600, mtime: Time { sec: seconds, nsec: 0 }, ..Meta::default() };
        let kind = Kind::File { size, content, source };
        let entry = Entry { path: wanted.name.into(), meta, kind };
        let layer = self.keep(&file_key(&file, wanted.name), vec![entry], &folder)?;
        let (url, at) = (redacted(wanted.url), crate::clock::now());
        self.store.put_download(wanted.url, &Download { url, file, etag, last_modified, at })?;
        Ok(Fetched { layer, file })
    }

    /// Streams to a new file, and says what came.
    fn copy(
        &self,
        from: &mut dyn Read,
        path: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Digest, u64, Content)> {
        let file = File::options().write(true).create_new(true).open(path).map_err(doing("write a file"))?;
        let mut out = BufWriter::new(file);
        let (mut sha, mut blake) = (oci::Hasher::default(), blake3::Hasher::new());
        let mut buffer = vec![0; 128 << 10];
        loop {
            self.check_cancel()?;
            let count = from.read(&mut buffer).map_err(|e| Error::Other(store::plain(&e)))?;
            if count == 0 {
                break;
            }
            out.write_all(&buffer[..count]).map_err(doing("write a file"))?;
            sha.update(&buffer[..count]);
            blake.update(&buffer[..count]);
            progress(sha.count());
        }
        out.flush().map_err(doing("write a file"))?;
        let size = sha.count();
        Ok((sha.finish(), size, Content(blake.finalize().into())))
    }
}

fn check(wanted: &Wanted, file: &Digest) -> Result<()> {
    let Some(expected) = wanted.expected().filter(|expected| *expected != file) else { return Ok(()) };
    Err(Error::Other(match wanted.checksum {
        Some(_) => format!("digest mismatch: it is {file} (expected: {expected})"),
        None => format!(
            "it is {file} now, and tare.lock has {expected}\nhint: `tare pin --update` takes what is there now"
        ),
    }))
}

fn finish(path: &Path, seconds: i64) -> std::io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds.max(0).unsigned_abs()))
}

pub(super) fn short(address: &str) -> String {
    blake3::hash(address.as_bytes()).to_hex()[..16].to_owned()
}

/// The host without port and login, as secrets name it.
fn host_name(url: &str) -> String {
    let authority =
        url.split("://").nth(1).unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default().to_owned(),
        None => host.split(':').next().unwrap_or_default().to_owned(),
    }
}

/// A secret that is a line of text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_secrets() {
        for (url, host) in [
            ("http://h:8/x", "h"),
            ("https://u:p@h.test?x@y", "h.test"),
            ("http://[::1]:80/", "::1"),
            ("nonsense", ""),
        ] {
            assert_eq!(host_name(url), host, "{url}");
        }
        assert_eq!(text(b"token\n"), "token");
    }
}
