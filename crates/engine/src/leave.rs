//! An image that stays in the store to one that may leave it: its plain layers are compressed.
//!
//! A layer that nothing but this store reads is not worth the time that compressing takes, so a build whose image
//! goes nowhere keeps the layers that it makes as plain tars. On the way out they become what a build that pushes
//! would have made, byte for byte: gzip at its default level, of the same tar. Layers that came from elsewhere
//! leave as they came.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use layer::BlobInfo;
use oci::media::{Compression, LAYER_TAR};
use oci::{Blobs, Descriptor, Image, Tagged};
use store::{BlobRecord, LayerId, Store, Stored};

use crate::ahead::{Goals, Leaving};
use crate::error::{Result, doing};
use crate::event::{Task, Voice};
use crate::settings::Compress;
use crate::stop::Stoppable;

/// How a layer is kept that goes nowhere.
pub(crate) const PLAIN: Compress = Compress { format: Compression::None, level: None };

/// How many bytes are read at a time, and told of.
const MOVED: usize = 1 << 20;

/// What a stored image is for everybody else. What is compressed now goes on its way to `goals` meanwhile.
///
/// # Errors
/// If a layer can't be read, or the store can't be written; [`crate::Error::Cancelled`] if `stop` is set meanwhile.
pub fn packed(
    store: &Store,
    stored: &Stored,
    what: Tagged,
    goals: Goals,
    voice: &Voice,
    stop: &Arc<AtomicBool>,
) -> Result<Tagged> {
    if !stored.plain {
        return Ok(what);
    }
    let packer = Packer { store, goals, voice, stop };
    let both = what.images().iter().zip(stored.layers_of_each());
    let images = both.map(|(image, layers)| packer.image(image, layers)).collect::<Result<_>>()?;
    Ok(what.with_images(images))
}

/// Compresses what is in the store.
pub(crate) struct Packer<'a> {
    pub(crate) store: &'a Store,
    pub(crate) goals: Goals,
    pub(crate) voice: &'a Voice<'a>,
    pub(crate) stop: &'a Arc<AtomicBool>,
}

impl Packer<'_> {
    fn image(&self, image: &Image, layers: &[LayerId]) -> Result<Image> {
        Ok(image.clone().with_layers(self.layers(layers, &image.manifest.layers)?))
    }

    /// The layers of an image that is kept plain, as they leave.
    pub(crate) fn layers(&self, ids: &[LayerId], blobs: &[Descriptor]) -> Result<Vec<Descriptor>> {
        ids.iter().zip(blobs).map(|(id, blob)| self.layer(id, blob)).collect()
    }

    fn layer(&self, id: &LayerId, blob: &Descriptor) -> Result<Descriptor> {
        if matches!(id, LayerId::Base(_)) || blob.media_type != LAYER_TAR {
            return Ok(blob.clone());
        }
        let _lock = self.store.lock(&format!("pack-{id}"))?;
        if let Some(known) = self.store.packed(id, blob) {
            return Ok(known.blob);
        }
        let record = self.recompressed(blob, Compress::default())?;
        self.store.put_packed(id, blob, &record)?;
        Ok(record.blob)
    }

    /// Another form of a plain layer.
    pub(crate) fn recompressed(&self, plain: &Descriptor, compress: Compress) -> Result<BlobRecord> {
        let what = plain.digest.short();
        let task = self.voice.task(format!("compress layer {what}"));
        let result = self.write(plain, compress, &task);
        task.close(&result);
        if self.stop.load(Ordering::SeqCst) {
            return Err(crate::Error::Cancelled);
        }
        result
    }

    fn write(&self, plain: &Descriptor, compress: Compress, task: &Task) -> Result<BlobRecord> {
        let say = || doing(format!("compress layer {}", plain.digest.short()));
        let tar = BufReader::with_capacity(MOVED, self.store.open(plain).map_err(say())?);
        let tar = Stoppable::new(tar, self.stop);
        let watched = Watched { tar, task, size: plain.size, at: 0, what: plain.digest.short() };
        let mut writer = Leaving::new(self.store.new_hashed_blob()?, &self.goals);
        let info = layer::recompress(watched, compress.format, compress.level, &mut writer).map_err(say())?;
        if info.diff_id.0 != plain.digest {
            return Err(
                format!("layer {} is damaged in the store: build the image again", plain.digest).into()
            );
        }
        committed(writer, &info, compress)
    }
}

/// Gives a layer's blob that was written its name.
pub(crate) fn committed(writer: Leaving, info: &BlobInfo, compress: Compress) -> Result<BlobRecord> {
    writer.commit(info.digest)?;
    let blob = Descriptor::new(compress.format.layer_media_type(), info.digest, info.size);
    Ok(BlobRecord { diff_id: info.diff_id, blob })
}

/// A tar that says how far it has been read.
struct Watched<'a, R> {
    tar: R,
    task: &'a Task<'a>,
    size: u64,
    at: u64,
    what: String,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.tar.read(buffer)?;
        let before = self.at;
        self.at += count as u64;
        if before / MOVED as u64 != self.at / MOVED as u64 {
            self.task.moved(&self.what, self.at, self.size);
        }
        Ok(count)
    }
}
