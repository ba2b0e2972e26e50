//! The images that a build stands on: names to manifests, from the store if they were ever resolved.

mod locked;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use oci::{DiffId, Image, Platform, Reference};
use plan::options::Fact;
use plan::{Base, Facts, Want};
use store::{Resolution, Store};
use transport::Pull;

use crate::build::Session;
use crate::error::Result;
use crate::event::{Ended, Voice};
use crate::origin::Origins;
use crate::settings::{NamedContext, Settings};
use crate::toolchain::Toolchain;

pub use locked::remembered;
pub(crate) use locked::{by_digest, digest_of};

/// A base image whose manifest and config are known.
pub struct Resolved {
    /// As the Dockerfile names it.
    pub name: String,
    /// For which platform.
    pub platform: Platform,
    /// Manifest and config.
    pub image: Image,
    /// Whether the store knew it: nobody was asked.
    pub was_known: bool,
    place: Place,
    origin: OnceLock<std::result::Result<Arc<dyn Pull>, String>>,
}

/// Where the layers are if the store hasn't them.
#[derive(Clone, Debug)]
enum Place {
    Registry(Reference),
    Layout(String),
    /// An image that tare built: its layers are in the store, and plain or not.
    Store(Vec<store::LayerId>, bool),
    /// What tare makes of Go's own distribution.
    Go(Toolchain),
}

/// All base images of a build.
#[derive(Default)]
pub struct Bases {
    all: Vec<Resolved>,
}

impl Bases {
    /// Resolves everything that the plan wants.
    ///
    /// # Errors
    /// If an image can't be found, with the line that wants it.
    pub fn resolve(
        wants: &[Want],
        store: &Store,
        settings: &Settings,
        origins: &Origins,
        voice: &Voice,
    ) -> Result<Bases> {
        let resolver = Resolver { store, settings, origins, voice, drifted: RefCell::default() };
        let all = wants.iter().map(|want| resolver.one(want)).collect::<Result<_>>()?;
        Ok(Bases { all })
    }

    /// What the plan has to know of them.
    pub fn facts(&self) -> Facts {
        let fact = |r: &Resolved| {
            let layers = r.image.config.rootfs.diff_ids.clone();
            let base = Base { name: r.name.clone(), manifest: r.image.descriptor.digest, layers };
            ((r.name.clone(), r.platform.clone()), Fact { base, config: r.image.config.clone() })
        };
        Facts { images: self.all.iter().map(fact).collect::<BTreeMap<_, _>>() }
    }

    /// The image of that manifest.
    pub fn by_manifest(&self, digest: &oci::Digest) -> Option<&Resolved> {
        self.all.iter().find(|r| r.image.descriptor.digest == *digest)
    }

    /// Repositories of a registry that a layer was pulled from.
    pub fn repositories_of(&self, blob: &oci::Digest, registry: &str) -> Vec<String> {
        let has = |r: &&Resolved| r.image.manifest.layers.iter().any(|l| l.digest == *blob);
        let name = |r: &Resolved| match &r.place {
            Place::Registry(name) if name.host == registry => Some(name.repository.clone()),
            _ => None,
        };
        self.all.iter().filter(has).filter_map(name).collect()
    }

    /// Every image.
    pub fn iter(&self) -> impl Iterator<Item = &Resolved> {
        self.all.iter()
    }
}

impl Resolved {
    /// Where its blobs are fetched from; opened at first use.
    ///
    /// # Errors
    /// If the place can't be reached.
    pub fn origin(&self, session: &Session) -> Result<&Arc<dyn Pull>> {
        let open = || session.origins.open(&self.place_reference()?);
        self.origin.get_or_init(open).as_ref().map_err(|e| e.clone().into())
    }

