//! A context's file identities to content digests, so that an unchanged file isn't read again.
//!
//! ```text
//! "tare stats 1\n", then records of 88 bytes, sorted:
//!   u64 dev, u64 ino, u64 size, i64 mtime s, u32 mtime ns, i64 ctime s, u32 ctime ns, 32 bytes BLAKE3, 8 zero
//! ```
//! A file is the same if all of it is the same; ctime can't be set by a program. A file that was changed
//! less than two seconds before it was hashed is not remembered: it could change again within one tick of
//! the file system's clock (git calls such entries "racily clean").
//!
//! Beside it in `ID.looks`, `"tare looks 1\n"` and records of 64 bytes, the latest last: how what was copied looked from
//! outside (see [`tree::look`]), and the digest of what that came to. Whoever finds it there needs no file's digest.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use tree::hash::{Hashes, Ident};
use tree::look::YOUNG;
use tree::{Content, Time};

use crate::{Result, Store};

const MAGIC: &[u8] = b"tare stats 1\n";
const RECORD: usize = 88;
const LOOKS: &[u8] = b"tare looks 1\n";
/// More than a Dockerfile has COPYs, times the states of a folder that somebody goes back and forth between.
const MOST_LOOKS: usize = 256;

/// The digests of one context, in memory; [`Stats::save`] writes them if any was added.
pub struct Stats {
    path: PathBuf,
    /// Read when it is asked for.
    state: Mutex<Option<State>>,
    looks: Mutex<Looks>,
}

struct State {
    known: HashMap<Ident, Known>,
    dirty: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Known {
    content: Content,
    /// Asked for, or added.
    used: bool,
    /// Known for this process only.
    young: bool,
}

struct Looks {
    known: Vec<[[u8; 32]; 2]>,
    dirty: bool,
    /// Whether one was of use: then not all files of the context were asked after.
    used: bool,
}

impl Store {
    /// The remembered digests of the context in `folder`; empty for a new one.
    pub fn stats(&self, folder: &Path) -> Stats {
        use std::os::unix::ffi::OsStrExt;
        let id = blake3::hash(folder.as_os_str().as_bytes());
        let path = self.path("stats").join(id.to_hex().as_str());
        let looks = std::fs::read(path.with_extension("looks")).ok().and_then(|b| decode_looks(&b));
        let looks = Looks { known: looks.unwrap_or_default(), dirty: false, used: false };
        Stats { path, state: Mutex::default(), looks: Mutex::new(looks) }
    }
}

impl State {
    fn read(path: &Path) -> State {
        let known = std::fs::read(path).ok().and_then(|b| decode(&b)).unwrap_or_default();
        State { known, dirty: false }
    }
}

impl Stats {
    /// The digest of what looked so.
    pub fn looked(&self, look: &[u8; 32]) -> Option<[u8; 32]> {
        let mut looks = self.looks.lock().expect("no thread panics while it holds this");
        let found = looks.known.iter().rev().find(|[known, _]| known == look).map(|[_, content]| *content);
        looks.used |= found.is_some();
        found
    }

    /// Remembers what something that looked so came to.
    pub fn put_look(&self, look: [u8; 32], content: [u8; 32]) {
        let mut looks = self.looks.lock().expect("no thread panics while it holds this");
        looks.known.retain(|[known, _]| *known != look);
        looks.known.push([look, content]);
        let surplus = looks.known.len().saturating_sub(MOST_LOOKS);
        looks.known.drain(..surplus);
        looks.dirty = true;
    }

    /// Writes what was used or added since it was opened; what was neither is forgotten, unless not all was asked for.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn save(&self, store: &Store) -> Result<()> {
        let mut looks = self.looks.lock().expect("no thread panics while it holds this");
        let mut state = self.state.lock().expect("no thread panics while it holds this");
        if looks.dirty {
            store.write(&self.path.with_extension("looks"), &encode_looks(&looks.known))?;
            looks.dirty = false;
        }
        match &mut *state {
            Some(state) if state.dirty => {
                state.dirty = false;
                let lasting =
                    state.known.iter().filter(|(_, known)| !known.young && (known.used || looks.used));
                store.write_with(&self.path, |file| {
                    encode(lasting.map(|(id, known)| (id, &known.content)), file)
                })
            }
            _ => Ok(()),
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("no thread panics while it holds this");
        ask(state.get_or_insert_with(|| State::read(&self.path)))
    }
}

impl Hashes for Stats {
    fn get(&self, id: &Ident) -> Option<Content> {
        self.with(|state| {
            let known = state.known.get_mut(id)?;
            known.used = true;
            Some(known.content)
        })
    }

