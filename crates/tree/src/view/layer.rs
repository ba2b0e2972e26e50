//! One layer of a view: a folder in overlayfs's form, or a list of changes.

use std::io::{self, Read};
use std::sync::Arc;

use crate::entry::{Path, Xattrs};
use crate::found::{self, Shape};
use crate::root::{Dir, Root, Stat};
use crate::view::listing::{ListedDir, Listing};
use crate::xattr;

/// Where a layer's objects are.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Below a folder.
    Disk(Arc<Root>),
    /// In a list.
    Listed(Arc<Listing>),
}

/// A directory of a layer.
#[derive(Debug)]
pub(crate) enum LayerDir {
    Disk(Arc<Root>, Dir),
    Listed(ListedDir),
}

impl Layer {
    /// The bytes of the regular file at `path`.
    ///
    /// # Errors
    /// If there is none, or it can't be opened.
    pub fn open(&self, path: &[u8]) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Layer::Disk(root) => Ok(Box::new(root.file(path)?)),
            Layer::Listed(listing) => listing.source(path)?.open(),
        }
    }

    /// The folder, if it is one.
    pub fn root(&self) -> Option<&Arc<Root>> {
        match self {
            Layer::Disk(root) => Some(root),
            Layer::Listed(_) => None,
        }
    }

    pub(crate) fn stat(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        match self {
            Layer::Disk(root) => root.stat(path),
            Layer::Listed(listing) => Ok(listing.stat(path)),
        }
    }

    pub(crate) fn stat_at_rest(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        match self {
            Layer::Disk(root) => root.stat_at_rest(path),
            Layer::Listed(listing) => Ok(listing.stat(path)),
        }
    }

    pub(crate) fn readlink(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Layer::Disk(root) => root.readlink(path),
            Layer::Listed(listing) => match listing.shape(path)? {
                Some(Shape::Symlink { target }) => Ok(target),
                _ => Err(crate::root::at("read link", path, io::Error::from(io::ErrorKind::InvalidInput))),
            },
        }
    }

    pub(crate) fn xattrs(&self, path: &[u8]) -> io::Result<Xattrs> {
        match self {
            Layer::Disk(root) => Ok(xattr::of_image(root.xattrs(path)?)),
            Layer::Listed(listing) => Ok(listing.entry(path)?.meta.xattrs.clone()),
        }
    }

    pub(crate) fn dir(&self, path: &[u8]) -> io::Result<LayerDir> {
        Ok(match self {
            Layer::Disk(root) => LayerDir::Disk(root.clone(), root.dir(path)?),
            Layer::Listed(listing) => LayerDir::Listed(listing.dir(path)),
        })
    }
}

impl LayerDir {
    pub(crate) fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        match self {
            LayerDir::Disk(_, dir) => Ok(dir.names()?.into_iter().map(|name| name.name).collect()),
            LayerDir::Listed(dir) => Ok(dir.listing.names(&dir.path)),
        }
    }

    pub(crate) fn stat(&self, name: &[u8]) -> io::Result<Option<Stat>> {
        match self {
            LayerDir::Disk(_, dir) => dir.stat(name),
            LayerDir::Listed(dir) => Ok(dir.listing.stat(&dir.join(name))),
        }
    }

    pub(crate) fn is_opaque(&self, name: &[u8]) -> io::Result<bool> {
        match self {
            LayerDir::Disk(_, dir) => xattr::is_opaque(dir, name),
            LayerDir::Listed(dir) => Ok(dir.listing.is_opaque(&dir.join(name))),
        }
    }

    pub(crate) fn xattrs(&self, name: &[u8]) -> io::Result<Xattrs> {
        match self {
            LayerDir::Disk(_, dir) => Ok(xattr::of_image(dir.xattrs(name)?)),
            LayerDir::Listed(dir) => Ok(dir.listing.entry(&dir.join(name))?.meta.xattrs.clone()),
        }
    }

    pub(crate) fn shape(&self, name: &[u8], stat: &Stat, path: &Path) -> io::Result<Option<Shape>> {
        match self {
            LayerDir::Disk(root, dir) => found::shape(dir, name, stat, root, path),
            LayerDir::Listed(dir) => dir.listing.shape(path),
        }
    }
}