    fn place_reference(&self) -> std::result::Result<crate::origin::Place, String> {
        match &self.place {
            Place::Registry(name) => {
                // By digest: the tag may have moved since it was resolved.
                let digest = Some(self.image.descriptor.digest);
                Ok(crate::origin::Place::Registry(Reference { digest, ..name.clone() }))
            }
            Place::Layout(spec) => Ok(crate::origin::Place::Layout(spec.clone())),
            Place::Store(..) => {
                Err(format!("image `{}` is not whole in the store any more: build it again", self.name))
            }
            Place::Go(_) => {
                Err(format!("`{}` stands for a Go toolchain, which is in no registry", self.name))
            }
        }
    }

    /// The Go toolchain that it is, if it is one.
    pub fn toolchain(&self) -> Option<&Toolchain> {
        match &self.place {
            Place::Go(toolchain) => Some(toolchain),
            _ => None,
        }
    }

    /// Whether the layers that tare made are kept plain for as long as they don't leave the store.
    pub fn is_plain(&self) -> bool {
        matches!(self.place, Place::Store(_, true))
    }

    /// The layers as the store knows them, lowest first.
    pub fn layers(&self) -> Vec<store::LayerId> {
        match &self.place {
            Place::Store(layers, _) => layers.clone(),
            _ => self.image.config.rootfs.diff_ids.iter().map(|d| store::LayerId::Base(*d)).collect(),
        }
    }
}

impl Session<'_> {
    /// Which base image, and which of its layers, has that diff id.
    pub fn base_of(&self, diff_id: &DiffId) -> Result<(&Resolved, usize)> {
        let find = |r: &Resolved| r.image.config.rootfs.diff_ids.iter().position(|d| d == diff_id);
        let found = self.bases.iter().find_map(|r| find(r).map(|i| (r, i)));
        found.ok_or_else(|| format!("no base image has layer {diff_id}").into())
    }
}

struct Resolver<'a> {
    store: &'a Store,
    settings: &'a Settings,
    origins: &'a Origins,
    voice: &'a Voice<'a>,
    /// Pinned images that were asked for: several platforms want the same.
    drifted: RefCell<BTreeSet<Reference>>,
}

