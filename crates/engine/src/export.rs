//! The image to where it was asked for: the store, registries, archives, folders, a Docker daemon.
//!
//! Nothing gets a name before everything that it names is there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use oci::{Blobs, Image, Publish, Reference};
use store::Stored;
use transport::Name;
use transport::archive::Format;
use tree::{Change, Found};

use crate::build::{Built, Session};
use crate::error::{Error, Result, doing};
use crate::event::Task;
use crate::settings::Output;

impl Session<'_> {
    /// Sends the image to every output.
    ///
    /// # Errors
    /// If one of them fails; those before it are done.
    pub fn export(&self, mut built: Built) -> Result<Built> {
        if self.settings.wants_blobs() || !self.settings.tags.is_empty() {
            self.bring_blobs(&built.image)?;
        }
        self.keep_image(&built)?;
        for output in &self.settings.outputs {
            let note = self.output(output, &built)?;
            built.notes.extend(note);
        }
        Ok(built)
    }

    /// Puts manifest and config into the store, and gives the image its names.
    fn keep_image(&self, built: &Built) -> Result<()> {
        let Image { manifest_bytes, config_bytes, .. } = &built.image;
        self.store.put_blob(manifest_bytes)?;
        self.store.put_blob(config_bytes)?;
        for tag in &self.settings.tags {
            self.store.put_image(&Stored {
                name: tag.to_string(),
                manifest: built.image.descriptor.clone(),
                id: built.image.id(),
                layers: built.layers.clone(),
                at: crate::clock::now(),
                size: built.image.layers_size(),
                timestamps: built.timestamps.to_owned(),
            })?;
        }
        Ok(())
    }

    fn output(&self, output: &Output, built: &Built) -> Result<Vec<String>> {
        match output {
            Output::Image { push: false } => Ok(Vec::new()),
            Output::Image { push: true } => self.push_all(&built.image),
            Output::Oci { dest, tar: true } => {
                self.archive("OCI archive", dest.as_deref(), &built.image, Format::Oci)
            }
            Output::Oci { dest, tar: false } => self.layout(dest.as_deref(), &built.image),
            Output::Docker { dest } => {
                self.archive("Docker archive", dest.as_deref(), &built.image, Format::Docker)
            }
            Output::Tar { dest } => self.root_tar(dest.as_deref(), built),
            Output::Local { dest } => self.root_files(dest, built),
            Output::Load => self.load(&built.image),
        }
    }

    fn push_all(&self, image: &Image) -> Result<Vec<String>> {
        if self.settings.tags.is_empty() {
            return Err("nothing to push: give the image a name with -t".to_owned().into());
        }
        let mut notes = Vec::new();
        for tag in &self.settings.tags {
            let task = self.voice.task(format!("push {}", tag.familiar()));
            let result = self.push(image, tag, &task);
            task.close(&result);
            result?;
            notes.push(format!("pushed {}@{}", tag.familiar(), image.descriptor.digest));
        }
        Ok(notes)
    }

    fn push(&self, image: &Image, tag: &Reference, task: &Task) -> Result<()> {
        let registry = self.origins.registry()?;
        let progress = Sent(task);
        registry.push(image, self, tag, &progress)?;
        Ok(())
    }

    fn archive(&self, what: &str, dest: Option<&Path>, image: &Image, format: Format) -> Result<Vec<String>> {
        let task = self.voice.task(format!("write {what}"));
        let result = write_file(dest, |out| {
            let written = transport::archive::write(out, format, image, &self.names(), self, &());
            written.map(drop).map_err(Error::from)
        });
        task.close(&result);
        result.map(|()| dest.map(|d| format!("wrote {what} {}", d.display())).into_iter().collect())
    }

    fn layout(&self, dest: Option<&Path>, image: &Image) -> Result<Vec<String>> {
        let dest = dest.ok_or_else(|| Error::Other("an OCI layout needs dest=FOLDER".to_owned()))?;
        let task = self.voice.task("write OCI layout");
        let target =
            transport::layout::Target { dir: dest.to_owned(), names: self.names(), progress: Arc::new(()) };
        let result = target.publish(image, self).map(drop).map_err(Error::Other);
        task.close(&result);
        result.map(|()| vec![format!("wrote OCI layout {}", dest.display())])
    }

    fn load(&self, image: &Image) -> Result<Vec<String>> {
        let task = self.voice.task("load into Docker");
        let env = transport::Env::process();
        let daemon = transport::docker_daemon::Target { env, names: self.names(), progress: Arc::new(()) };
        let result = daemon.publish(image, self).map(drop).map_err(Error::Other);
        task.close(&result);
        result.map(|()| vec!["loaded into Docker".to_owned()])
    }

    fn names(&self) -> Vec<Name> {
        self.settings.tags.iter().cloned().map(Name::Image).collect()
    }

    fn root_tar(&self, dest: Option<&Path>, built: &Built) -> Result<Vec<String>> {
        let task = self.voice.task("write root file system");
        let result = self.root_changes(built).and_then(|changes| {
            let times = self.root_times();
            write_file(dest, |mut out| {
                layer::write(&changes, &times, &mut out).map(drop).map_err(doing("write a tar"))
            })
        });
        task.close(&result);
        result.map(|()| dest.map(|d| format!("wrote {}", d.display())).into_iter().collect())
    }

    fn root_files(&self, dest: &Path, built: &Built) -> Result<Vec<String>> {
        let task = self.voice.task(format!("copy files to {}", dest.display()));
        let result = self.root_changes(built).and_then(|changes| local(&changes, dest));
        task.close(&result);
        result.map(|()| vec![format!("wrote {}", dest.display())])
    }

    /// The merged root file system as changes to an empty one.
    fn root_changes(&self, built: &Built) -> Result<Vec<Change>> {
        let view = self.view(&built.layers)?;
        let found: Vec<Found> = view.walk(b"").map_err(doing("read the root file system"))?;
        let entries = tree::hash(found, &tree::hash::NoHashes).map_err(doing("read the root file system"))?;
        Ok(entries.into_iter().map(Change::Put).collect())
    }

    /// A merged tar has no layers whose time an entry could have: all get the newest.
    fn root_times(&self) -> layer::Times {
        match self.settings.is_reproducible() {
            true => layer::Times::All { to: self.rule.epoch.unwrap_or(self.rule.base) },
            false => layer::Times::Preserve,
        }
    }
}

