//! A context's file identities to content digests, so that an unchanged file isn't read again.
//!
//! ```text
//! "tare stats 2\n", then records of 56 bytes, sorted:
//!   u64 inode number, highest byte first; 16 bytes of the BLAKE3 of its identity; 32 bytes BLAKE3 of the file
//! the identity: u64 dev, u64 ino, u64 size, i64 mtime s, u32 mtime ns, i64 ctime s, u32 ctime ns
//! ```
//! A file is the same if all of it is the same; ctime can't be set by a program. A file that was changed
//! less than two seconds before it was hashed is not remembered: it could change again within one tick of
//! the file system's clock (git calls such entries "racily clean").
//!
//! In memory it is the same records, for a context may have a million files.
//!
//! Beside it in `ID.looks`, `"tare looks 1\n"` and records of 64 bytes, the latest last: how what was copied looked from
//! outside (see [`tree::look`]), and the digest of what that came to. Whoever finds it there needs no file's digest.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::HashTable;
use tree::Content;
use tree::hash::{Hashes, Ident};
use tree::look::YOUNG;

use crate::{Result, Store};

const MAGIC: &[u8] = b"tare stats 2\n";
const RECORD: usize = 56;
/// What comes before the content's digest.
const KEY: usize = 24;
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

type Record = [u8; RECORD];
type Key = [u8; KEY];

#[derive(Default)]
struct State {
    /// Those of the file.
    known: Pile,
    /// Which of them were asked for.
    used: Vec<bool>,
    /// Those that are new.
    added: Pile,
    /// Known for this process only.
    young: Pile,
    dirty: bool,
}

/// Records by key. A map of them would take three times the room.
#[derive(Default)]
struct Pile {
    records: Vec<Record>,
    /// Where each is among them, found by its key.
    numbers: HashTable<u32>,
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
        let known = Pile::of(File::open(path).and_then(decode).unwrap_or_default());
        State { used: vec![false; known.records.len()], known, ..State::default() }
    }

    fn get(&mut self, key: &Key) -> Option<Content> {
        if let Some(at) = self.known.find(key) {
            self.used[at] = true;
            return Some(content_of(&self.known.records[at]));
        }
        let of = |pile: &Pile| pile.find(key).map(|at| content_of(&pile.records[at]));
        of(&self.added).or_else(|| of(&self.young))
    }

    /// Writes those that are new, and of the others all or those that were used.
    fn encode(&mut self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        self.added.sort();
        let known = self.known.records.iter().zip(&self.used);
        let known = known.filter(|(_, used)| all || **used).map(|(record, _)| record);
        encode(&self.added.records, known, out)
    }
}

impl Pile {
    fn of(records: Vec<Record>) -> Pile {
        let mut numbers = HashTable::with_capacity(records.len());
        for number in 0..records.len() {
            insert(&mut numbers, &records, number);
        }
        Pile { records, numbers }
    }

    fn put(&mut self, key: &Key, content: Content) {
        let mut record = [0; RECORD];
        record[..KEY].copy_from_slice(key);
        record[KEY..].copy_from_slice(&content.0);
        match self.find(key) {
            Some(number) => self.records[number] = record,
            None => {
                self.records.push(record);
                insert(&mut self.numbers, &self.records, self.records.len() - 1);
            }
        }
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let is_it = |number: &u32| key_of(&self.records[*number as usize]) == key;
        self.numbers.find(hash(key), is_it).map(|number| *number as usize)
    }

    fn sort(&mut self) {
        self.records.sort_unstable_by_key(|record| order(key_of(record)));
        *self = Pile::of(std::mem::take(&mut self.records));
    }
}

/// A record that is not in the table yet.
fn insert(numbers: &mut HashTable<u32>, records: &[Record], number: usize) {
    let hash_of = |number: &u32| hash(key_of(&records[*number as usize]));
    let number = number as u32;
    numbers.insert_unique(hash_of(&number), number, hash_of);
}