impl Resolver<'_> {
    fn one(&self, want: &Want) -> Result<Resolved> {
        let place = self.place(want)?;
        if let Place::Go(toolchain) = &place {
            return self.toolchain(want, toolchain);
        }
        let purpose =
            if self.settings.is_several() { format!(" for {}", want.platform) } else { String::new() };
        let pinned = self.pinned(want);
        if let Some(pinned) = pinned.as_ref().filter(|_| self.settings.pull) {
            self.look_for_drift(want, pinned)?;
        }
        let at = pinned.iter().filter_map(|name| name.digest).map(|digest| format!(" at {digest}"));
        let at: String = at.collect();
        let task = self.voice.task(format!("resolve {}{at}{purpose}", want.name));
        let found = match self.known(&place, want) {
            Some(image) => Ok((image, Ended::Cached)),
            // A build that may not work isn't worth a request: the one that may will make it.
            None if !self.settings.may_work && matches!(place, Place::Registry(_)) => {
                return Err(crate::Error::NeedsWork);
            }
            None => self.ask(&place, want).map(|image| (image, Ended::Done)),
        };
        match found {
            Ok((image, how)) => {
                task.end(how);
                self.check_platform(want, &image);
                Ok(resolved(want, place, image, how == Ended::Cached))
            }
            Err(message) => {
                task.fail(message.clone());
                Err(match pinned {
                    Some(pinned) => locked::not_had(want, &pinned, &message),
                    None => not_found(want, message),
                })
            }
        }
    }

    /// What goes wrong with a toolchain has little to do with the line that names an image in its place.
    fn toolchain(&self, want: &Want, toolchain: &Toolchain) -> Result<Resolved> {
        let known = toolchain.known(self.store, &want.platform);
        let was_known = known.is_some();
        let image = match known {
            Some(image) => image,
            None if !self.settings.may_work => return Err(crate::Error::NeedsWork),
            None => toolchain.make(self.store, &want.platform, self.voice)?,
        };
        Ok(resolved(want, Place::Go(toolchain.clone()), image, was_known))
    }

    /// An image without an index is taken as it is, whatever it is for.
    fn check_platform(&self, want: &Want, image: &Image) {
        let offered = image.config.platform();
        if !want.platform.accepts(&offered) {
            let (name, wanted) = (&want.name, &want.platform);
            self.voice.warn(format!("base image `{name}` is for {offered}, but {wanted} is wanted"));
        }
    }

    fn place(&self, want: &Want) -> Result<Place> {
        let reference = || want.name.parse::<Reference>().map_err(|m| not_found(want, m));
        Ok(match self.settings.contexts.get(&want.name) {
            Some(NamedContext::Layout(spec)) => Place::Layout(spec.clone()),
            Some(NamedContext::Image(name)) => self.place_of(name.clone(), &want.platform),
            Some(NamedContext::Go(toolchain)) => Place::Go(toolchain.clone()),
            _ => match self.pinned(want) {
                Some(pinned) => Place::Registry(pinned),
                None => self.place_of(reference()?, &want.platform),
            },
        })
    }

    /// An image that was built here goes before one in a registry, as with Docker, unless `--pull`.
    fn place_of(&self, name: Reference, platform: &Platform) -> Place {
        let stored = self.store.image(&name).filter(|_| !self.settings.pull);
        match stored.and_then(|stored| stored.on(platform)) {
            Some(stored) => Place::Store(stored.layers, stored.plain),
            None => Place::Registry(name),
        }
    }

    fn known(&self, place: &Place, want: &Want) -> Option<Image> {
        match place {
            Place::Store(..) => {
                let name = want.name.parse().ok()?;
                let stored = self.store.image(&name)?.on(&want.platform)?;
                self.store.load_image(&stored.manifest).ok()
            }
            // A folder can change under its name at any time, and asking it costs nothing.
            Place::Layout(_) => None,
            Place::Go(_) => None,
            // What a digest means can't change.
            Place::Registry(name) if self.settings.pull && name.digest.is_none() => None,
            Place::Registry(name) => remembered(self.store, name, &want.platform),
        }
    }

    fn ask(&self, place: &Place, want: &Want) -> std::result::Result<Image, String> {
        let place = match place {
            Place::Registry(name) => crate::origin::Place::Registry(name.clone()),
            Place::Layout(spec) => crate::origin::Place::Layout(spec.clone()),
            Place::Store(..) => {
                return Err(format!("image `{}` is not whole in the store: build it again", want.name));
            }
            Place::Go(toolchain) => {
                return Err(format!("Go {} is no image of a registry", toolchain.version));
            }
        };
        let origin = self.origins.open(&place)?;
        let resolved = origin.resolve(&want.platform).map_err(|e| e.to_string())?;
        let index = resolved.index.clone();
        let config = origin.config(&resolved).map_err(|e| e.to_string())?;
        let image = resolved.image(config).map_err(|e| e.to_string())?;
        self.remember(&place, want, &image, index)?;
        Ok(image)
    }

    fn remember(
        &self,
        place: &crate::origin::Place,
        want: &Want,
        image: &Image,
        index: Option<oci::Descriptor>,
    ) -> std::result::Result<(), String> {
        self.store.put_blob(&image.manifest_bytes)?;
        self.store.put_blob(&image.config_bytes)?;
        if let crate::origin::Place::Registry(name) = place {
            let manifest = image.descriptor.clone();
            let resolution = Resolution { name: name.to_string(), manifest, index, at: crate::clock::now() };
            self.store.put_resolution(&want.platform, &resolution)?;
        }
        Ok(())
    }
}

fn resolved(want: &Want, place: Place, image: Image, was_known: bool) -> Resolved {
    let (name, platform) = (want.name.clone(), want.platform.clone());
    Resolved { name, platform, image, was_known, place, origin: OnceLock::new() }
}

fn not_found(want: &Want, message: String) -> crate::Error {
    let (span, line) = (dockerfile::Span::default(), want.line);
    let help = want.near.as_ref().map(|name| format!("did you mean stage `{name}`?"));
    crate::Error::Dockerfile(vec![dockerfile::Diagnostic { line, end_line: line, span, message, help }])
}
