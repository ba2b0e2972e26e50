//! A stack of layer directories to the file system that a process would see, without mounting it.
//!
//! The layers are as overlayfs takes them for its lower directories: a character device 0/0 hides a name,
//! the attribute `overlay.opaque` hides what is below a directory, the uppermost object wins and
//! directories merge. Paths are looked up as they stand; only [`View::resolve`] follows links, and only
//! within the view. The layers must not change while a view is open: what was seen once is remembered.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::entry::{Meta, Path, Time, Xattrs};
use crate::found::{self, Found, join, split};
use crate::root::{Ident, Root, Stat, Type, at, text};
use crate::view::layer::{Layer, LayerDir};

pub mod layer;
pub mod listing;
pub(crate) mod resolve;

/// A read-only merged view of layers.
#[derive(Debug)]
pub struct View {
    layers: Vec<Layer>,
    folders: Mutex<HashMap<Vec<u8>, Option<Arc<Folder>>>>,
}

/// An object of the view: what it is, and in which layer it lives.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The layer, counted from the top.
    pub layer: usize,
    /// What is there.
    pub stat: Stat,
}

/// A name in a directory of the view.
#[derive(Clone, Debug)]
pub struct Child {
    /// The name.
    pub name: Vec<u8>,
    /// The object.
    pub node: Node,
    /// Where it is a directory: the layers that show through, top first.
    layers: Vec<usize>,
}

/// A directory of the view.
#[derive(Debug)]
struct Folder {
    /// The layers that have it and show through, top first.
    layers: Vec<usize>,
    /// What is in it by name, once somebody has asked for all.
    children: OnceLock<Vec<Child>>,
}

/// No file that `read` is meant for is larger.
const LARGEST: u64 = 16 << 20;

impl View {
    /// A view of folders, the top one first. Without any it is an empty root.
    pub fn new(layers: Vec<Arc<Root>>) -> View {
        View::of(layers.into_iter().map(Layer::Disk).collect())
    }

    /// A view of `layers`, the top one first.
    pub fn of(layers: Vec<Layer>) -> View {
        let all = (0..layers.len()).collect();
        let root = Arc::new(Folder { layers: all, children: OnceLock::new() });
        View { layers, folders: Mutex::new(HashMap::from([(Vec::new(), Some(root))])) }
    }

    /// The layers, top first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What is at `path`, links not followed.
    pub fn lookup(&self, path: &[u8]) -> io::Result<Option<Node>> {
        match split(path) {
            None => self.root_node().map(Some),
            Some((dir, _)) => Ok(self.child(dir, path)?.map(|child| child.node)),
        }
    }

    /// What is in the directory at `path`, sorted by name; nothing where there is no directory.
    pub fn list(&self, path: &[u8]) -> io::Result<Vec<Child>> {
        Ok(match self.folder(path)? {
            Some(folder) => self.children(path, &folder)?.to_vec(),
            None => Vec::new(),
        })
    }

    /// The layers whose directory at `path` shows through, top first; none where there is no directory.
    pub fn layers_of(&self, path: &[u8]) -> io::Result<Vec<usize>> {
        Ok(self.folder(path)?.map(|folder| folder.layers.clone()).unwrap_or_default())
    }

