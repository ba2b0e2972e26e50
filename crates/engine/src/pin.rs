//! A name to what it stands for today, for `tare pin`.
//!
//! Asks what a build would ask, and remembers what the next build will want to know. What it finds out about a tag
//! it remembers under the digest only: the build that has no lock is not to be changed by one that is looked for.

use dockerfile::Git;
use dockerfile::address::file_name;
use oci::{Digest, ImageConfig, Platform, Reference};
use plan::lock;
use plan::named::What;
use store::Store;

use crate::bases;
use crate::elsewhere::{Elsewhere, Memory, Wanted};
use crate::error::{Error, Result};
use crate::event::Voice;
use crate::origin::Origins;
use crate::settings::Settings;

/// Whom to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Registries and servers.
    Everybody,
    /// Only what the store remembers.
    Store,
}

/// Asks what names stand for. Needs settings with [`Settings::pull`] to ask anew, and an empty lock.
pub struct Asker<'a> {
    /// What is remembered, and where.
    pub store: &'a Store,
    /// What the build would be asked for.
    pub settings: &'a Settings,
    /// The registries.
    pub origins: &'a Origins,
    /// Who hears of it.
    pub voice: &'a Voice<'a>,
    /// Whom to ask.
    pub ask: Ask,
}

impl Asker<'_> {
    /// The digest or commit that a name stands for.
    ///
    /// # Errors
    /// If that can't be found out.
    pub fn today(&self, what: &What) -> Result<String> {
        match what {
            What::Image(name, platform) => Ok(self.image(name, platform)?.to_string()),
            What::Url(url) => Ok(self.url(url)?.to_string()),
            What::Git(git) => self.commit(git),
        }
    }

    /// What is set in an image: of the one with that digest, if it can be had.
    pub fn config(&self, name: &Reference, digest: Digest, platform: &Platform) -> Option<ImageConfig> {
        let pinned = Reference { digest: Some(digest), ..name.clone() };
        let image = match self.ask {
            Ask::Store => bases::remembered(self.store, &pinned, platform),
            Ask::Everybody => {
                let means = (self.store, self.settings, self.origins, self.voice);
                bases::by_digest(&pinned, platform, means).ok()
            }
        };
        image.map(|image| image.config)
    }

    fn image(&self, name: &Reference, platform: &Platform) -> Result<Digest> {
        let tag = Reference { digest: None, ..name.clone() };
        if self.ask == Ask::Store {
            let known = self.store.resolution(&tag.to_string(), platform);
            let known = known.ok_or_else(|| unknown(&lock::image_name(&tag)))?;
            return Ok(bases::digest_of(&known));
        }
        let task = self.voice.task(format!("resolve {}", lock::image_name(&tag)));
        let registry = self.origins.registry().map_err(Error::Other)?;
        let result = registry.digest(&tag).map_err(|e| Error::Other(e.to_string()));
        task.close(&result);
        result
    }

    fn url(&self, url: &str) -> Result<Digest> {
        if self.ask == Ask::Store {
            return self
                .store
                .download(url)
                .map(|known| known.file)
                .ok_or_else(|| unknown(&lock::url_name(url)));
        }
        let memory = Memory::default();
        let name = file_name(url);
        let wanted = Wanted { url, name: &name, checksum: None, locked: None };
        Ok(self.elsewhere(&memory).file(&wanted)?.file)
    }

    fn commit(&self, git: &Git) -> Result<String> {
        let memory = Memory::default();
        let elsewhere = self.elsewhere(&memory);
        match self.ask {
            Ask::Store => elsewhere.last_commit(git).ok_or_else(|| unknown(&lock::git_name(git))),
            Ask::Everybody => elsewhere.commit(git),
        }
    }

    fn elsewhere<'a>(&'a self, memory: &'a Memory) -> Elsewhere<'a> {
        Elsewhere::new(self.store, self.settings, self.voice, memory)
    }
}

fn unknown(name: &str) -> Error {
    Error::Other(format!(
        "the store doesn't know what `{name}` stands for\nhint: build once, or pin without --offline"
    ))
}
