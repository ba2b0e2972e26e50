//! A build's record to what each of its steps has read, as far as that was watched.
//!
//! For whoever wants to know what of a context a build uses. A step that was reused is looked for in the builds before,
//! down to the one in which it ran. Prints nothing, changes nothing.

use plan::Key;
use store::builds::{Kind, Record, Step};
use store::{LayerId, Store};
use trace::{Fact, Look};

/// Something that a step has seen: a path that was there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Which of its mounts it is in; none of its own file system.
    pub mount: Option<usize>,
    /// Where, from the root of that on.
    pub path: Vec<u8>,
    /// What was looked at.
    pub look: Look,
    /// The program that looked first, if it is known.
    pub by: Option<String>,
}

/// For each step of a build what it has seen; none where that isn't known. What isn't a RUN sees nothing.
pub fn reads(store: &Store, record: &Record) -> Vec<Option<Vec<Seen>>> {
    let before: Vec<Record> =
        store.builds().filter(|other| other.id < record.id && other.is_like(record)).collect();
    let one = |step: &Step| match step.kind {
        Kind::Run => of_run(store, record, step, &before),
        _ => Some(Vec::new()),
    };
    record.steps.iter().map(one).collect()
}

fn of_run(store: &Store, record: &Record, step: &Step, before: &[Record]) -> Option<Vec<Seen>> {
    // What comes with a COPY has to have been served, or nobody has seen who read it.
    let copied = record.chain(step).into_iter().map(|at| &record.steps[at]).filter(|s| s.kind == Kind::Copy);
    let is_served = |id: &LayerId| store.layer_meta(id).is_some_and(|meta| crate::sight::is_served(&meta));
    if !copied.flat_map(|step| &step.layers).all(is_served) {
        return None;
    }
    let is_same = |other: &&Step| {
        (&other.instruction, &other.platform, &other.layers)
            == (&step.instruction, &step.platform, &step.layers)
    };
    let earlier = before.iter().flat_map(|record| record.steps.iter().filter(is_same));
    let key = std::iter::once(step).chain(earlier).find_map(|step| key(step.watched.as_deref()?))?;
    // Of runs with the same result nobody knows which it was: what any of them has seen counts.
    let runs = store.traces(&key).runs;
    let mut runs = runs.iter().filter(|run| step.layers.contains(&run.layer)).peekable();
    runs.peek()?;
    let facts = runs.flat_map(|run| &run.facts);
    Some(facts.flat_map(|(gap, facts)| facts.iter().filter_map(|fact| seen(gap, fact))).collect())
}

/// A static key from its digits.
fn key(hex: &str) -> Option<Key> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Key { digest, parts: Vec::new() })
}

fn seen(gap: &str, fact: &Fact) -> Option<Seen> {
    let is_there = !["absent", "whiteout"].contains(&fact.answer.as_str());
    let mount = gap.strip_prefix("mount.").and_then(|number| number.parse().ok());
    let path = trace::fact::unescape(&fact.path)?;
    is_there.then(|| Seen { mount, path, look: fact.look, by: fact.by.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_digits() {
        assert_eq!(key(&"0f".repeat(32)).map(|key| key.digest), Some([15; 32]));
        assert!(key("0f").is_none() && key(&"zz".repeat(32)).is_none() && key(&"é".repeat(32)).is_none());
    }

    #[test]
    fn what_was_not_there_was_not_seen() {
        let fact =
            |answer: &str| Fact { path: "a%20b".into(), look: Look::Entry, answer: answer.into(), by: None };
        assert_eq!(seen("layer.1", &fact("absent")), None);
        let there = seen("mount.2", &fact("file 644 0:0")).expect("it was there");
        assert_eq!((there.mount, there.path.as_slice()), (Some(2), &b"a b"[..]));
    }
}
