//! An image to a registry: blobs that it lacks, then the manifest; with an index all images' blobs, then their
//! manifests by digest, then the index. See the OCI distribution-spec, "Push".
//!
//! A blob is looked for first, then mounted from another repository if one is known to have it, then
//! uploaded, several at a time; what was sent of it while it was made (see `ahead`) isn't sent again. What is named goes last, so that no name ever points to a part of it.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use oci::{Blobs, Descriptor, Digest, Publish, Published, Reference, Tagged};
use ureq::http::Method;

use crate::auth::percent;
use crate::error::{Error, Kind, Result};
use crate::pull::Progress;
use crate::registries::Endpoint;
use crate::registry::{Registry, pull_scope};
use crate::session::Ask;
use crate::upload::{self, Upload, Way};

/// A repository or a tag to publish to.
pub struct Target {
    /// The way there.
    pub registry: Registry,
    /// Without a tag, the image can be had by its digest only.
    pub reference: Reference,
    /// Who hears about it.
    pub progress: Arc<dyn Progress>,
}

impl Publish for Target {
    fn publish(&self, what: &Tagged, blobs: &dyn Blobs) -> std::result::Result<Published, String> {
        self.registry.push(what, blobs, &self.reference, &*self.progress).map_err(String::from)
    }
}

/// One push, seen by its threads.
struct Push<'a> {
    registry: &'a Registry,
    at: Endpoint,
    scopes: Vec<String>,
    what: &'a Tagged,
    blobs: &'a dyn Blobs,
    progress: &'a dyn Progress,
}

impl Registry {
    /// Pushes an image, or an index with its images, under the reference's tag, or by digest alone if it has
    /// none.
    ///
    /// # Errors
    /// With the registry's own words. Blobs may have been left there; no name was changed.
    pub fn push(
        &self,
        what: &Tagged,
        blobs: &dyn Blobs,
        target: &Reference,
        progress: &dyn Progress,
    ) -> Result<Published> {
        self.try_push(what, blobs, target, progress)
            .map_err(|e| e.during(format_args!("push `{}`", target.familiar())))
    }

    fn try_push(
        &self,
        what: &Tagged,
        blobs: &dyn Blobs,
        target: &Reference,
        progress: &dyn Progress,
    ) -> Result<Published> {
        check_digest(target, what.descriptor().digest)?;
        let at = self.session.registries.push_endpoint(target)?;
        let scopes = vec![push_scope(&at.repository)];
        let push = Push { registry: self, at, scopes, what, blobs, progress };
        let done = push.all_blobs()?;
        if what.is_index() {
            let untagged = Reference { tag: None, digest: None, ..target.clone() };
            for image in what.images() {
                self.put(&untagged, &image.descriptor.media_type, &image.manifest_bytes)?;
            }
        }
        self.put(target, &what.descriptor().media_type, what.bytes())?;
        Ok(done)
    }

    /// Puts a manifest or an index whose parts are there already: another tag, or several platforms.
    ///
    /// # Errors
    /// With the registry's own words, for instance that a part is not there.
    pub fn put_manifest(&self, target: &Reference, media_type: &str, bytes: &[u8]) -> Result<()> {
        let put = check_digest(target, Digest::of(bytes)).and_then(|()| self.put(target, media_type, bytes));
        put.map_err(|e| e.during(format_args!("push `{}`", target.familiar())))
    }

    fn put(&self, target: &Reference, media_type: &str, bytes: &[u8]) -> Result<()> {
        let at = self.session.registries.push_endpoint(target)?;
        let selector = target.tag.clone().unwrap_or_else(|| Digest::of(bytes).to_string());
        let url = self.session.url(&at, &format!("manifests/{selector}"))?;
        let scopes = [push_scope(&at.repository)];
        let ask = Ask::new(Method::PUT, &url, &scopes).with("content-type", media_type);
        self.session.call(&at, &ask, Some(bytes), &[200, 201, 202]).map(drop)
    }
}