/// Any eight bytes of a digest are as good as random.
fn hash(key: &Key) -> u64 {
    u64::from_le_bytes(*key.last_chunk().expect("a key ends in a digest"))
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
                store.write_with(&self.path, |file| state.encode(looks.used, file))
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
        let key = key(id);
        self.with(|state| state.get(&key))
    }

    fn put(&self, id: Ident, content: Content) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let key = key(&id);
        self.with(|state| {
            // Good for this process in any case: who reads the bytes later checks them against the digest.
            let young = now - id.ctime.sec <= YOUNG;
            let pile = if young { &mut state.young } else { &mut state.added };
            pile.put(&key, content);
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

/// Both lists are sorted; of what both have, that of the first counts.
fn encode<'a>(
    added: &'a [Record],
    known: impl Iterator<Item = &'a Record>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(MAGIC)?;
    let (mut added, mut known) = (added.iter().peekable(), known.peekable());
    let mut last = None;
    loop {
        let first = known.peek().copied();
        let is_first = |new: &&Record| first.is_none_or(|first| key_of(new) <= key_of(first));
        let Some(record) = added.next_if(is_first).or_else(|| known.next()) else { return Ok(()) };
        if last.replace(key_of(record)) != Some(key_of(record)) {
            out.write_all(record)?;
        }
    }
}

fn decode(mut file: File) -> io::Result<Vec<Record>> {
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    let bytes = file.metadata()?.len().saturating_sub(MAGIC.len() as u64) as usize;
    if magic != MAGIC || !bytes.is_multiple_of(RECORD) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut records = vec![[0; RECORD]; bytes / RECORD];
    file.read_exact(records.as_flattened_mut())?;
    Ok(records)
}

fn key(id: &Ident) -> Key {
    let mut key = [0; KEY];
    key[..8].copy_from_slice(&id.ino.to_be_bytes());
    key[8..].copy_from_slice(&blake3::hash(&bytes_of(id)).as_bytes()[..16]);
    key
}

fn bytes_of(Ident { dev, ino, size, mtime, ctime }: &Ident) -> [u8; 48] {
    let mut bytes = [0; 48];
    let (numbers, times) = bytes.split_at_mut(24);
    for (number, place) in [dev, ino, size].into_iter().zip(numbers.as_chunks_mut().0) {
        *place = number.to_le_bytes();
    }
    for (time, place) in [mtime, ctime].into_iter().zip(times.chunks_exact_mut(12)) {
        place[..8].copy_from_slice(&time.sec.to_le_bytes());
        place[8..].copy_from_slice(&time.nsec.to_le_bytes());
    }
    bytes
}

/// Keys sort as their bytes do; numbers are compared faster.
fn order(key: &Key) -> (u64, u128) {
    let (ino, digest) = key.split_first_chunk().expect("a key starts with a number");
    (u64::from_be_bytes(*ino), u128::from_be_bytes(digest.try_into().expect("16 bytes are left")))
}

fn key_of(record: &Record) -> &Key {
    record.first_chunk().expect("a record starts with its key")
}

fn content_of(record: &Record) -> Content {
    Content(*record.last_chunk().expect("a record ends in a digest"))
}

#[cfg(test)]
mod tests {
    use tree::Time;

    use super::*;

    fn id(ino: u64) -> Ident {
        Ident { dev: 1, ino, size: 3, mtime: Time { sec: 4, nsec: 5 }, ctime: Time { sec: -6, nsec: 7 } }
    }

    fn pile(all: &[(u64, u8)]) -> Pile {
        let mut pile = Pile::default();
        all.iter().for_each(|(ino, n)| pile.put(&key(&id(*ino)), Content([*n; 32])));
        pile
    }

    fn encoded(state: &mut State, all: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        state.encode(all, &mut bytes).unwrap();
        assert!(bytes[MAGIC.len()..].as_chunks::<RECORD>().0.is_sorted());
        bytes
    }

    /// Through a file, as the store has it.
    fn decoded(bytes: &[u8]) -> io::Result<Vec<Record>> {
        let name = format!("tare-store-stats-{}-{}", std::process::id(), blake3::hash(bytes));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes)?;
        let records = File::open(&path).and_then(decode);
        std::fs::remove_file(path)?;
        records
    }

    fn numbers(records: &[Record]) -> Vec<(u64, u8)> {
        records.iter().map(|r| (u64::from_be_bytes(*r.first_chunk().unwrap()), r[RECORD - 1])).collect()
    }

    #[test]
    fn both_ways() {
        let mut state = State { added: pile(&[(300, 3), (1, 8), (2, 2), (1, 1)]), ..State::default() };
        let bytes = encoded(&mut state, false);
        assert_eq!(numbers(&decoded(&bytes).unwrap()), [(1, 1), (2, 2), (300, 3)]);
        assert!(decoded(&bytes[1..]).is_err());
        assert!(decoded(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(decoded(MAGIC).unwrap(), Vec::<Record>::new());
        let looks = vec![[[1; 32], [2; 32]], [[3; 32], [4; 32]]];
        let bytes = encode_looks(&looks);
        assert_eq!(decode_looks(&bytes), Some(looks));
        assert_eq!(decode_looks(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn what_was_neither_used_nor_added_is_forgotten() {
        let known = Pile::of(pile(&[(1, 1), (2, 2), (3, 3), (4, 4)]).records);
        let used = vec![false; 4];
        let mut state = State { known, used, added: pile(&[(5, 5), (3, 9)]), ..State::default() };
        assert_eq!(state.get(&key(&id(2))), Some(Content([2; 32])));
        assert_eq!(numbers(&decoded(&encoded(&mut state, false)).unwrap()), [(2, 2), (3, 9), (5, 5)]);
        let all = [(1, 1), (2, 2), (3, 9), (4, 4), (5, 5)];
        assert_eq!(numbers(&decoded(&encoded(&mut state, true)).unwrap()), all);
    }

    #[test]
    fn a_thousand_are_found() {
        let all: Vec<_> = (0..1000).map(|n| (n * 7919 % 1009, n as u8)).collect();
        let mut pile = pile(&all);
        for pass in 0..2 {
            for (ino, n) in &all {
                let at = pile.find(&key(&id(*ino))).unwrap();
                assert_eq!(content_of(&pile.records[at]), Content([*n; 32]), "{pass}: {ino}");
            }
            assert_eq!(pile.find(&key(&id(2000))), None);
            pile.sort();
        }
    }

    #[test]
    fn each_is_found_in_any_order_and_in_its_state_only() {
        let mut state = State { added: pile(&[(7, 7), (9, 9)]), young: pile(&[(8, 8)]), ..State::default() };
        for n in [7, 8, 9, 9, 7, 8] {
            assert_eq!(state.get(&key(&id(n))), Some(Content([n as u8; 32])), "{n}");
        }
        assert_eq!(state.get(&key(&id(6))), None);
        let time = Time { sec: 4, nsec: 6 };
        for other in [
            Ident { dev: 2, ..id(7) },
            Ident { ino: 10, ..id(7) },
            Ident { size: 4, ..id(7) },
            Ident { mtime: time, ..id(7) },
            Ident { ctime: time, ..id(7) },
            Ident { mtime: id(7).ctime, ctime: id(7).mtime, ..id(7) },
        ] {
            assert_eq!(state.get(&key(&other)), None, "{other:?}");
        }
        assert_eq!(numbers(&decoded(&encoded(&mut state, true)).unwrap()), [(7, 7), (9, 9)]);
        state.added.put(&key(&id(3)), Content([3; 32]));
        assert_eq!(state.get(&key(&id(3))), Some(Content([3; 32])));
    }
}
