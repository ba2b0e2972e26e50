//! A step's cache key: the BLAKE3 of its named parts, in order.
//!
//! Digests of the parts are kept with the build, so that a later miss can be explained by comparing them. A part's
//! value is short text or a digest, never a secret.

/// Raise it when the same parts would have to give another layer: no old answer is found any more.
const VERSION: &str = "2";

/// One named ingredient of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// `command`, `env.PATH`, `layers`, …
    pub name: String,
    /// Its value or digest.
    pub value: String,
}

impl Part {
    /// A part whose value is told as it is.
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Part {
        Part { name: name.into(), value: value.into() }
    }

    /// A part whose value may be private or long: only its digest is kept.
    pub fn digest(name: impl Into<String>, value: &[u8]) -> Part {
        Part { name: name.into(), value: blake3::hash(value).to_hex()[..32].to_owned() }
    }
}

/// A step's key with what it was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// The digest of all parts.
    pub digest: [u8; 32],
    /// The parts, in order.
    pub parts: Vec<Part>,
}

impl Key {
    /// The key of these parts.
    pub fn of(parts: Vec<Part>) -> Key {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add(VERSION);
        for part in &parts {
            add(&part.name);
            add(&part.value);
        }
        Key { digest: *hasher.finalize().as_bytes(), parts }
    }

    /// The key as hex digits, its name on disk.
    pub fn hex(&self) -> String {
        oci::digest::hex(&self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> Key {
        Key::of(parts.iter().map(|(n, v)| Part::plain(*n, *v)).collect())
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(key(&[("a", "bc")]).digest, key(&[("ab", "c")]).digest);
        assert_ne!(key(&[("a", ""), ("b", "")]).digest, key(&[("a", "b")]).digest);
        assert_eq!(key(&[("a", "b")]).digest, key(&[("a", "b")]).digest);
    }
}