pub(crate) fn push_scope(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

fn check_digest(target: &Reference, digest: Digest) -> Result<()> {
    match target.digest {
        Some(wanted) if wanted != digest => Err(Error::new(Kind::Config, format!("the image is {digest}"))),
        _ => Ok(()),
    }
}

/// What became of one blob.
enum Outcome {
    Sent(u64),
    Skipped,
}

impl Push<'_> {
    fn all_blobs(&self) -> Result<Published> {
        let mut all = self.what.layers();
        for image in self.what.images() {
            let config = &image.manifest.config;
            if !all.iter().any(|known| known.digest == config.digest) {
                all.push(config);
            }
        }
        // The first request gets the token that all threads use.
        let config = all.pop().expect("an image has a config");
        let has_config = self.way().has(&config.digest)?;
        match has_config {
            true => self.progress.skipped(config),
            false => all.push(config),
        }
        let mut done = self.in_parallel(&all)?;
        done.skipped += usize::from(has_config);
        Ok(done)
    }

    fn in_parallel(&self, all: &[&Descriptor]) -> Result<Published> {
        let next = AtomicUsize::new(0);
        let result = Mutex::new(Ok(Published::default()));
        let work = || {
            while let Some(blob) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.one_blob(blob);
                let mut result = result.lock().expect("no holder panics");
                count(&mut result, outcome);
                if result.is_err() {
                    next.store(all.len(), Ordering::Relaxed);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.registry.session.options.uploads.clamp(1, all.len().max(1)) {
                scope.spawn(work);
            }
        });
        result.into_inner().expect("no holder panics")
    }

    fn one_blob(&self, blob: &Descriptor) -> Result<Outcome> {
        let begun = self.registry.session.begun.take(&self.at, &blob.digest);
        if self.way().has(&blob.digest)? {
            self.progress.skipped(blob);
            begun.into_iter().for_each(|begun| begun.give_up(self.way()));
            return Ok(Outcome::Skipped);
        }
        let started = match begun.and_then(|begun| begun.taken_over(self.way(), blob, self.progress)) {
            Some(started) => Some(started),
            None => match self.mount(blob)? {
                Mount::Mounted => {
                    self.progress.skipped(blob);
                    return Ok(Outcome::Skipped);
                }
                Mount::Session(started) => Some(started),
                Mount::No => None,
            },
        };
        let open = || self.open(blob);
        let upload = Upload { way: self.way(), blob, open: &open, progress: self.progress };
        upload.run(started).map(Outcome::Sent).map_err(|e| e.during(format_args!("blob {}", blob.digest)))
    }

    fn way(&self) -> Way<'_> {
        Way { session: &self.registry.session, at: &self.at, scopes: &self.scopes }
    }

    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        let config = self.what.images().iter().find(|image| image.id() == blob.digest);
        if let Some(image) = config {
            return Ok(Box::new(&image.config_bytes[..]));
        }
        self.blobs.open(blob).map_err(|e| Error::io("read it", &e))
    }

    /// Tries the repositories that are known to have the blob.
    fn mount(&self, blob: &Descriptor) -> Result<Mount> {
        for from in self.blobs.known_in(&blob.digest, &self.at.name) {
            if from == self.at.repository {
                continue;
            }
            match self.mount_from(blob, &from)? {
                Mount::No => {}
                found => return Ok(found),
            }
        }
        Ok(Mount::No)
    }

    /// 201 is a mount. 202 is an upload that was started instead, and had better be used. A registry that
    /// knows no mounts, or won't let us read the other repository, says neither: no reason to fail.
    fn mount_from(&self, blob: &Descriptor, from: &str) -> Result<Mount> {
        let session = &self.registry.session;
        let query =
            format!("blobs/uploads/?mount={}&from={}", percent(&blob.digest.to_string()), percent(from));
        let url = session.url(&self.at, &query)?;
        let scopes = [&self.scopes[..], &[pull_scope(from)]].concat();
        match session.call(&self.at, &Ask::new(Method::POST, &url, &scopes), None, &[201, 202]) {
            Ok(answer) if answer.status() == 201 => Ok(Mount::Mounted),
            Ok(answer) => upload::Started::of(&url, &answer).map(Mount::Session),
            Err(error) if error.status.is_some() || error.kind == Kind::Denied => Ok(Mount::No),
            Err(error) => Err(error),
        }
    }
}

enum Mount {
    Mounted,
    Session(upload::Started),
    No,
}

/// The first error stays; without one, sums.
fn count(result: &mut Result<Published>, outcome: Result<Outcome>) {
    match (result, outcome) {
        (Ok(done), Ok(Outcome::Sent(bytes))) => done.sent += bytes,
        (Ok(done), Ok(Outcome::Skipped)) => done.skipped += 1,
        (result @ Ok(_), Err(error)) => *result = Err(error),
        (Err(_), _) => {}
    }
}