    fn put(&self, id: Ident, content: Content) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        self.with(|state| {
            // Good for this process in any case: who reads the bytes later checks them against the digest.
            let young = now - id.ctime.sec <= YOUNG;
            state.known.insert(id, Known { content, used: true, young });
            state.dirty |= !young;
        });
    }
}

fn encode_looks(all: &[[[u8; 32]; 2]]) -> Vec<u8> {
    [LOOKS, all.as_flattened().as_flattened()].concat()
}

fn decode_looks(bytes: &[u8]) -> Option<Vec<[[u8; 32]; 2]>> {
    let (records, rest) = bytes.strip_prefix(LOOKS)?.as_chunks::<64>();
    let half = |record: &[u8; 64], at: usize| record[at..at + 32].try_into().expect("32 bytes");
    rest.is_empty().then(|| records.iter().map(|record| [half(record, 0), half(record, 32)]).collect())
}

fn encode<'a>(all: impl Iterator<Item = (&'a Ident, &'a Content)>, out: &mut dyn Write) -> io::Result<()> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by_key(|(id, _)| order(id));
    out.write_all(MAGIC)?;
    let mut bytes = Vec::with_capacity(RECORD);
    all.into_iter().try_for_each(|(id, content)| {
        bytes.clear();
        put_record(&mut bytes, id, content);
        out.write_all(&bytes)
    })
}

/// Identities sort as the bytes of their records do, whose lowest byte comes first.
fn order(id: &Ident) -> ([u64; 4], u32, u64, u32) {
    let [dev, ino, size] = [id.dev, id.ino, id.size].map(u64::swap_bytes);
    let [mtime, ctime] = [id.mtime, id.ctime].map(|time| (time.sec as u64).swap_bytes());
    ([dev, ino, size, mtime], id.mtime.nsec.swap_bytes(), ctime, id.ctime.nsec.swap_bytes())
}

fn put_record(out: &mut Vec<u8>, id: &Ident, content: &Content) {
    let end = out.len() + RECORD;
    [id.dev, id.ino, id.size].iter().for_each(|n| out.extend(n.to_le_bytes()));
    for time in [id.mtime, id.ctime] {
        out.extend(time.sec.to_le_bytes());
        out.extend(time.nsec.to_le_bytes());
    }
    out.extend(content.0);
    out.resize(end, 0);
}

fn decode(bytes: &[u8]) -> Option<HashMap<Ident, Known>> {
    let records = bytes.strip_prefix(MAGIC)?;
    (records.len() % RECORD == 0).then(|| records.chunks_exact(RECORD).map(parse).collect())
}

fn parse(record: &[u8]) -> (Ident, Known) {
    let u64_at = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
    let u32_at = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"));
    let time_at = |at: usize| Time { sec: u64_at(at) as i64, nsec: u32_at(at + 8) };
    let content = Content(record[48..80].try_into().expect("32 bytes"));
    let id =
        Ident { dev: u64_at(0), ino: u64_at(8), size: u64_at(16), mtime: time_at(24), ctime: time_at(36) };
    (id, Known { content, used: false, young: false })
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
        let known = |n| Known { content: Content([n; 32]), used: false, young: false };
        let all: HashMap<_, _> = (0..9).map(|n| (id(n), known(n as u8))).collect();
        let mut bytes = Vec::new();
        encode(all.iter().map(|(id, known)| (id, &known.content)), &mut bytes).unwrap();
        assert!(bytes[MAGIC.len()..].as_chunks::<RECORD>().0.is_sorted());
        assert_eq!(bytes.len(), MAGIC.len() + 9 * RECORD);
        assert_eq!(decode(&bytes), Some(all));
        assert_eq!(decode(&bytes[1..]), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        let looks = vec![[[1; 32], [2; 32]], [[3; 32], [4; 32]]];
        let bytes = encode_looks(&looks);
        assert_eq!(decode_looks(&bytes), Some(looks));
        assert_eq!(decode_looks(&bytes[..bytes.len() - 1]), None);
    }
}
