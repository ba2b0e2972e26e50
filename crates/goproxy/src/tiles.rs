//! A signed tree and a server's tiles, to nodes that are proven to be in the tree.
//!
//! The last tiles of each level, which are not whole, make up the root: they are had first and checked
//! together. A whole tile is checked against its one node in the tile above. So nothing comes out that
//! the root does not stand for, and only what is on the way is fetched.
//! Tiles never change and are kept on disk, where they are checked again at each use. The last ones are
//! kept, too: a server that lags behind does not have those of the newest tree that we know.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use crate::state::State;
use crate::tree::{HEIGHT, Hash, Tree, WIDTH, full_hash, partial_tiles, peaks, root, tile_of, tile_path};
use crate::url::Url;
use crate::web::Web;

/// Where tiles come from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub web: &'a Web<'a>,
    pub base: &'a Url,
    pub state: &'a State,
}

/// The tiles of one tree, as far as they were needed.
pub(crate) struct Tiles<'a> {
    tree: Tree,
    origin: Origin<'a>,
    /// All of them proven, by level and n.
    known: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'a> Tiles<'a> {
    /// Takes what makes up the root from disk, else from the server, and proves it.
    ///
    /// # Errors
    /// If tiles can't be had, or are not the tree's.
    pub(crate) fn of(tree: Tree, origin: Origin<'a>) -> Result<Tiles<'a>> {
        let kept = |&(level, n, width): &(u32, u64, u64)| Some(((level, n), origin.kept(level, n, width)?));
        let partial: Vec<_> = partial_tiles(tree.size).collect();
        if let Some(tiles) =
            partial.iter().map(kept).collect::<Option<_>>().and_then(|k| Tiles::proven(tree, origin, k))
        {
            return Ok(tiles);
        }
        let fetched =
            |&(level, n, width): &(u32, u64, u64)| Ok(((level, n), origin.partial(level, n, width)?));
        let fetched = partial.iter().map(fetched).collect::<Result<_>>()?;
        let tiles = Tiles::proven(tree, origin, fetched).ok_or_else(|| {
            let message = format!("the last tiles do not make up the signed tree of {} records", tree.size);
            Error::new(Kind::Security, message)
        })?;
        partial.iter().for_each(|&(level, n, width)| origin.keep(level, n, width, &tiles.known[&(level, n)]));
        Ok(tiles)
    }

    /// The last tiles of a tree, if they make up its root.
    fn proven(tree: Tree, origin: Origin<'a>, known: HashMap<(u32, u64), Vec<Hash>>) -> Option<Tiles<'a>> {
        let mut tiles = Tiles { tree, origin, known };
        (tiles.root_at(tree.size).ok()? == tree.root).then_some(tiles)
    }

    /// How many records the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.tree.size
    }

    /// The root that the tree had when it had `size` records.
    pub(crate) fn root_at(&mut self, size: u64) -> Result<Hash> {
        let peaks = peaks(size).map(|(level, n)| self.node(level, n)).collect::<Result<Vec<_>>>()?;
        Ok(root(&peaks))
    }

    /// A node that stands over records of the tree alone.
    pub(crate) fn node(&mut self, level: u32, n: u64) -> Result<Hash> {
        if n >= self.tree.size >> level {
            let message =
                format!("record {} is beyond the signed tree of {} records", n << level, self.tree.size);
            return Err(Error::new(Kind::Security, message));
        }
        let (tile, at, first, count) = tile_of(level, n);
        if !self.known.contains_key(&(tile, at)) {
            let nodes = self.whole(tile, at)?;
            self.known.insert((tile, at), nodes);
        }
        Ok(full_hash(&self.known[&(tile, at)][first..first + count]))
    }

    /// A whole tile, proven by the node above it.
    fn whole(&mut self, level: u32, n: u64) -> Result<Vec<Hash>> {
        let above = self.node(HEIGHT * (level + 1), n)?;
        let is_proven = |nodes: &Vec<Hash>| full_hash(nodes) == above;
        if let Some(nodes) = self.origin.kept(level, n, WIDTH).filter(is_proven) {
            return Ok(nodes);
        }
        let nodes = self.origin.fetch(level, n, WIDTH)?;
        if !is_proven(&nodes) {
            let path = tile_path(level, n, WIDTH);
            return Err(Error::new(Kind::Security, format!("`{path}` is not a tile of the signed tree")));
        }
        self.origin.keep(level, n, WIDTH, &nodes);
        Ok(nodes)
    }
}

impl Origin<'_> {
    /// The beginning of a tile. A server may have the whole one alone, once there is one.
    fn partial(&self, level: u32, n: u64, width: u64) -> Result<Vec<Hash>> {
        self.fetch(level, n, width).or_else(|error| {
            let mut nodes = self.fetch(level, n, WIDTH).map_err(|_| error)?;
            nodes.truncate(width as usize);
            Ok(nodes)
        })
    }

    fn fetch(&self, level: u32, n: u64, width: u64) -> Result<Vec<Hash>> {
        let path = tile_path(level, n, width);
        let bytes = self.web.bytes(&self.base.join(&path), WIDTH * size_of::<Hash>() as u64)?;
        nodes(&bytes, width).ok_or_else(|| {
            Error::new(Kind::Security, format!("`{path}` has {} bytes, which is not a tile", bytes.len()))
        })
    }

    fn kept(&self, level: u32, n: u64, width: u64) -> Option<Vec<Hash>> {
        nodes(&self.state.kept(&tile_path(level, n, width))?, width)
    }

    fn keep(&self, level: u32, n: u64, width: u64, nodes: &[Hash]) {
        self.state.keep(&tile_path(level, n, width), &nodes.concat());
    }
}

/// Exactly so many nodes.
fn nodes(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (nodes, rest) = bytes.as_chunks();
    (nodes.len() as u64 == width && rest.is_empty()).then(|| nodes.to_vec())
}
