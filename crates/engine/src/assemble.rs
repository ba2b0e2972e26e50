//! The target's layers and config to an image: every layer as a blob, every time by the rule.

use oci::{Descriptor, DiffId, History, Image, ImageConfig};
use plan::{Op, StepId};
use store::layers::Meta;
use store::{BlobRecord, LayerId};
use tree::Change;

use crate::ahead::{Goals, Leaving};
use crate::annotation::{self, Place};
use crate::bases::Resolved;
use crate::build::{Part, Session, Weight};
use crate::error::{Result, doing};
use crate::leave::{self, PLAIN, Packer};
use crate::settings::{Compress, Output, Settings};
use crate::stop::Stoppable;

/// A layer of the image.
struct Layer {
    diff_id: DiffId,
    blob: Descriptor,
    /// When it was made, by the rule; seconds and nanoseconds.
    time: (i64, u32),
}

impl Session<'_> {
    /// Makes the image of the target.
    ///
    /// # Errors
    /// If a layer can't be read or written.
    pub fn assemble(&self) -> Result<Part> {
        let outcome = &self.plan.outcome;
        let chain = self.plan.chain(outcome.tip);
        let stack = outcome.tip.map(|tip| self.stack_of(tip)).unwrap_or_default();
        let base = chain.first().and_then(|id| self.base_image(*id));
        let inherited = base.map_or(0, |b| b.manifest.layers.len());
        let mut descriptors = self.inherited(base, &stack[..inherited])?;
        let mut diff_ids = base.map_or_else(Vec::new, |b| b.config.rootfs.diff_ids.clone());
        let made = self.blobs(&stack[inherited..])?;
        descriptors.extend(made.iter().map(|l| l.blob.clone()));
        diff_ids.extend(made.iter().map(|l| l.diff_id));
        let config = self.config(outcome, diff_ids, &made);
        let annotations = |place| annotation::of(&self.settings.annotations, place, Some(self.platform));
        let image = Image::new(config, descriptors)
            .annotated(annotations(Place::Manifest), annotations(Place::ManifestDescriptor));
        let (steps, cached) = self.counts();
        Ok(Part {
            platform: self.platform.clone(),
            image,
            layers: stack,
            steps,
            cached,
            builder: self.builder(&chain),
        })
    }

    fn base_image(&self, id: StepId) -> Option<&Image> {
        match &self.plan.step(id).op {
            Op::Base(base) => self.bases.by_manifest(&self.plan.base(*base).manifest).map(|r| &r.image),
            _ => None,
        }
    }

    /// The base image's layers; those that the store keeps plain as they leave, if that is what they do.
    fn inherited(&self, base: Option<&Image>, layers: &[LayerId]) -> Result<Vec<Descriptor>> {
        let Some(base) = base else { return Ok(Vec::new()) };
        let own = self.bases.by_manifest(&base.descriptor.digest).is_some_and(Resolved::is_plain);
        match (own, self.settings.compress, self.settings.may_work) {
            (true, Some(_), false) => Err(crate::Error::NeedsWork),
            (true, Some(_), true) => self.packer().layers(layers, &base.manifest.layers),
            _ => Ok(base.manifest.layers.clone()),
        }
    }

    fn packer(&self) -> Packer<'_> {
        Packer { store: self.store, goals: self.goals(), voice: self.voice, stop: &self.settings.cancel }
    }

    /// Where blobs will be pushed that are made now.
    fn goals(&self) -> Goals {
        let pushes =
            self.settings.outputs.iter().any(|output| matches!(output, Output::Image { push: true }));
        // Without a registry the push will say why there is none.
        let registry = pushes.then(|| self.origins.registry().ok()).flatten();
        let Settings { tags, cancel, .. } = self.settings;
        registry.map(|registry| Goals::new(&registry, tags, cancel)).unwrap_or_default()
    }

    fn blobs(&self, made: &[LayerId]) -> Result<Vec<Layer>> {
        let known = made.iter().map(|id| self.known(id)).collect::<Result<Vec<_>>>()?;
        let missing = known.iter().any(|(_, record)| record.is_none());
        let task = missing.then(|| self.voice.task(format!("export layers{}", self.purpose())));
        let layers = made.iter().zip(known);
        let result = layers.map(|(id, (meta, record))| self.layer(id, &meta, record)).collect();
        if let Some(task) = task {
            task.close(&result);
        }
        result
    }

    /// What is known of a layer, and its blob if there is one.
    fn known(&self, id: &LayerId) -> Result<(Meta, Option<BlobRecord>)> {
        let meta =
            self.store.layer_meta(id).ok_or_else(|| format!("layer {id} is not in the store any more"))?;
        let record = self.known_blob(id, &meta);
        Ok((meta, record))
    }

    fn known_blob(&self, id: &LayerId, meta: &Meta) -> Option<BlobRecord> {
        self.store.layer_blob(id, &self.rule.variant(id, meta.maker, self.compress()))
    }

    /// How new layers are compressed.
    fn compress(&self) -> Compress {
        self.settings.compress.unwrap_or(PLAIN)
    }

    fn layer(&self, id: &LayerId, meta: &Meta, known: Option<BlobRecord>) -> Result<Layer> {
        // SOURCE_DATE_EPOCH dates config and history even where files keep their times (trap 56).
        let time =
            self.rule.epoch.or_else(|| self.rule.time(id, meta.maker)).map_or(meta.started, |t| (t, 0));
        // An image may have a layer twice: then it has been made a moment ago.
        let record = known.or_else(|| self.known_blob(id, meta));
        let BlobRecord { diff_id, blob } = record.map_or_else(|| self.make_blob(id, meta), Ok)?;
        Ok(Layer { diff_id, blob, time })
    }

    /// A blob of a layer of which there is the tar, or whose files are on disk or can be brought there.
    fn make_blob(&self, id: &LayerId, meta: &Meta) -> Result<BlobRecord> {
        if !self.settings.may_work {
            return Err(crate::Error::NeedsWork);
        }
        if let Some(plain) = self.store.layer_blob(id, &self.rule.variant(id, meta.maker, PLAIN)) {
            let record = self.packer().recompressed(&plain.blob, self.compress())?;
            let variant = self.rule.variant(id, meta.maker, self.compress());
            self.store.put_layer_blob(id, &variant, &record)?;
            return Ok(record);
        }
        self.folders(std::slice::from_ref(id))?;
        let changes = self.store.layer_changes(id)?;
        self.write_blob(id, &changes, meta, &self.goals())
    }

    /// Writes a layer's blob in the form that the build asks for, and sends it on its way to `goals` meanwhile.
    ///
    /// # Errors
    /// If a file can't be read or is not what it was, or the store can't be written.
    pub fn write_blob(
        &self,
        id: &LayerId,
        changes: &[Change],
        meta: &Meta,
        goals: &Goals,
    ) -> Result<BlobRecord> {
        if !self.settings.may_work {
            return Err(crate::Error::NeedsWork);
        }
        let compress = self.compress();
        let variant = self.rule.variant(id, meta.maker, compress);
        let times = crate::times::of_layer(variant.time, meta);
        let mut writer = Leaving::new(self.store.new_hashed_blob()?, goals);
        let out = Stoppable::new(&mut writer, &self.settings.cancel);
        let info = layer::blob(changes, &times, compress.format, compress.level, out)
            .map_err(doing("write a layer"))?;
        let record = leave::committed(writer, &info, compress)?;
        self.store.put_layer_blob(id, &variant, &record)?;
        Ok(record)
    }

    fn config(&self, outcome: &plan::Outcome, diff_ids: Vec<DiffId>, made: &[Layer]) -> ImageConfig {
        let mut config = outcome.config.clone();
        config.rootfs.diff_ids = diff_ids;
        let start = self.start_time();
        date(&mut config.history[outcome.base_history..], made, start);
        let newest = made.iter().map(|l| l.time).max().unwrap_or(start);
        config.created = Some(rfc3339(newest));
        config
    }

    /// The time of what was there before the first layer of this build.
    fn start_time(&self) -> (i64, u32) {
        (self.rule.epoch.unwrap_or(self.rule.base), 0)
    }

    /// The heaviest stage that the image has nothing of.
    fn builder(&self, chain: &[StepId]) -> Option<Weight> {
        let is_below = |id: StepId| self.plan.ids().any(|other| self.plan.step(other).parent == Some(id));
        let tips = self.plan.ids().filter(|id| !is_below(*id) && !chain.contains(id));
        tips.map(|tip| self.weight(tip)).max_by_key(|w| w.base + w.files)
    }

    fn weight(&self, tip: StepId) -> Weight {
        let image = self.plan.chain(Some(tip)).first().and_then(|id| self.base_image(*id));
        let metas = self.stack_of(tip).into_iter().filter_map(|id| self.store.layer_meta(&id));
        Weight {
            base: image.map_or(0, Image::layers_size),
            toolchain: image.is_some_and(|image| crate::toolchain::sum(image).is_some()),
            files: metas.map(|m| m.bytes).sum(),
        }
    }
}

/// Dates the entries of this build: one that made a layer has the layer's time, the others that of the one
/// before, so that a rebuild from the cache writes the same config.
fn date(history: &mut [History], made: &[Layer], start: (i64, u32)) {
    let mut layers = made.iter();
    let mut now = layers.clone().next().map_or(start, |l| l.time);
    for entry in history {
        if !entry.empty_layer {
            now = layers.next().map_or(now, |l| l.time);
        }
        entry.created = Some(rfc3339(now));
    }
}

fn rfc3339((seconds, nanos): (i64, u32)) -> String {
    oci::time::rfc3339(seconds, nanos)
}