/// Files for the user: plain ones, owned by the user, added to what is in the folder.
fn local(changes: &[Change], dest: &Path) -> Result<()> {
    let staging = dest.join(format!(".tare-{}", std::process::id()));
    let say = || doing(format_args!("write to `{}`", dest.display()).to_string());
    std::fs::create_dir_all(dest).map_err(say())?;
    let owned: Vec<Change> = changes.iter().cloned().filter_map(as_own).collect();
    let result =
        layer::materialise(&owned, &staging).map(drop).and_then(|()| merge(&staging, dest)).map_err(say());
    store::clean::remove_tree(&staging);
    result
}

/// Devices can't be made by everybody, and owners and attributes of an image mean nothing outside of it.
fn as_own(change: Change) -> Option<Change> {
    let Change::Put(mut entry) = change else { return None };
    (entry.meta.uid, entry.meta.gid) = (0, 0);
    entry.meta.xattrs.clear();
    let device = matches!(entry.kind, tree::Kind::Char { .. } | tree::Kind::Block { .. });
    (!device).then_some(Change::Put(entry))
}

fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() && target.is_dir() && !target.is_symlink() {
            merge(&entry.path(), &target)?;
        } else {
            store::clean::remove_tree(&target);
            std::fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Writes a file under another name and gives it its own at the end; or writes to standard output.
fn write_file(dest: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let Some(dest) = dest else { return write(&mut std::io::stdout().lock()) };
    let part = dest.with_extension(format!("part-{}", std::process::id()));
    let say = |e: std::io::Error| Error::Other(format!("write `{}`: {}", dest.display(), store::plain(&e)));
    let file = File::create(&part).map_err(say)?;
    let mut out = BufWriter::with_capacity(1 << 17, file);
    let result = write(&mut out)
        .and_then(|()| out.flush().map_err(say))
        .and_then(|()| std::fs::rename(&part, dest).map_err(say));
    result.inspect_err(|_| drop(std::fs::remove_file(&part)))
}

impl Blobs for Session<'_> {
    fn open(&self, blob: &oci::Descriptor) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
        self.store.open(blob)
    }

    fn known_in(&self, blob: &oci::Digest, registry: &str) -> Vec<String> {
        self.bases.repositories_of(blob, registry)
    }
}

/// Tells a task how far a push has got.
struct Sent<'a>(&'a Task<'a>);

impl transport::Progress for Sent<'_> {
    fn at(&self, blob: &oci::Descriptor, position: u64) {
        self.0.moved(&blob.digest.short(), position, blob.size);
    }
}
