//! The Go toolchain as a base image: a version to an image of which the layers are in the store.
//!
//! A build without a Dockerfile stands on it in place of the official image that its recipe names. Go
//! publishes each toolchain as the module `golang.org/toolchain`; what is unpacked from its zip is one layer,
//! and the few files that programs expect around it ([`skeleton`]) are the other. There is no shell in it.
//!
//! The layers are named by the digest of their canonical tar, as those of any base image, but no tar is
//! written unless somebody exports them ([`write_blob`]).

mod skeleton;
mod unpack;

use std::path::{Path, PathBuf};

use goproxy::{Fetcher, Sum};
use oci::{Descriptor, DiffId, Image, ImageConfig, Platform};
use store::{LayerId, Resolution, Store};
use tree::{Change, Root, View};

use crate::error::{Error, Result, doing};
use crate::event::{Task, Voice};

/// Which toolchain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Toolchain {
    /// As `1.26.8`.
    pub version: String,
    /// Where it comes from.
    pub from: Origin,
}

/// Where a toolchain comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A module proxy. The zip has to have this hash, if there is one; else the checksum database decides.
    Proxy(Option<String>),
    /// This machine's own, by its GOROOT.
    Host(PathBuf),
}

/// Raise it when the image looks different for the same version and the same certificates.
const FORM: u32 = 1;

/// The config's label that remembers what the zip hashed to.
const SUM: &str = "golang.org/toolchain.sum";

impl Toolchain {
    /// The image, if the store has made it before, whether or not its layers are still on disk.
    pub fn known(&self, store: &Store, platform: &Platform) -> Option<Image> {
        let resolution = store.resolution(&self.name(), platform)?;
        let image = store.load_image(&resolution.manifest).ok()?;
        match &self.from {
            Origin::Proxy(Some(wanted)) if sum(&image) != Some(wanted) => None,
            _ => Some(image),
        }
    }

    /// Downloads, verifies and unpacks the toolchain, and remembers the image.
    ///
    /// # Errors
    /// If it can't be had, or isn't what it should be.
    pub fn make(&self, store: &Store, platform: &Platform, voice: &Voice) -> Result<Image> {
        let _lock = store.lock(&format!("toolchain-{}-{}", self.version, platform.architecture))?;
        if let Some(image) = self.known(store, platform).filter(|image| has_layers(store, image)) {
            return Ok(image);
        }
        let (mut layers, mut config) = (Vec::new(), config(platform));
        let scratch = store.scratch("toolchain")?;
        skeleton::write(&scratch).map_err(doing("lay out the toolchain image"))?;
        layers.push(place(store, &scratch)?);
        let (folder, sum) = self.tree(store, platform, voice)?;
        layers.push(place(store, &folder)?);
        config.config.labels.insert(SUM.to_owned(), sum);
        config.rootfs.diff_ids = layers.iter().map(|l| DiffId(l.digest)).collect();
        let image = Image::new(config, layers);
        self.remember(store, platform, &image)?;
        Ok(image)
    }

    /// The files, and what they hash to.
    fn tree(&self, store: &Store, platform: &Platform, voice: &Voice) -> Result<(PathBuf, String)> {
        let task = voice.task(match &self.from {
            Origin::Proxy(_) => format!("fetch Go {}", self.version),
            Origin::Host(goroot) => format!("copy Go {} from {}", self.version, goroot.display()),
        });
        let result = match &self.from {
            Origin::Proxy(known) => self.fetch(store, platform, known.as_deref(), &task),
            Origin::Host(goroot) => self.copy(store, goroot),
        };
        task.close(&result);
        result
    }

    fn copy(&self, store: &Store, goroot: &Path) -> Result<(PathBuf, String)> {
        let folder = store.scratch("toolchain-tree")?;
        unpack::copy(goroot, &folder).map_err(doing(format_args!("copy Go from `{}`", goroot.display())))?;
        Ok((folder, "of this machine".to_owned()))
    }

    fn fetch(
        &self,
        store: &Store,
        platform: &Platform,
        known: Option<&str>,
        task: &Task,
    ) -> Result<(PathBuf, String)> {
        let module = goproxy::toolchain(&self.version, &platform.os, &platform.architecture);
        let known = known.map(str::parse::<Sum>).transpose().map_err(|e| {
            Error::Other(format!("the lock file's hash of Go {} is not one: {e}", self.version))
        })?;
        let path = store.scratch("toolchain.zip")?;
        let open = std::fs::File::options().read(true).write(true).create_new(true).open(&path);
        let mut file = open.map_err(doing("make a file for the toolchain"))?;
        let progress = Fetched { task, version: &self.version };
        let fetched = fetcher(store).fetch(&module, known.as_ref(), &mut file, &progress);
        let sum = fetched.map_err(|e| explained(&self.version, &e))?;
        let mut zip = goproxy::Zip::open(file, &module).map_err(|e| explained(&self.version, &e))?;
        let folder = store.scratch("toolchain-tree")?;
        unpack::unpack(&mut zip, &folder).map_err(doing(format_args!("unpack Go {}", self.version)))?;
        std::fs::remove_file(&path).map_err(doing("remove a temporary file"))?;
        Ok((folder, sum.to_string()))
    }

