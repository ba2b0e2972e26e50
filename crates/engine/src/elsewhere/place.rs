//! The context of a build that is in no folder, to the tree that COPY takes files from.

use std::fs::File;
use std::io::{Read, Seek};

use dockerfile::Git;
use oci::Digest;
use store::LayerId;

use super::Elsewhere;
use super::trees::archive_key;
use super::web::Wanted;
use crate::error::{Error, Result, doing};

/// What a context without archive consists of, as BuildKit calls it.
const FILE: &str = "context";

/// Where a context is.
#[derive(Debug)]
pub enum Place {
    /// In a repository.
    Git(Git),
    /// At an address: an archive, or a Dockerfile.
    Url(String),
    /// In an archive that came on standard input: its bytes, and what they hash to.
    Archive(File, Digest),
}

/// A context.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// What is in it.
    pub layer: LayerId,
    /// The Dockerfile's name, if it is nothing else.
    pub only: Option<&'static str>,
}

impl Elsewhere<'_> {
    /// The tree of a build's context.
    ///
    /// # Errors
    /// If it can't be had.
    pub fn context(&self, place: &Place) -> Result<Tree> {
        match place {
            Place::Git(git) => self.repository(git, None).map(|layer| Tree { layer, only: None }),
            Place::Url(url) => {
                let (layer, is_archive) =
                    self.unpacked(&Wanted { url, name: FILE, checksum: None, locked: None })?;
                Ok(Tree { layer, only: (!is_archive).then_some(FILE) })
            }
            Place::Archive(file, digest) => {
                self.archive(file, digest).map(|layer| Tree { layer, only: None })
            }
        }
    }

    /// The tree of a named context: what is at a web address is one file, archive or not, as with BuildKit.
    ///
    /// # Errors
    /// If it can't be had.
    pub fn named(&self, place: &Remote) -> Result<LayerId> {
        match place {
            Remote::Git(git) => self.repository(git, None),
            Remote::Url(url) => {
                Ok(self.file(&Wanted { url, name: FILE, checksum: None, locked: None })?.layer)
            }
        }
    }

    fn archive(&self, file: &File, digest: &Digest) -> Result<LayerId> {
        let key = archive_key(digest);
        let _lock = self.store.lock(&key.hex()[..16])?;
        if let Some(layer) = self.known(&key) {
            return Ok(layer);
        }
        self.must_work()?;
        let say = || doing("read standard input");
        let mut file = file.try_clone().map_err(say())?;
        file.rewind().map_err(say())?;
        if !layer::archive::is_archive(&file).map_err(say())? {
            return Err(Error::Other("standard input is compressed, but it is no tar archive".to_owned()));
        }
        file.rewind().map_err(say())?;
        let task = self.voice.task("unpack standard input");
        let result = self.unpack(&key, file.by_ref(), "standard input");
        task.close(&result);
        result
    }
}

/// Where a named context is that is no folder and no image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remote {
    /// In a repository.
    Git(Git),
    /// At an address.
    Url(String),
}
