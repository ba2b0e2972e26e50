//! An OCI image layout: a directory of blobs and an index of names, both ways. See OCI image-layout.md.
//!
//! ```text
//! oci-layout               {"imageLayoutVersion":"1.0.0"}
//! index.json               an index; `org.opencontainers.image.ref.name` is the tag of an entry
//! blobs/sha256/<hex>       manifests, configs, layers
//! ```
//! Reading works on any set of files of that shape, so `load` reads tar archives with it too. Writing adds
//! to what is there: blobs first, each under its name only when it is whole, then the index, whose file is
//! replaced while `oci-layout` is locked against other writers.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oci::{Blobs, Descriptor, Digest, Index, Platform, Publish, Published, Tagged};
use serde_json::{Value, json};

use crate::bundle::{self, Name, Part, blob_path};
use crate::error::{Error, Kind, Result};
use crate::pull::{self, MAX_CONFIG, MAX_MANIFEST, Progress, Pull, Resolved};
use crate::relay::relay;
use crate::verify::{Verified, read_all};

pub(crate) const VERSION_FILE: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Files with paths, read only.
pub(crate) trait Files: Send + Sync {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>>;
}

struct Directory(PathBuf);

impl Files for Directory {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(File::open(self.0.join(path))?))
    }
}

/// Which image of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The only one; of several the one that is called `latest`.
    Any,
    /// The one with this tag or name.
    Name(String),
    /// The one with this digest, in the index or not.
    Digest(Digest),
}

/// One image of a layout.
pub struct Source {
    files: Box<dyn Files>,
    place: String,
    selector: Selector,
}

impl Source {
    /// `[oci-layout://]DIR[:TAG][@DIGEST]`, as `--build-context` takes it.
    ///
    /// # Errors
    /// `Config` for a bad digest, `NotFound` if there is no layout.
    pub fn open(spec: &str) -> Result<Source> {
        let (dir, selector) = parse(spec.strip_prefix("oci-layout://").unwrap_or(spec))?;
        let place = format!("oci-layout://{}", dir.display());
        if !dir.join("index.json").is_file() {
            return Err(Error::new(Kind::NotFound, format!("open `{place}`: there is no OCI layout")));
        }
        Ok(Source::of(Box::new(Directory(dir)), place, selector))
    }

    pub(crate) fn of(files: Box<dyn Files>, place: String, selector: Selector) -> Source {
        Source { files, place, selector }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.files.open(path).and_then(|file| file.take(MAX_MANIFEST + 1).read_to_end(&mut bytes));
        read.map_err(|e| Error::io(format_args!("read `{path}`"), &e))?;
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Error::new(
                Kind::Corrupt,
                format!("read `{path}`: it has more than {MAX_MANIFEST} bytes"),
            ));
        }
        Ok(bytes)
    }

    fn fetch(&self, blob: &Descriptor, max: u64) -> Result<Vec<u8>> {
        let file = self.files.open(&blob_path(blob));
        read_all(file.map_err(|e| Error::io(format_args!("read blob {}", blob.digest), &e))?, blob, max)
    }

    fn top(&self, platform: &Platform) -> Result<(Descriptor, Vec<u8>)> {
        let bytes = self.read("index.json")?;
        let invalid =
            |e: serde_json::Error| Error::new(Kind::Corrupt, format!("`index.json` is not valid: {e}"));
        let index: Index = serde_json::from_slice(&bytes).map_err(invalid)?;
        match (select(&index.manifests, &self.selector, platform), &self.selector) {
            (Some(entry), _) => self.fetch(entry, MAX_MANIFEST).map(|bytes| (entry.clone(), bytes)),
            (None, Selector::Digest(digest)) => self.by_digest(*digest),
            (None, selector) => Err(nothing_called(selector, &index.manifests)),
        }
    }

    fn by_digest(&self, digest: Digest) -> Result<(Descriptor, Vec<u8>)> {
        let bytes = self.read(&blob_path(&Descriptor::new("", digest, 0)))?;
        let top = Descriptor::of(&pull::media_type_of(&bytes, "")?, &bytes);
        if top.digest != digest {
            return Err(Error::new(
                Kind::Corrupt,
                format!("the bytes of blob {digest} don't have its digest"),
            ));
        }
        Ok((top, bytes))
    }

    fn try_resolve(&self, platform: &Platform) -> Result<Resolved> {
        let (top, bytes) = self.top(platform)?;
        pull::choose(top, bytes, platform, &self.place, &|blob| self.fetch(blob, MAX_MANIFEST))
    }

    fn failed(&self, error: Error) -> Error {
        error.during(format_args!("read `{}`", self.place))
    }
}

impl Pull for Source {
    fn resolve(&self, platform: &Platform) -> Result<Resolved> {
        self.try_resolve(platform).map_err(|e| self.failed(e))
    }

    fn config(&self, resolved: &Resolved) -> Result<Vec<u8>> {
        self.fetch(&resolved.parsed.config, MAX_CONFIG).map_err(|e| self.failed(e))
    }

    fn blob<'a>(
        &'a self,
        blob: &Descriptor,
        progress: &'a dyn Progress,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        let file = self.files.open(&blob_path(blob));
        let file = file.map_err(|e| self.failed(Error::io(format_args!("blob {}", blob.digest), &e)))?;
        Ok(Box::new(Verified::new(file, blob, progress)))
    }
}

fn parse(spec: &str) -> Result<(PathBuf, Selector)> {
    if let Some((path, digest)) = spec.rsplit_once('@').filter(|(_, digest)| digest.contains(':')) {
        let digest = digest.parse().map_err(|why: String| Error::new(Kind::Config, why))?;
        // The digest decides, whatever the tag.
        return Ok((split_tag(path).0, Selector::Digest(digest)));
    }
    let (path, tag) = split_tag(spec);
    Ok((path, tag.map_or(Selector::Any, Selector::Name)))
}

