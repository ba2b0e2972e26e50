//! Blobs that go to a registry while they are being made.

mod fake;
mod support;

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};

use fake::{Fake, Rules};
use oci::Published;
use support::{Scratch, image, quick, tagged};
use transport::{Options, Registry};

const BIG: usize = 3 << 20;

/// A blob that is being made: what was said so far, and its end when nobody says more.
struct Making {
    said: Receiver<io::Result<Vec<u8>>>,
    now: io::Cursor<Vec<u8>>,
}

impl Read for Making {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.now.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            match self.said.recv() {
                Ok(more) => self.now = io::Cursor::new(more?),
                Err(_) => return Ok(0),
            }
        }
    }
}

fn making() -> (Sender<io::Result<Vec<u8>>>, Making) {
    let (say, said) = channel();
    (say, Making { said, now: io::Cursor::default() })
}

struct Played {
    fake: Fake,
    done: Published,
    /// How many blobs were read for the push.
    opened: usize,
}

/// Sends an image's large layer ahead in three parts, then pushes the image, and looks at what arrived.
fn played(rules: Rules) -> Played {
    let (scratch, fake) = (Scratch::new(), Fake::new(rules));
    let (image, memory) = image(2, &[1000, BIG]);
    let (registry, target) = (scratch.registry(quick()), fake.reference("a/b:1"));
    let layer = image.manifest.layers[1].digest;
    let (say, bytes) = making();
    let ahead = registry.upload_ahead(&target, bytes).unwrap();
    for part in memory.blobs[&layer].chunks(BIG / 3) {
        // Whoever makes a blob goes on when its upload has broken.
        let _ = say.send(Ok(part.to_vec()));
    }
    drop(say);
    registry.went_ahead(ahead, layer);
    let done = registry.push(&tagged(&image), &memory, &target, &()).unwrap();
    let state = fake.state();
    for (digest, bytes) in &memory.blobs {
        assert!(state.blobs[&("a/b".into(), digest.to_string())] == *bytes, "{digest}");
    }
    assert_eq!(state.manifests[&("a/b".into(), "1".into())].1, image.manifest_bytes);
    drop(state);
    let opened = memory.opened.lock().unwrap().iter().filter(|digest| **digest == layer).count();
    Played { fake, done, opened }
}

#[test]
fn what_went_ahead_is_not_sent_again() {
    for rules in [Rules::default(), Rules { bearer: Some(None), ..Rules::default() }] {
        let Played { fake, done, opened } = played(rules);
        assert_eq!((fake.requests("PATCH"), opened, done.skipped), (1, 0, 0));
        assert!(done.sent > 1000 + BIG as u64 && done.sent < 2000 + BIG as u64, "{}", done.sent);
        assert!(fake.state().uploads.is_empty());
    }
}

#[test]
fn what_broke_goes_on_where_it_was() {
    for times in [1, 3] {
        let rules = Rules { cut_upload: Some((900_000, times)), ..Rules::default() };
        let Played { fake, done, opened } = played(rules);
        assert_eq!((fake.requests("PATCH"), opened), (times as usize + 1, times as usize));
        assert!(done.sent < 2000 + BIG as u64, "no byte is counted twice");
    }
}

#[test]
fn a_registry_that_wants_none_of_it_gets_the_blob_as_ever() {
    for rules in [
        Rules { wants_length: true, ..Rules::default() },
        Rules { spoils_chunked: true, ..Rules::default() },
        Rules { forget_uploads: 1, ..Rules::default() },
        Rules { longest: Some(2 << 20), ..Rules::default() },
        Rules { lose_commits: 1, ..Rules::default() },
        Rules { busy: 2, ..Rules::default() },
    ] {
        played(rules);
    }
}

#[test]
fn what_the_registry_has_is_given_up() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let (image, memory) = image(2, &[BIG]);
    let registry = scratch.registry(quick());
    registry.push(&tagged(&image), &memory, &fake.reference("a:1"), &()).unwrap();
    // Once while its bytes are on their way, once when all have been sent.
    for whole in [false, true] {
        let (say, bytes) = making();
        let ahead = registry.upload_ahead(&fake.reference("a:2"), bytes).unwrap();
        say.send(Ok(vec![0; 1 << 20])).unwrap();
        if whole {
            drop(say);
        } else {
            std::thread::spawn(move || while say.send(Ok(vec![0; 1000])).is_ok() {});
        }
        registry.went_ahead(ahead, image.manifest.layers[0].digest);
        let done = registry.push(&tagged(&image), &memory, &fake.reference("a:2"), &()).unwrap();
        assert_eq!((done.sent, done.skipped), (0, 2));
        assert!(fake.state().uploads.is_empty());
    }
    assert_eq!(fake.requests("DELETE"), 2);
}

#[test]
fn a_blob_that_is_never_whole_leaves_nothing() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let registry = scratch.registry(quick());
    let (say, bytes) = making();
    let _ahead = registry.upload_ahead(&fake.reference("a:1"), bytes).unwrap();
    say.send(Ok(vec![0; 1 << 20])).unwrap();
    say.send(Err(io::Error::other("no room"))).unwrap();
    wait_until(|| fake.requests("DELETE") == 1 && fake.state().uploads.is_empty());
}

#[test]
fn no_more_go_ahead_than_are_uploaded_at_once() {
    let (scratch, fake) = (Scratch::new(), Fake::new(Rules::default()));
    let registry = scratch.registry(Options { uploads: 1, ..quick() });
    let begin = |registry: &Registry| {
        let (say, bytes) = making();
        registry.upload_ahead(&fake.reference("a:1"), bytes).map(|ahead| (ahead, say))
    };
    let first = begin(&registry).unwrap();
    assert!(begin(&registry).is_none());
    drop(first);
    wait_until(|| begin(&registry).is_some());
    assert!(begin(&scratch.registry(Options { chunk: Some(1 << 20), ..quick() })).is_none());
}

fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it never happens");
}
