//! A context's file identities to content digests, so that an unchanged file isn't read again.
//!
//! ```text
//! "tare stats 1\n", then records of 88 bytes, sorted:
//!   u64 dev, u64 ino, u64 size, i64 mtime s, u32 mtime ns, i64 ctime s, u32 ctime ns, 32 bytes BLAKE3, 8 zero
//! ```
//! A file is the same if all of it is the same; ctime can't be set by a program. A file that was changed
//! less than two seconds before it was hashed is not remembered: it could change again within one tick of
//! the file system's clock (git calls such entries "racily clean").

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use tree::hash::{Hashes, Ident};
use tree::{Content, Time};

use crate::{Result, Store};

const MAGIC: &[u8] = b"tare stats 1\n";
const RECORD: usize = 88;
const RACY: i64 = 2;

/// The digests of one context, in memory; [`Stats::save`] writes them if any was added.
pub struct Stats {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    known: HashMap<Ident, Content>,
    used: HashMap<Ident, Content>,
    dirty: bool,
}

impl Store {
    /// The remembered digests of the context in `folder`; empty for a new one.
    pub fn stats(&self, folder: &std::path::Path) -> Stats {
        use std::os::unix::ffi::OsStrExt;
        let id = blake3::hash(folder.as_os_str().as_bytes());
        let path = self.path("stats").join(id.to_hex().as_str());
        let known = std::fs::read(&path).ok().and_then(|b| decode(&b)).unwrap_or_default();
        Stats { path, state: Mutex::new(State { known, used: HashMap::new(), dirty: false }) }
    }
}

impl Stats {
    /// Writes what was used or added since it was opened; what was neither is forgotten.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn save(&self, store: &Store) -> Result<()> {
        let state = self.state.lock().expect("no thread panics while it holds this");
        if !state.dirty {
            return Ok(());
        }
        store.write(&self.path, &encode(&state.used))
    }
}

impl Hashes for Stats {
    fn get(&self, id: &Ident) -> Option<Content> {
        let mut state = self.state.lock().expect("no thread panics while it holds this");
        let content = *state.known.get(id)?;
        state.used.insert(*id, content);
        Some(content)
    }

    fn put(&self, id: Ident, content: Content) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let mut state = self.state.lock().expect("no thread panics while it holds this");
        // Good for this process in any case: who reads the bytes later checks them against the digest.
        state.known.insert(id, content);
        if now - id.ctime.sec <= RACY {
            return;
        }
        state.used.insert(id, content);
        state.dirty = true;
    }
}

fn encode(all: &HashMap<Ident, Content>) -> Vec<u8> {
    let mut records: Vec<Vec<u8>> = all.iter().map(|(id, content)| record(id, content)).collect();
    records.sort();
    let mut out = MAGIC.to_vec();
    records.iter().for_each(|r| out.extend(r));
    out
}

fn record(id: &Ident, content: &Content) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD);
    [id.dev, id.ino, id.size].iter().for_each(|n| out.extend(n.to_le_bytes()));
    for time in [id.mtime, id.ctime] {
        out.extend(time.sec.to_le_bytes());
        out.extend(time.nsec.to_le_bytes());
    }
    out.extend(content.0);
    out.resize(RECORD, 0);
    out
}

fn decode(bytes: &[u8]) -> Option<HashMap<Ident, Content>> {
    let records = bytes.strip_prefix(MAGIC)?;
    (records.len() % RECORD == 0).then(|| records.chunks_exact(RECORD).map(parse).collect())
}

fn parse(record: &[u8]) -> (Ident, Content) {
    let u64_at = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
    let u32_at = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"));
    let time_at = |at: usize| Time { sec: u64_at(at) as i64, nsec: u32_at(at + 8) };
    let content = Content(record[48..80].try_into().expect("32 bytes"));
    let id =
        Ident { dev: u64_at(0), ino: u64_at(8), size: u64_at(16), mtime: time_at(24), ctime: time_at(36) };
    (id, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let id = |n| Ident {
            dev: 1,
            ino: n,
            size: 3,
            mtime: Time { sec: 4, nsec: 5 },
            ctime: Time { sec: -6, nsec: 7 },
        };
        let all: HashMap<_, _> = (0..9).map(|n| (id(n), Content([n as u8; 32]))).collect();
        let bytes = encode(&all);
        assert_eq!(bytes.len(), MAGIC.len() + 9 * RECORD);
        assert_eq!(decode(&bytes), Some(all));
        assert_eq!(decode(&bytes[1..]), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    }
}