fn split_tag(spec: &str) -> (PathBuf, Option<String>) {
    let tagged = spec.rsplit_once(':').filter(|(path, tag)| !path.is_empty() && !tag.contains('/'));
    match tagged {
        // A directory may have a colon in its name.
        Some((path, tag)) if !Path::new(spec).is_dir() => (path.into(), Some(tag.to_owned())),
        _ => (spec.into(), None),
    }
}

/// Of the entries that the selector means, the one for the platform if there are several.
fn select<'a>(all: &'a [Descriptor], selector: &Selector, platform: &Platform) -> Option<&'a Descriptor> {
    let meant: Vec<&Descriptor> = match selector {
        Selector::Any if all.len() == 1 => return all.first(),
        Selector::Any => {
            let latest: Vec<_> = all.iter().filter(|entry| bundle::is_called(entry, "latest")).collect();
            let unnamed = all.iter().filter(|entry| bundle::display_name(entry).is_none()).collect();
            if latest.is_empty() { unnamed } else { latest }
        }
        Selector::Name(name) => all.iter().filter(|entry| bundle::is_called(entry, name)).collect(),
        Selector::Digest(digest) => all.iter().filter(|entry| entry.digest == *digest).collect(),
    };
    let fits = |entry: &&&Descriptor| entry.platform.as_ref().is_some_and(|p| platform.accepts(p));
    match meant[..] {
        [only] => Some(only),
        _ => meant.iter().find(fits).copied(),
    }
}

pub(crate) fn nothing_called(selector: &Selector, all: &[Descriptor]) -> Error {
    let names: Vec<String> =
        all.iter().filter_map(bundle::display_name).map(|name| format!("`{name}`")).collect();
    let there = if names.is_empty() { "no named images".to_owned() } else { names.join(", ") };
    let why = match selector {
        Selector::Name(name) => format!("there is no image `{name}`, only {there}"),
        _ => format!("it has {} images, say which one: {there}", all.len()),
    };
    Error::new(Kind::NotFound, why)
}

/// A layout to publish to; made if it isn't there.
pub struct Target {
    /// The directory.
    pub dir: PathBuf,
    /// What the image is called there. Another image of that name loses it.
    pub names: Vec<Name>,
    /// Who hears about it.
    pub progress: Arc<dyn Progress>,
}

impl Publish for Target {
    fn publish(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published, String> {
        let failed = |e: Error| String::from(e.during(format_args!("write `{}`", self.dir.display())));
        self.write(what, blobs).map_err(failed)
    }
}

impl Target {
    fn write(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published> {
        let _lock = self.prepare().map_err(|e| Error::io("prepare the layout", &e))?;
        let mut done = Published::default();
        for part in bundle::parts(what) {
            if self.has(&part.blob) {
                self.progress.skipped(&part.blob);
                done.skipped += 1;
                continue;
            }
            self.add_blob(&part, blobs)
                .map_err(|e| Error::io(format_args!("blob {}", part.blob.digest), &e))?;
            done.sent += part.blob.size;
        }
        self.add_names(what)?;
        Ok(done)
    }

    /// Makes what is missing and keeps other writers out until the result is dropped.
    fn prepare(&self) -> io::Result<File> {
        fs::create_dir_all(self.dir.join("blobs/sha256"))?;
        let version = self.dir.join("oci-layout");
        let mut file = File::options().read(true).append(true).create(true).open(version)?;
        file.lock()?;
        if file.metadata()?.len() == 0 {
            file.write_all(VERSION_FILE.as_bytes())?;
        }
        Ok(file)
    }

    fn has(&self, blob: &Descriptor) -> bool {
        fs::metadata(self.dir.join(blob_path(blob))).is_ok_and(|file| file.len() == blob.size)
    }

    fn add_blob(&self, part: &Part<'_>, blobs: &dyn Blobs) -> io::Result<()> {
        replace(&self.dir.join(blob_path(&part.blob)), |file| relay(part, blobs, &*self.progress, file))
    }

    fn add_names(&self, what: &Tagged) -> Result<()> {
        let path = self.dir.join("index.json");
        let mut index = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Error::new(Kind::Corrupt, format!("`index.json` is not valid: {e}")))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                json!({ "schemaVersion": 2, "mediaType": oci::media::INDEX, "manifests": [] })
            }
            Err(e) => return Err(Error::io("read `index.json`", &e)),
        };
        let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
        let entries =
            entries.ok_or_else(|| Error::new(Kind::Corrupt, "`index.json` has no list of manifests"))?;
        for entry in bundle::entries(what, &self.names) {
            entries.retain(|old| !is_replaced(old, &entry));
            entries.push(serde_json::to_value(entry).expect("a descriptor is plain data"));
        }
        let bytes = serde_json::to_vec(&index).expect("a JSON tree is plain data");
        replace(&path, |file| file.write_all(&bytes)).map_err(|e| Error::io("write `index.json`", &e))
    }
}

/// Whether an entry has to go for another: same name, or both without one and the same image. Entries of
/// others are kept as they are, fields that we don't know included.
fn is_replaced(old: &Value, new: &Descriptor) -> bool {
    let Ok(old) = serde_json::from_value::<Descriptor>(old.clone()) else { return false };
    match (bundle::display_name(&old), bundle::display_name(new)) {
        (None, None) => old.digest == new.digest,
        _ => bundle::have_same_name(&old, new),
    }
}

/// Writes a file beside `path` and gives it the name when it is whole.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_file_name(format!(".tare-{}-{count}", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| write(&mut file));
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
