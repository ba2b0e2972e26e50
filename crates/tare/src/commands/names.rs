//! What a user calls an image to the image: a name, or the first digits of an id.

use oci::Reference;
use store::{Store, Stored};

use crate::failure::Failure;

/// The image of a name or an id.
///
/// # Errors
/// If there is none, or if several ids start with these digits.
pub fn find(store: &Store, text: &str) -> Result<Stored, Failure> {
    find_all(store, text).map(|mut all| all.swap_remove(0))
}

/// Every name that is meant: the one of a name, or all of an id. Never empty.
///
/// # Errors
/// As [`find`].
pub fn find_all(store: &Store, text: &str) -> Result<Vec<Stored>, Failure> {
    if let Some(stored) = by_name(store, text) {
        return Ok(vec![stored]);
    }
    one_image(text, by_id(store, text))
}

/// A name without a tag means `latest`. One with a digest may stand in the store as it was pulled, with the
/// digest of an index, which no manifest has.
fn by_name(store: &Store, text: &str) -> Option<Stored> {
    let name: Reference = text.parse().ok()?;
    let pulled = || store.images().into_iter().find(|stored| stored.name == name.to_string());
    store.image(&name).or_else(|| name.digest.and_then(|_| pulled()))
}

fn by_id(store: &Store, text: &str) -> Vec<Stored> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hex = !digits.is_empty() && digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex { store.images_of_id(digits) } else { Vec::new() }
}

/// Several names of one image are fine, several images are not.
fn one_image(text: &str, found: Vec<Stored>) -> Result<Vec<Stored>, Failure> {
    let Some(first) = found.first() else {
        return Err(Failure::Other(format!(
            "no image `{text}` in the store\nhint: `tare images` lists what is there"
        )));
    };
    if found.iter().all(|stored| stored.id == first.id) {
        return Ok(found);
    }
    let names: Vec<String> = found.iter().map(|stored| format!("`{}`", display(stored))).collect();
    Err(Failure::Other(format!("`{text}` is the start of several images' ids: {}", names.join(", "))))
}

/// The name as people write it; an image without one goes by its id.
pub fn display(stored: &Stored) -> String {
    reference(stored).map_or_else(|| stored.id.to_string(), |name| name.familiar())
}

/// The name; `None` for an image without one, which stands in the store under its id.
pub fn reference(stored: &Stored) -> Option<Reference> {
    if is_unnamed(stored) { None } else { stored.name.parse().ok() }
}

/// Whether an archive brought the image without a name.
pub fn is_unnamed(stored: &Stored) -> bool {
    stored.name == unnamed(&stored.id)
}

/// What stands in place of a name.
pub fn unnamed(id: &oci::Digest) -> String {
    id.to_string()
}

/// A name for an image.
///
/// # Errors
/// If it isn't one, or has a digest.
pub fn new_name(text: &str) -> Result<Reference, Failure> {
    let name: Reference = text.parse().map_err(Failure::Usage)?;
    match name.digest {
        Some(_) => Err(Failure::Usage(format!("`{text}`: a new name can't have a digest"))),
        None => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use oci::{Descriptor, Digest};

    use super::*;

    struct Scratch(PathBuf, Store);

    impl Scratch {
        fn new(test: &str) -> Scratch {
            let folder = std::env::temp_dir().join(format!("tare-names-{test}-{}", std::process::id()));
            let store = Store::open(&folder).unwrap();
            Scratch(folder, store)
        }

        fn add(&self, name: &str, id: Digest) {
            let manifest = Descriptor::of("x", id.hex().as_bytes());
            let (name, timestamps, platforms) = (name.to_owned(), String::new(), vec![]);
            self.1
                .put_image(&Stored {
                    name,
                    manifest,
                    id,
                    layers: vec![],
                    at: 0,
                    size: 0,
                    plain: false,
                    timestamps,
                    platforms,
                })
                .unwrap();
        }

        fn check(&self, text: &str, expected: Result<&str, &str>) {
            match (find(&self.1, text), expected) {
                (Ok(found), Ok(name)) => assert_eq!(found.name, name, "{text}"),
                (Err(Failure::Other(message)), Err(part)) => {
                    assert!(message.contains(part), "{text}: {message}")
                }
                (found, _) => panic!("{text}: {:?}", found.ok()),
            }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn id(start: &str) -> Digest {
        format!("sha256:{start:0<64}").parse().unwrap()
    }

    #[test]
    fn names_go_before_ids() {
        let scratch = Scratch::new("before");
        scratch.add("docker.io/library/app:latest", id("12345"));
        scratch.add("docker.io/library/abc:latest", id("77"));
        scratch.add("docker.io/library/other:1", id("abc"));
        scratch.check("app", Ok("docker.io/library/app:latest"));
        scratch.check("abc", Ok("docker.io/library/abc:latest"));
        scratch.check("abc0", Ok("docker.io/library/other:1"));
        scratch.check(&id("12345").to_string(), Ok("docker.io/library/app:latest"));
        scratch.check("sha256:1234", Ok("docker.io/library/app:latest"));
    }

    #[test]
    fn what_is_not_there_and_what_is_not_clear() {
        let scratch = Scratch::new("clear");
        scratch.add("docker.io/library/a:1", id("aa1"));
        scratch.add("docker.io/library/a:2", id("aa1"));
        scratch.add("docker.io/library/b:1", id("aa2"));
        scratch.check("aa1", Ok("docker.io/library/a:1"));
        scratch.check("aa", Err("several images' ids: `a:1`, `a:2`, `b:1`"));
        for text in ["x", "a:3", "", "sha256:", "aa3", "A:1", "../x"] {
            scratch.check(text, Err("no image"));
        }
    }

    #[test]
    fn a_pulled_digest_is_found_as_it_was_asked_for() {
        let scratch = Scratch::new("digest");
        let name = format!("docker.io/library/a@{}", id("1d"));
        scratch.add(&name, id("aa"));
        scratch.check(&name, Ok(&name));
        scratch.check(&format!("a@{}", id("1d")), Ok(&name));
        scratch.check(&format!("a@{}", id("2d")), Err("no image"));
    }

    #[test]
    fn an_image_without_a_name_goes_by_its_id() {
        let scratch = Scratch::new("unnamed");
        scratch.add(&unnamed(&id("cc")), id("cc"));
        let found = find(&scratch.1, "cc0").ok().unwrap();
        assert_eq!((display(&found), reference(&found)), (id("cc").to_string(), None));
    }
}
