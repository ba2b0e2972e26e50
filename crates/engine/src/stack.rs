//! A file system as a list of layers: to folders for the sandbox, and to a view for COPY.
//!
//! Layers are brought to disk when somebody first needs their files: base layers from where the image comes
//! from, made ones from their compressed form if that is all that is left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use layer::Verified;
use oci::DiffId;
use store::{LayerId, Store};
use tree::root::Root;
use tree::view::View;
use tree::view::layer::Layer;

use crate::build::Session;
use crate::error::{Error, Result, doing};
use crate::event::Task;
use crate::stop::Stoppable;

/// How many layers of one image are fetched at once: more than this and a slow disk has to seek.
const AT_ONCE: usize = 4;

impl Session<'_> {
    /// The layers that hold anything, as folders, the top one first. All of them are on disk afterwards.
    ///
    /// # Errors
    /// If a layer can't be had, or this process may not unpack.
    pub fn folders(&self, stack: &[LayerId]) -> Result<Vec<PathBuf>> {
        self.bring(stack)?;
        Ok(self.distinct(stack).into_iter().rev().map(|id| self.store.layer_fs(id)).collect())
    }

    /// The layers that hold anything, the lowest first, each once: of one that is there twice the upper one says
    /// everything, and the kernel takes no folder twice.
    pub fn distinct<'a>(&self, stack: &'a [LayerId]) -> Vec<&'a LayerId> {
        let mut seen = HashSet::with_capacity(stack.len());
        let held = stack.iter().rev().filter(|id| !self.is_empty(id));
        let mut kept: Vec<&LayerId> = held.filter(|id| seen.insert(*id)).collect();
        kept.reverse();
        kept
    }

    /// The merged view of a stack.
    ///
    /// # Errors
    /// As [`Session::folders`]. Always if this process may not work: outside of the user namespace the files
    /// have other owners.
    pub fn view(&self, stack: &[LayerId]) -> Result<View> {
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        let mut on_disk = Vec::new();
        for id in stack {
            if self.loose_layer(id)?.is_none() {
                on_disk.push(*id);
            }
        }
        self.bring(&on_disk)?;
        let layers = self.distinct(stack).into_iter().rev().map(|id| self.opened(id));
        Ok(View::of(layers.collect::<Result<_>>()?))
    }

    fn opened(&self, id: &LayerId) -> Result<Layer> {
        if let Some(loose) = self.loose_layer(id)? {
            return Ok(loose);
        }
        let path = self.store.layer_fs(id);
        let root = Root::open(&path).map_err(doing(format_args!("open `{}`", path.display())))?;
        Ok(Layer::Disk(root))
    }

    /// Whether it is the layer without entries.
    pub fn is_empty(&self, id: &LayerId) -> bool {
        *id == self.empty
    }

    /// Makes sure that every layer's files are on disk.
    pub(crate) fn bring(&self, stack: &[LayerId]) -> Result<()> {
        let missing: Vec<&LayerId> =
            stack.iter().filter(|id| !self.is_empty(id) && !self.store.has_trusted_fs(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(missing.len()) {
                scope.spawn(|| {
                    while let Some(id) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let result = self.bring_one(id);
                        results.lock().expect("no panic while held").push(result);
                    }
                });
            }
        });
        results.into_inner().expect("the threads are done").into_iter().collect()
    }

    fn bring_one(&self, id: &LayerId) -> Result<()> {
        let _lock = self.store.lock(&format!("bring-{id}"))?;
        if self.store.has_whole_fs(id)? {
            return Ok(());
        }
        match id {
            LayerId::Base(diff_id) => self.pull(id, diff_id),
            LayerId::Made(_) => self.unpack_made(id),
        }
    }

    fn pull(&self, id: &LayerId, diff_id: &DiffId) -> Result<()> {
        let (base, index) = self.base_of(diff_id)?;
        if let Some(toolchain) = base.toolchain() {
            return toolchain.make(self.store, &base.platform, self.voice).map(drop);
        }
        let blob = &base.image.manifest.layers[index];
        let task = self.voice.task(format!("pull {} layer {}", base.name, blob.digest.short()));
        let result = self.pull_into(id, diff_id, base, blob, &task);
        task.close(&result);
        result
    }

    fn pull_into(
        &self,
        id: &LayerId,
        diff_id: &DiffId,
        base: &crate::bases::Resolved,
        blob: &oci::Descriptor,
        task: &Task,
    ) -> Result<()> {
        let compression = compression_of(blob)?;
        let folder = self.store.scratch("layer")?;
        if self.store.has_blob(blob) {
            match unpack_stored(self.store, id, blob, diff_id) {
                // It was damaged, and reading it has removed it.
                Err(_) if !self.store.has_blob(blob) => {}
                done => return done,
            }
        }
        let origin = base.origin(self)?;
        let mut source = Stoppable::new(origin.blob(blob, task)?, &self.settings.cancel);
        let mut copy = self.store.new_hashed_blob()?;
        unpack(&mut Tee { source: &mut source, copy: &mut copy }, compression, diff_id, &folder)?;
        copy.commit_as(&blob.digest)?;
        Ok(self.store.place_fs(id, &folder)?)
    }

    /// Makes sure that an image's layers are in the store as blobs; those of a base image may never have been
    /// needed until now.
    ///
    /// # Errors
    /// If one can't be fetched.
    pub fn bring_blobs(&self, image: &oci::Image) -> Result<()> {
        for (blob, diff_id) in image.manifest.layers.iter().zip(&image.config.rootfs.diff_ids) {
            if self.store.has_blob(blob) {
                continue;
            }
            let (base, _) = self.base_of(diff_id)?;
            if base.toolchain().is_some() {
                self.bring_one(&LayerId::Base(*diff_id))?;
                crate::toolchain::write_blob(self.store, blob)?;
                continue;
            }
            let task = self.voice.task(format!("pull {} layer {}", base.name, blob.digest.short()));
            let result = self.fetch_blob(base, blob, &task);
            task.close(&result);
            result?;
        }
        Ok(())
    }

    fn fetch_blob(&self, base: &crate::bases::Resolved, blob: &oci::Descriptor, task: &Task) -> Result<()> {
        let origin = base.origin(self)?;
        let mut source = Stoppable::new(origin.blob(blob, task)?, &self.settings.cancel);
        let mut copy = self.store.new_hashed_blob()?;
        std::io::copy(&mut source, &mut copy)
            .map_err(doing(format_args!("fetch layer {}", blob.digest.short())))?;
        copy.commit_as(&blob.digest)?;
        Ok(())
    }

    fn unpack_made(&self, id: &LayerId) -> Result<()> {
        if let Some(loose) = self.loose(id)? {
            return self.write_files(id, &loose.changes);
        }
        let record = self
            .store
            .any_blob(id)
            .ok_or_else(|| format!("layer {id} is not in the store any more: build again"))?;
        unpack_stored(self.store, id, &record.blob, &record.diff_id)
    }
}