    /// All that is below the directory at `path`, in canonical order, to be read where it lies.
    pub fn walk(&self, path: &[u8]) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut open = vec![path.to_vec()];
        while let Some(path) = open.pop() {
            let Some(folder) = self.folder(&path)? else { continue };
            let dirs = self.dirs(&path, &folder.layers)?;
            for child in self.children(&path, &folder)? {
                let below = join(&path, &child.name);
                let dir = &dirs[&child.node.layer];
                if child.node.stat.kind == Type::Dir {
                    open.push(below.clone());
                }
                found.extend(self.found_in(dir, below.into(), &child.name, &child.node)?);
            }
        }
        found::sort(&mut found);
        Ok(found)
    }

    /// The target of the link that `node` is.
    pub fn readlink(&self, path: &[u8], node: &Node) -> io::Result<Vec<u8>> {
        self.layers[node.layer].readlink(path)
    }

    /// One object with all that a walk would tell of it; nothing for a socket.
    pub fn found(&self, path: &[u8], node: &Node) -> io::Result<Option<Found>> {
        let (folder, name) = split(path).unwrap_or((b"", b"."));
        let Some(layer) = self.layers.get(node.layer) else { return Ok(Some(bare_root(node))) };
        self.found_in(&layer.dir(folder)?, path.into(), name, node)
    }

    /// The extended attributes that the image has at `path`.
    pub fn xattrs(&self, path: &[u8]) -> io::Result<Xattrs> {
        match self.lookup(path)? {
            Some(node) if node.layer < self.layers.len() => self.layers[node.layer].xattrs(path),
            _ => Ok(Xattrs::default()),
        }
    }

    /// The bytes of a small file such as `/etc/passwd`, links followed; nothing where there is none.
    pub fn read(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let path = self.resolve(path, true)?;
        let Some(node) = self.lookup(&path)? else { return Ok(None) };
        if node.stat.kind != Type::File {
            return Ok(None);
        }
        if node.stat.ident.size > LARGEST {
            return Err(io::Error::other(format!("`{}` is too large to be read at once", text(&path))));
        }
        let mut bytes = Vec::new();
        let mut file = self.layers[node.layer].open(&path)?.take(LARGEST);
        file.read_to_end(&mut bytes).map_err(|e| at("read", &path, e))?;
        Ok(Some(bytes))
    }

    fn found_in(&self, dir: &LayerDir, path: Path, name: &[u8], node: &Node) -> io::Result<Option<Found>> {
        let Some(shape) = dir.shape(name, &node.stat, &path)? else { return Ok(None) };
        let meta = Meta { xattrs: dir.xattrs(name)?, ..meta_of(&node.stat) };
        Ok(Some(Found { path, meta, shape }))
    }

    fn root_node(&self) -> io::Result<Node> {
        let stat = match self.layers.first() {
            Some(top) => top.stat(b"")?,
            None => None,
        };
        Ok(Node { layer: 0, stat: stat.unwrap_or(EMPTY_ROOT) })
    }

    /// What is at `path` in the directory `dir`.
    fn child(&self, dir: &[u8], path: &[u8]) -> io::Result<Option<Child>> {
        let Some(folder) = self.folder(dir)? else { return Ok(None) };
        let name = split(path).map_or(path, |(_, name)| name);
        if let Some(children) = folder.children.get() {
            let at = children.binary_search_by(|child| child.name.as_slice().cmp(name));
            return Ok(at.ok().map(|i| children[i].clone()));
        }
        let stat = |layer: usize| self.layers[layer].stat_at_rest(path);
        let opaque = |layer: usize| self.layers[layer].dir(path)?.is_opaque(b".");
        merge(name, &folder.layers, stat, opaque)
    }

    /// The directory at `path`, if there is one.
    fn folder(&self, path: &[u8]) -> io::Result<Option<Arc<Folder>>> {
        if let Some(known) = self.known_folder(path) {
            return Ok(known);
        }
        let Some((dir, _)) = split(path) else { return Ok(None) };
        let child = self.child(dir, path)?.filter(|child| child.node.stat.kind == Type::Dir);
        let folder = child.map(|child| Arc::new(Folder { layers: child.layers, children: OnceLock::new() }));
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(folders.entry(path.to_vec()).or_insert(folder).clone())
    }

    fn known_folder(&self, path: &[u8]) -> Option<Option<Arc<Folder>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn children<'a>(&self, path: &[u8], folder: &'a Folder) -> io::Result<&'a [Child]> {
        if let Some(children) = folder.children.get() {
            return Ok(children);
        }
        let children = self.merged(path, folder)?;
        Ok(folder.children.get_or_init(|| children))
    }

    fn merged(&self, path: &[u8], folder: &Folder) -> io::Result<Vec<Child>> {
        let dirs = self.dirs(path, &folder.layers)?;
        let mut names: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for &layer in &folder.layers {
            for name in dirs[&layer].names()? {
                names.entry(name).or_default().push(layer);
            }
        }
        let mut children = Vec::with_capacity(names.len());
        for (name, layers) in names {
            let stat = |layer: usize| dirs[&layer].stat(&name);
            let opaque = |layer: usize| dirs[&layer].is_opaque(&name);
            children.extend(merge(&name, &layers, stat, opaque)?);
        }
        Ok(children)
    }

    fn dirs(&self, path: &[u8], layers: &[usize]) -> io::Result<HashMap<usize, LayerDir>> {
        layers.iter().map(|&layer| Ok((layer, self.layers[layer].dir(path)?))).collect()
    }
}

/// What a name is when `layers`, top first, are laid over each other.
fn merge(
    name: &[u8],
    layers: &[usize],
    stat: impl Fn(usize) -> io::Result<Option<Stat>>,
    opaque: impl Fn(usize) -> io::Result<bool>,
) -> io::Result<Option<Child>> {
    let mut top: Option<Child> = None;
    for (i, &layer) in layers.iter().enumerate() {
        let Some(stat) = stat(layer)? else { continue };
        if is_whiteout(&stat) || (top.is_some() && stat.kind != Type::Dir) {
            break;
        }
        let child = top.get_or_insert_with(|| Child {
            name: name.to_vec(),
            node: Node { layer, stat },
            layers: Vec::new(),
        });
        if stat.kind != Type::Dir {
            break;
        }
        child.layers.push(layer);
        if i + 1 < layers.len() && opaque(layer)? {
            break;
        }
    }
    Ok(top)
}

/// Whether it is overlayfs's mark for a name that is gone.
fn is_whiteout(stat: &Stat) -> bool {
    stat.kind == Type::Char { major: 0, minor: 0 }
}

/// The metadata of an object of an image, without its attributes.
pub(crate) fn meta_of(stat: &Stat) -> Meta {
    Meta { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: stat.ident.mtime, xattrs: Xattrs::default() }
}

/// The root of a view without layers, as `FROM scratch` has it.
const EMPTY_ROOT: Stat = Stat {
    kind: Type::Dir,
    mode: 0o755,
    uid: 0,
    gid: 0,
    nlink: 2,
    ident: Ident {
        dev: 0,
        ino: 0,
        size: 0,
        mtime: Time { sec: 0, nsec: 0 },
        ctime: Time { sec: 0, nsec: 0 },
    },
};

fn bare_root(node: &Node) -> Found {
    Found { path: Path::default(), meta: meta_of(&node.stat), shape: found::Shape::Dir }
}