    fn remember(&self, store: &Store, platform: &Platform, image: &Image) -> Result<()> {
        store.put_blob(&image.manifest_bytes)?;
        store.put_blob(&image.config_bytes)?;
        let (name, manifest) = (self.name(), image.descriptor.clone());
        let resolution = Resolution { name, manifest, index: None, at: crate::clock::now() };
        Ok(store.put_resolution(platform, &resolution)?)
    }

    /// Under what the store remembers it. Other certificates make another image, and so does a Go of this machine
    /// that was installed anew.
    fn name(&self) -> String {
        let place = match &self.from {
            Origin::Proxy(_) => String::new(),
            Origin::Host(goroot) => format!(" of {} {:?}", goroot.display(), installed(goroot)),
        };
        format!("golang.org/toolchain {} form {FORM} {}{place}", self.version, skeleton::digest())
    }
}

/// What the zip of a toolchain's image hashed to.
pub fn sum(image: &Image) -> Option<&str> {
    image.config.config.labels.get(SUM).map(String::as_str)
}

/// Writes a layer of such an image as the uncompressed tar that its descriptor names.
///
/// # Errors
/// If a file can't be read or written.
pub fn write_blob(store: &Store, blob: &Descriptor) -> Result<()> {
    let changes = changes(&store.layer_fs(&LayerId::Base(DiffId(blob.digest))))?;
    let mut out = store.new_blob()?;
    layer::write(&changes, &TIMES, &mut out).map_err(doing("write a layer"))?;
    let (digest, _) = out.commit()?;
    match digest == blob.digest {
        true => Ok(()),
        false => Err(Error::Other(format!("the toolchain's files have changed in the store ({digest})"))),
    }
}

/// Go's own build cache knows the toolchain by version, so its files may all have one time.
const TIMES: layer::Times = layer::Times::All { to: plan::options::EARLIEST };

fn fetcher(store: &Store) -> Fetcher {
    let env = transport::Env::process();
    let settings = goproxy::Settings::read(&env);
    let client = transport::Client::new(env, transport::Limits::default());
    Fetcher::new(client, settings, store.root().join("sumdb"))
}

fn explained(version: &str, e: &goproxy::Error) -> Error {
    let help = match e.kind {
        goproxy::Kind::NotFound => Some(format!(
            "there is no Go {version}, or the module proxy doesn't offer it: correct the version in go.mod or --go, \
             or name another proxy in GOPROXY"
        )),
        _ => e.help(),
    };
    let help = help.map(|h| format!("\nhelp: {h}")).unwrap_or_default();
    Error::Other(format!("fetch Go {version}: {e}{help}"))
}

fn installed(goroot: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(goroot.join("bin/go")).and_then(|meta| meta.modified()).ok()
}

fn has_layers(store: &Store, image: &Image) -> bool {
    image.config.rootfs.diff_ids.iter().all(|d| store.has_fs(&LayerId::Base(*d)))
}

/// Gives a folder its place as a layer, and describes the layer.
fn place(store: &Store, folder: &Path) -> Result<Descriptor> {
    let changes = changes(folder)?;
    let mut digest = oci::digest::Hasher::default();
    let size = layer::write(&changes, &TIMES, &mut digest).map_err(doing("read the toolchain's files"))?;
    let digest = digest.finish();
    store.place_fs(&LayerId::Base(DiffId(digest)), folder)?;
    Ok(Descriptor::new(oci::media::LAYER_TAR, digest, size))
}

fn changes(folder: &Path) -> Result<Vec<Change>> {
    let say = || doing("read the toolchain's files");
    let root = Root::open(folder).map_err(say())?;
    let snapshot = tree::snapshot(&root, &View::new(Vec::new()), &[], &tree::hash::NoHashes);
    Ok(snapshot.map_err(say())?.changes)
}

/// As the official image's, so that the recipe's steps find the same.
fn config(platform: &Platform) -> ImageConfig {
    let Platform { os, architecture, variant, .. } = platform.clone();
    let mut config = ImageConfig { os, architecture, variant, ..ImageConfig::default() };
    let path = "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    config.config.env = [path, "GOTOOLCHAIN=local", "GOPATH=/go"].map(str::to_owned).to_vec();
    config.config.working_dir = "/go".to_owned();
    config
}

/// Tells a task how much of the zip is here.
struct Fetched<'a> {
    task: &'a Task<'a>,
    version: &'a str,
}

impl goproxy::Progress for Fetched<'_> {
    fn at(&self, done: u64, total: Option<u64>) {
        self.task.moved(self.version, done, total.unwrap_or(done));
    }
}
