//! The image to where it was asked for: the store, registries, archives, folders, a Docker daemon.
//!
//! Of several platforms it is an index and all images below it; the root file systems go into one folder
//! each (see `files`). Nothing gets a name before everything that it names is there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oci::{Blobs, Publish, Reference, Tagged};
use store::{Store, Stored};
use transport::Name;
use transport::archive::Format;

use crate::annotation::{self, Place};
use crate::bases::Bases;
use crate::build::{Built, Part, Session};
use crate::error::{Error, Result};
use crate::event::{Task, Voice};
use crate::origin::Origins;
use crate::settings::{Output, Settings};
use crate::stop::Stoppable;

/// What was built, on its way out.
pub struct Export<'a> {
    store: &'a Store,
    settings: &'a Settings,
    voice: &'a Voice<'a>,
    origins: &'a Origins,
    bases: &'a Bases,
    what: &'a Tagged,
    /// What each platform came to, with the session that did it.
    pub(crate) parts: Vec<(&'a Session<'a>, &'a Part)>,
}

/// Sends what the sessions made to every output.
///
/// # Errors
/// If one of them fails; those before it are done.
pub fn export(sessions: &[Session], parts: Vec<Part>) -> Result<Built> {
    let Session { store, settings, voice, origins, bases, .. } = sessions[0];
    let what = tagged(&parts, settings);
    let both = sessions.iter().zip(&parts).collect();
    let notes = Export { store, settings, voice, origins, bases, what: &what, parts: both }.all()?;
    Ok(Built { what, parts, notes })
}

fn tagged(parts: &[Part], settings: &Settings) -> Tagged {
    if !settings.is_several() {
        return parts[0].image.clone().into();
    }
    let annotations = |place| annotation::of(&settings.annotations, place, None);
    let images = parts.iter().map(|part| (part.platform.clone(), part.image.clone())).collect();
    Tagged::index(images, annotations(Place::Index)).described(annotations(Place::IndexDescriptor))
}

impl Export<'_> {
    fn all(&self) -> Result<Vec<String>> {
        if self.settings.wants_blobs() || !self.settings.tags.is_empty() {
            self.parts.iter().try_for_each(|(session, part)| session.bring_blobs(&part.image))?;
        }
        self.keep()?;
        let mut notes = Vec::new();
        for output in &self.settings.outputs {
            notes.extend(self.output(output)?);
        }
        Ok(notes)
    }

    /// Puts manifests, configs and the index into the store, and gives them their names.
    fn keep(&self) -> Result<()> {
        for (_, part) in &self.parts {
            self.store.put_blob(&part.image.manifest_bytes)?;
            self.store.put_blob(&part.image.config_bytes)?;
        }
        self.store.put_blob(self.what.bytes())?;
        let (rule, now) = (self.parts[0].0.rule.name(), crate::clock::now());
        for tag in &self.settings.tags {
            let layers = self.parts.iter().map(|(_, part)| part.layers.clone()).collect();
            let stored = Stored::new(&tag.to_string(), self.what, layers, now, rule);
            self.store.put_image(&Stored { plain: self.settings.compress.is_none(), ..stored })?;
        }
        Ok(())
    }

    fn output(&self, output: &Output) -> Result<Vec<String>> {
        match output {
            Output::Image { push: false } => Ok(Vec::new()),
            Output::Image { push: true } => self.push_all(),
            Output::Oci { dest, tar: true } => self.archive("OCI archive", dest.as_deref(), Format::Oci),
            Output::Oci { dest, tar: false } => self.layout(dest.as_deref()),
            Output::Docker { dest } => self.archive("Docker archive", dest.as_deref(), Format::Docker),
            Output::Tar { dest } => self.root_tar(dest.as_deref()),
            Output::Local { dest } => self.root_files(dest),
            Output::Load => self.load(),
        }
    }

    /// Something that takes time, as a task.
    pub(crate) fn task<T>(
        &self,
        name: impl Into<String>,
        work: impl FnOnce(&Task) -> Result<T>,
    ) -> Result<T> {
        let task = self.voice.task(name);
        let result = work(&task);
        task.close(&result);
        result
    }

    fn push_all(&self) -> Result<Vec<String>> {
        if self.settings.tags.is_empty() {
            return Err("nothing to push: give the image a name with -t".to_owned().into());
        }
        let mut notes = Vec::new();
        for tag in &self.settings.tags {
            self.task(format!("push {}", tag.familiar()), |task| self.push(tag, task))?;
            notes.push(format!("pushed {}@{}", tag.familiar(), self.what.descriptor().digest));
        }
        Ok(notes)
    }

    fn push(&self, tag: &Reference, task: &Task) -> Result<()> {
        let registry = self.origins.registry()?;
        registry.push(self.what, self, tag, task)?;
        Ok(())
    }

    fn archive(&self, what: &str, dest: Option<&Path>, format: Format) -> Result<Vec<String>> {
        let write = |out: &mut dyn Write| {
            let written = transport::archive::write(out, format, self.what, &self.names(), self, &());
            written.map(drop).map_err(Error::from)
        };
        self.task(format!("write {what}"), |_| self.write_file(dest, write))?;
        Ok(dest.map(|d| format!("wrote {what} {}", d.display())).into_iter().collect())
    }

    fn layout(&self, dest: Option<&Path>) -> Result<Vec<String>> {
        let dest = dest.ok_or_else(|| Error::Other("an OCI layout needs dest=FOLDER".to_owned()))?;
        let target =
            transport::layout::Target { dir: dest.to_owned(), names: self.names(), progress: Arc::new(()) };
        self.task("write OCI layout", |_| target.publish(self.what, self).map_err(Error::Other))?;
        Ok(vec![format!("wrote OCI layout {}", dest.display())])
    }

    fn load(&self) -> Result<Vec<String>> {
        let env = transport::Env::process();
        let daemon = transport::docker_daemon::Target { env, names: self.names(), progress: Arc::new(()) };
        self.task("load into Docker", |_| daemon.publish(self.what, self).map_err(Error::Other))?;
        Ok(vec!["loaded into Docker".to_owned()])
    }

    fn names(&self) -> Vec<Name> {
        self.settings.tags.iter().cloned().map(Name::Image).collect()
    }

    /// Writes a file under another name and gives it its own at the end; or writes to standard output.
    pub(crate) fn write_file(
        &self,
        dest: Option<&Path>,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let Some(dest) = dest else {
            return write(&mut Stoppable::new(std::io::stdout().lock(), self.stop()));
        };
        let part = dest.with_extension(format!("part-{}", std::process::id()));
        let say =
            |e: std::io::Error| Error::Other(format!("write `{}`: {}", dest.display(), store::plain(&e)));
        let file = File::create(&part).map_err(say)?;
        let mut out = Stoppable::new(BufWriter::with_capacity(1 << 17, file), self.stop());
        let result = write(&mut out)
            .and_then(|()| out.flush().map_err(say))
            .and_then(|()| std::fs::rename(&part, dest).map_err(say));
        result.inspect_err(|_| drop(std::fs::remove_file(&part)))
    }

    pub(crate) fn stop(&self) -> &Arc<AtomicBool> {
        &self.settings.cancel
    }
}

impl Blobs for Export<'_> {
    fn open(&self, blob: &oci::Descriptor) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
        Ok(Box::new(Stoppable::new(self.store.open(blob)?, self.stop())))
    }

    fn known_in(&self, blob: &oci::Digest, registry: &str) -> Vec<String> {
        self.bases.repositories_of(blob, registry)
    }
}
