//! Short ways to say what a layer puts and what a step looks at, for the tests of this crate.

use std::sync::Arc;

use ::tree::view::layer::Layer;
use ::tree::view::listing::Listing;
use ::tree::{Change, Content, Entry, Kind, Meta, Source, View};

use crate::answers::Served;
use crate::fact::Facts;
use crate::ground::{Ground, Natives};
use crate::policy::Policy;
use crate::tree::Tree;
use crate::wire::{Answer, Request};

pub(crate) fn put(path: &str, mode: u32, kind: Kind) -> Change {
    Change::Put(Entry { path: path.into(), meta: Meta { mode, ..Meta::default() }, kind })
}

pub(crate) fn dir(path: &str) -> Change {
    put(path, 0o755, Kind::Dir)
}

pub(crate) fn file(path: &str, text: &str) -> Change {
    put(path, 0o644, bytes(text.as_bytes()))
}

pub(crate) fn bytes(bytes: &[u8]) -> Kind {
    let content = Content(blake3::hash(bytes).into());
    Kind::File { size: bytes.len() as u64, content, source: Source::Bytes(bytes.into()) }
}

pub(crate) fn link(path: &str, target: &str) -> Change {
    put(path, 0o777, Kind::Symlink { target: target.into() })
}

pub(crate) fn remove(path: &str) -> Change {
    Change::Remove(path.into())
}

pub(crate) fn tree(changes: &[Change]) -> Tree {
    Tree::new(&[changes])
}

/// Layers that are listed, the lowest first.
pub(crate) fn natives(layers: &[&[Change]]) -> Arc<Natives> {
    let layers = layers
        .iter()
        .rev()
        .map(|changes| Layer::Listed(Listing::new(&Arc::new(changes.to_vec())).expect("canonical")));
    Arc::new(Natives::new(View::of(layers.collect())))
}

/// A message of the kernel.
pub(crate) fn message(opcode: u32, node: u64, body: &[u8]) -> Vec<u8> {
    let length = 40 + body.len() as u32;
    let head = [&length.to_ne_bytes()[..], &opcode.to_ne_bytes(), &9u64.to_ne_bytes()].concat();
    [&head[..], &node.to_ne_bytes(), &[0; 16], body].concat()
}

const DIR: u32 = 0o040_000;

fn mode(answer: &[u8]) -> u32 {
    u32::from_ne_bytes(answer[..4].try_into().expect("four bytes"))
}

/// Looks at what is served, as the kernel does: at a path name by name, as long as something is there.
pub(crate) struct Looker(Served);

impl Looker {
    pub(crate) fn new(changes: &[Change], ground: Ground, policy: impl Policy + 'static) -> Looker {
        Looker(Served::new(Arc::new(tree(changes)), Some(Arc::new(ground)), Arc::new(policy)))
    }

    /// The node's number, 0 where nothing is.
    pub(crate) fn at(&self, path: &str) -> u64 {
        let mut at = (1, DIR);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if at.1 != DIR {
                return 0;
            }
            let answer = self.ask(1, at.0, &[name.as_bytes(), b"\0"].concat());
            let node = u64::from_ne_bytes(answer[..8].try_into().expect("eight bytes"));
            at = (node, mode(&answer[100..]) & 0o170_000);
        }
        at.0
    }

    /// The mode, by GETATTR.
    pub(crate) fn mode(&self, path: &str) -> u32 {
        let answer = self.ask(3, self.at(path), &[0; 16]);
        mode(&answer[76..])
    }

    pub(crate) fn list(&self, path: &str) {
        let body = [&[0; 16][..], &4096u32.to_ne_bytes(), &[0; 20]].concat();
        self.ask(28, self.at(path), &body);
    }

    pub(crate) fn facts(&self, weaken: bool) -> Facts {
        self.0.touched().facts(self.0.tree(), weaken, &|_| Vec::new()).expect("facts")
    }

    fn ask(&self, opcode: u32, node: u64, body: &[u8]) -> Vec<u8> {
        let (message, mut answer) = (message(opcode, node, body), Answer::default());
        let request = Request::parse(&message).expect("a message");
        let bytes = self.0.answer(&request, &mut answer).expect("an answer");
        assert_eq!(bytes[4..8], [0; 4], "no error");
        bytes[16..].to_vec()
    }
}