/// Unpacks a layer whose blob is in the store.
///
/// # Errors
/// If the blob isn't what it should be, or can't be unpacked.
pub fn unpack_stored(store: &Store, id: &LayerId, blob: &oci::Descriptor, diff_id: &DiffId) -> Result<()> {
    let folder = store.scratch("layer")?;
    let mut file = oci::Blobs::open(store, blob).map_err(doing("read a layer"))?;
    unpack(&mut file, compression_of(blob)?, diff_id, &folder)?;
    if store.layer_meta(id).is_some() {
        // The blob's times may follow the reproducible rule; a step sees true ones.
        crate::times::restore(&folder, &store.layer_changes(id)?)?;
    }
    Ok(store.place_fs(id, &folder)?)
}

fn compression_of(blob: &oci::Descriptor) -> Result<oci::media::Compression> {
    let known = oci::media::Compression::of_layer(&blob.media_type);
    known.ok_or_else(|| {
        format!("layer {} has the unknown media type `{}`", blob.digest, blob.media_type).into()
    })
}

/// Unpacks a layer and checks that the tar is the one that the config names.
///
/// Devices and attributes that an ordinary user can't make are left out, as every builder without root does.
fn unpack(
    blob: &mut (dyn std::io::Read + Send),
    compression: oci::media::Compression,
    diff_id: &DiffId,
    folder: &Path,
) -> Result<()> {
    let say = || doing(format_args!("unpack layer {}", diff_id.0.short()).to_string());
    std::fs::create_dir(folder).map_err(say())?;
    {
        let plain = layer::decode::layer_decoder(compression, &mut *blob).map_err(say())?;
        let mut checked = Verified::new(plain, diff_id.0, None);
        layer::apply(&mut checked, folder, &|_| None, &|_| {}).map_err(say())?;
        checked.finish().map_err(say())?;
    }
    // What follows the compressed stream belongs to the blob's digest too.
    std::io::copy(blob, &mut std::io::sink()).map_err(say())?;
    Ok(())
}

/// Keeps what is read, until the build is stopped.
struct Tee<'a, R, W> {
    source: &'a mut R,
    copy: &'a mut W,
}

impl<R: std::io::Read, W: std::io::Write> std::io::Read for Tee<'_, R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.copy.write_all(&buffer[..n])?;
        Ok(n)
    }
}
