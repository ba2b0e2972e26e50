//! A checksum database of our own: records, a key, and all that a server would have of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::server::{Reply, Routes};
use crate::module::Module;
use crate::tree::{Hash, node_hash, record_hash};

/// A log of records, of which any beginning can be published.
pub(crate) struct Log {
    name: String,
    key: Ed25519KeyPair,
    records: Vec<(String, String)>,
    leaves: Vec<Hash>,
}

impl Log {
    /// `count` records of no interest.
    pub(crate) fn new(name: &str, count: usize) -> Log {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let mut log = Log { name: name.to_owned(), key, records: Vec::new(), leaves: Vec::new() };
        (0..count).for_each(|i| {
            log.add(&format!("example.com/m{i}@v1.0.0"), &format!("example.com/m{i} v1.0.0 h1:x\n"))
        });
        log
    }

    /// Appends a record that is found under `key`.
    pub(crate) fn add(&mut self, key: &str, record: &str) {
        self.leaves.push(record_hash(record));
        self.records.push((key.to_owned(), record.to_owned()));
    }

    /// Appends the record of a module.
    pub(crate) fn add_module(&mut self, module: &Module, sum: &str) {
        let (path, version) = (&module.path, &module.version);
        self.add(&module.to_string(), &format!("{path} {version} {sum}\n{path} {version}/go.mod h1:x\n"));
    }

    pub(crate) fn size(&self) -> usize {
        self.leaves.len()
    }

    /// What goes into GOSUMDB.
    pub(crate) fn verifier(&self) -> String {
        let key = self.encoded_key();
        let hash: String = self.key_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}+{hash}+{}", self.name, STANDARD.encode(key))
    }

    /// The signed tree over the first `size` records.
    pub(crate) fn note(&self, size: usize) -> String {
        let root = STANDARD.encode(root(&self.leaves[..size]));
        self.sign(&format!("go.sum database tree\n{size}\n{root}\n"))
    }

    /// A text and the database's signature.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = [&self.key_hash()[..], self.key.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signature))
    }

    /// What is said about record `id` in the tree over the first `size` records.
    pub(crate) fn lookup(&self, id: usize, size: usize) -> String {
        format!("{id}\n{}\n{}", self.records[id].1, self.note(size))
    }

    /// Everything that a server with the first `size` records has, below `prefix`.
    pub(crate) fn publish(&self, routes: &mut Routes, prefix: &str, size: usize) {
        let mut say =
            |path: String, bytes: Vec<u8>| routes.insert(format!("{prefix}/{path}"), vec![Reply::ok(bytes)]);
        say("supported".to_owned(), Vec::new());
        let note = self.note(size);
        for (id, (key, record)) in self.records[..size].iter().enumerate() {
            say(format!("lookup/{key}"), format!("{id}\n{record}\n{note}").into_bytes());
        }
        let mut nodes = self.leaves[..size].to_vec();
        for level in 0.. {
            if nodes.is_empty() {
                return;
            }
            for (n, tile) in nodes.chunks(256).enumerate() {
                let part = if tile.len() < 256 { format!(".p/{}", tile.len()) } else { String::new() };
                say(format!("tile/8/{level}/{n:03}{part}"), tile.concat());
            }
            nodes = nodes.chunks_exact(256).map(root).collect();
        }
    }

    fn encoded_key(&self) -> Vec<u8> {
        [&[1], self.key.public_key().as_ref()].concat()
    }

    fn key_hash(&self) -> [u8; 4] {
        let text = [self.name.as_bytes(), b"\n", &self.encoded_key()].concat();
        Sha256::digest(text)[..4].try_into().unwrap()
    }
}

/// As RFC 6962 defines it, which is not how the code under test does it.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}
