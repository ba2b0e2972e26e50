//! Two outputs of a step to whether they differ by Go's build ids alone.
//!
//! The linker writes an id of all that a program was made of into the program, so a changed comment makes another file
//! of the same code. `-ldflags=-buildid=` leaves it out, and then nothing after the step has changed.

use std::io::Read;

use store::{LayerId, Store};
use trace::fact::unescape;
use tree::Root;

use super::{Kind, Reason};

/// Larger files are not compared.
const LARGEST: u64 = 256 << 20;

/// A program of two layers that differs by its build id alone, if there is none that differs in more; other files don't
/// count. `reasons`: how the layers differ.
pub fn program(store: &Store, was: &[LayerId], now: &[LayerId], reasons: &[Reason]) -> Option<String> {
    let ([was], [now]) = (was, now) else { return None };
    let mut found = None;
    for path in reasons.iter().filter(|reason| reason.kind == Kind::Content).filter_map(|r| r.path.as_ref()) {
        let inside = unescape(path.trim_start_matches('/'))?;
        match (read(store, was, &inside), read(store, now, &inside)) {
            (Some(was), Some(now)) if was == now => found = found.or(Some(path)),
            (Some(_), Some(_)) => return None,
            _ => {}
        }
    }
    found.cloned()
}

/// A Go program without its id; none if it isn't one, or can't be read.
fn read(store: &Store, layer: &LayerId, path: &[u8]) -> Option<Vec<u8>> {
    let mut file = Root::open(store.layer_fs(layer)).ok()?.file(path).ok()?;
    let size = file.metadata().ok()?.len();
    if size > LARGEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.read_to_end(&mut bytes).ok()?;
    without_id(bytes)
}

/// How the note with the id goes on behind the lengths of owner and id: type and owner.
const GO_NOTE: &[u8] = b"\x04\0\0\0Go\0\0";

/// The head of the note by which the GNU tools know a program: lengths of owner and digest, type and owner.
const GNU_NOTE: &[u8] = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";

fn without_id(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let note = find(&bytes, GO_NOTE, 4)?;
    let length = u32::from_le_bytes(bytes[note - 4..note].try_into().ok()?) as usize;
    let id = bytes[note + GO_NOTE.len()..].get(..length)?.to_vec();
    blank(&mut bytes, &id, 0, length);
    // Since Go 1.24 that note is made of the id.
    blank(&mut bytes, GNU_NOTE, GNU_NOTE.len(), 20);
    Some(bytes)
}

/// Overwrites `length` bytes, `skip` after the beginning of each `what`.
fn blank(bytes: &mut [u8], what: &[u8], skip: usize, length: usize) {
    let mut at = 0;
    while let Some(found) = find(bytes, what, at).filter(|_| !what.is_empty()) {
        at = found + what.len();
        let end = (found + skip + length).min(bytes.len());
        bytes[(found + skip).min(end)..end].fill(0);
    }
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let first = *what.first()?;
    let mut at = from;
    while let Some(step) = bytes.get(at..)?.iter().position(|&b| b == first) {
        at += step;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, note: u8, rest: &str) -> Vec<u8> {
        let lengths = [4u32.to_le_bytes(), (id.len() as u32).to_le_bytes()].concat();
        let go = [&lengths, GO_NOTE, id.as_bytes()].concat();
        let gnu = [GNU_NOTE, &[note; 20]].concat();
        [b"ELF", &go[..], &gnu, rest.as_bytes(), id.as_bytes()].concat()
    }

    #[test]
    fn programs_that_differ_by_their_id_are_the_same_without_it() {
        let plain = |id, note, rest| without_id(text(id, note, rest));
        assert_eq!(plain("abc/def", 1, "code"), plain("xyz/uvw", 2, "code"));
        assert_ne!(plain("abc/def", 1, "code"), plain("xyz/uvw", 2, "core"));
        assert_eq!(without_id(b"no program".to_vec()), None);
        assert!(plain("", 1, "code").is_some());
        assert_eq!(without_id([&[0xff; 8], GO_NOTE].concat()), None);
    }
}
