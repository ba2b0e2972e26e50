//! Images that are pinned: a name and the lock to the digest that is taken, and what to say if that goes wrong.

use oci::{Image, Platform, Reference};
use plan::Want;
use plan::lock;
use store::{Resolution, Store};

use super::{Place, Resolver};
use crate::error::{Error, Result};
use crate::event::Voice;
use crate::locked::{moved, problem};
use crate::origin::Origins;
use crate::settings::Settings;

impl Resolver<'_> {
    /// The image that the lock has for what is wanted, by name, tag and digest.
    pub(super) fn pinned(&self, want: &Want) -> Option<Reference> {
        if self.settings.contexts.contains_key(&want.name) {
            return None;
        }
        let name: Reference = want.name.parse().ok().filter(|name: &Reference| name.digest.is_none())?;
        let digest = Some(self.settings.lock.image(&name)?);
        Some(Reference { digest, ..name })
    }

    /// Asks what the tag means now, once for all platforms.
    pub(super) fn look_for_drift(&self, want: &Want, pinned: &Reference) -> Result<()> {
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        if !self.drifted.borrow_mut().insert(pinned.clone()) {
            return Ok(());
        }
        let tag = Reference { digest: None, ..pinned.clone() };
        let today = self.origins.registry().and_then(|registry| Ok(registry.digest(&tag)?));
        let today = today.map_err(|message| super::not_found(want, message))?;
        let Some(locked) = pinned.digest.filter(|locked| *locked != today) else { return Ok(()) };
        let name = lock::image_name(pinned);
        let said = moved(self.settings, self.voice, &name, &today.to_string(), &locked.to_string());
        said.map_err(|e| match e {
            Error::Other(text) => {
                let (message, help) = text.split_once("\nhint: ").unwrap_or((&text, ""));
                Error::Dockerfile(vec![problem(want.line, message.to_owned(), Some(help.to_owned()))])
            }
            other => other,
        })
    }
}

/// What the store knows of a name. Of a tag with a digest it may know because the tag has meant that once.
pub fn remembered(store: &Store, name: &Reference, platform: &Platform) -> Option<Image> {
    let as_named = || store.resolution(&name.to_string(), platform);
    let as_tag = || {
        let tag = Reference { digest: None, ..name.clone() };
        let found = store.resolution(&tag.to_string(), platform)?;
        name.digest.filter(|digest| *digest == digest_of(&found)).map(|_| found)
    };
    store.load_image(&as_named().or_else(as_tag)?.manifest).ok()
}

/// What a pin names: the index, so that it holds on every platform, else the manifest.
pub(crate) fn digest_of(resolution: &Resolution) -> oci::Digest {
    resolution.index.as_ref().unwrap_or(&resolution.manifest).digest
}

/// An image by its digest, as the next build will want it.
///
/// # Errors
/// If the store doesn't know it, and nobody that may be asked has it.
pub(crate) fn by_digest(
    pinned: &Reference,
    platform: &Platform,
    (store, settings, origins, voice): (&Store, &Settings, &Origins, &Voice),
) -> std::result::Result<Image, String> {
    let resolver = Resolver { store, settings, origins, voice, drifted: Default::default() };
    if let Some(image) = remembered(store, pinned, platform) {
        return Ok(image);
    }
    let (name, platform) = (pinned.to_string(), platform.clone());
    let want = Want { name, platform, line: 0, context: false, near: None };
    resolver.ask(&Place::Registry(pinned.clone()), &want)
}

/// An image that is in the lock and nowhere else.
pub(super) fn not_had(want: &Want, pinned: &Reference, message: &str) -> Error {
    let digest = pinned.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let name = lock::image_name(pinned);
    let message = format!("`{name}` is {digest} in {}, which can't be had: {message}", lock::NAME);
    let help = "`tare pin --update` takes what the name stands for now".to_owned();
    Error::Dockerfile(vec![problem(want.line, message, Some(help))])
}
