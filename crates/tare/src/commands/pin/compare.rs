//! What the lock says and what was found out to the lock that should be, and what is to be said of it.

use std::collections::BTreeSet;

use plan::lock::{Entry, Kind, Lock};

use super::Mode;
use super::names::{Found, Key, key};

/// What became of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is in the lock now.
    Added { name: String, to: String },
    /// It was in the lock, and nobody was asked.
    Kept { name: String },
    /// It still stands for the same.
    Same { name: String },
    /// It stands for something else.
    Moved { name: String, from: String, to: String },
    /// It should be in the lock.
    Missing { name: String },
    /// It is in the lock no more.
    Dropped { name: String },
}

/// The outcome.
#[derive(Debug)]
pub struct Compared {
    /// As it should be.
    pub lock: Lock,
    /// In the order of the Dockerfile, then what went.
    pub changes: Vec<Change>,
}

/// Compares. A name that has not moved keeps its day: what didn't change makes no line of a diff.
pub fn compare(old: &Lock, found: &Found, mode: Mode, day: &str) -> Compared {
    let mut lock = Lock::default();
    let (mut changes, mut seen): (Vec<Change>, BTreeSet<(Key, Option<&str>)>) = Default::default();
    for named in &found.all.names {
        let key = key(named);
        if !seen.insert((key.clone(), named.written.as_deref())) {
            continue;
        }
        let name = shown(&key);
        let digest = found.digests.get(&key);
        if let Some(written) = &named.written {
            let today = digest.filter(|_| found.asked.contains(&key));
            changes.extend(today.map(|today| moved(name, written, today)));
            continue;
        }
        let Some(digest) = digest else { continue };
        let entry = old.entries.get(&key);
        changes.push(match entry {
            Some(_) if !found.asked.contains(&key) => Change::Kept { name },
            Some(entry) => moved(name, &entry.digest, digest),
            None if mode == Mode::Check => Change::Missing { name },
            None => Change::Added { name, to: digest.clone() },
        });
        let same = entry.filter(|entry| entry.digest == *digest).cloned();
        let fresh = || Entry { digest: digest.clone(), date: day.to_owned() };
        lock.entries.insert(key, same.unwrap_or_else(fresh));
    }
    for (key, entry) in &old.entries {
        if lock.entries.contains_key(key) {
            continue;
        }
        match key.0 == Kind::Go || found.siblings.contains(key) || found.elsewhere.contains(key) {
            true => drop(lock.entries.insert(key.clone(), entry.clone())),
            false if mode == Mode::Check => {}
            false => changes.push(Change::Dropped { name: shown(key) }),
        }
    }
    Compared { lock, changes }
}

fn moved(name: String, from: &str, to: &str) -> Change {
    // Of a commit the Dockerfile may give the first digits only.
    match to.starts_with(from) {
        true => Change::Same { name },
        false => Change::Moved { name, from: from.to_owned(), to: to.to_owned() },
    }
}

fn shown(key: &Key) -> String {
    key.1.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::named::{Named, What};

    const OLD: &str = "go golang.org/toolchain@x h1:a= 2026-01-01\n";

    fn sum(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn image(name: &str, written: Option<char>) -> Named {
        let what = What::Image(name.parse().unwrap(), oci::Platform::host());
        Named { what, line: 1, instruction: None, word: None, written: written.map(sum) }
    }

    /// `old`: what the lock has, `names`: what the Dockerfile has, `today`: what was asked and answered.
    fn check(
        old: &[(&str, char)],
        names: Vec<Named>,
        today: &[(&str, char)],
        mode: Mode,
        expected: (&[&str], &[&str]),
    ) {
        let line = |(name, digit): &(&str, char)| format!("image {name} {} 2026-01-01\n", sum(*digit));
        let lock = Lock::parse(&(OLD.to_owned() + &old.iter().map(line).collect::<String>())).unwrap();
        let place = |name: &str| (Kind::Image, name.to_owned());
        let mut found = Found::default();
        found.all.names = names;
        found.asked = today.iter().map(|(name, _)| place(name)).collect();
        found.digests = old.iter().chain(today).map(|(name, digit)| (place(name), sum(*digit))).collect();
        let compared = compare(&lock, &found, mode, "2026-02-02");
        let changes: Vec<_> =
            compared.changes.iter().map(|c| format!("{c:?}").split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(changes, expected.0);
        let short = |text: String| {
            text.lines()
                .skip(2)
                .map(|l| {
                    l.split("sha256:")
                        .map(|p| p.trim_start_matches('b').trim_start_matches('a'))
                        .collect::<String>()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(short(compared.lock.to_string()), expected.1);
    }

    #[test]
    fn the_lock_follows_the_dockerfile() {
        let two = || vec![image("a:1", None), image("b:1", None)];
        let (old, gone) = ("image a:1  2026-01-01", [("a:1", 'a'), ("c:1", 'a')]);
        let new = "image b:1  2026-02-02";
        check(&gone, two(), &[("b:1", 'b')], Mode::Add, (&["Kept", "Added", "Dropped"], &[old, new]));
        let both = [("a:1", 'a'), ("b:1", 'b')];
        check(
            &[("a:1", 'b')],
            two(),
            &both,
            Mode::Update,
            (&["Moved", "Added"], &["image a:1  2026-02-02", new]),
        );
        check(&[("a:1", 'a')], two(), &both, Mode::Check, (&["Same", "Missing"], &[old, new]));
    }

    #[test]
    fn what_the_dockerfile_says_itself_is_not_in_the_lock() {
        let written = || vec![image("a:1", Some('a'))];
        check(&[], written(), &[], Mode::Add, (&[], &[]));
        check(&[], written(), &[("a:1", 'b')], Mode::Check, (&["Moved"], &[]));
    }
}
