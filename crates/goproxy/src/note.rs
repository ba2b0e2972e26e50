//! A signed text and the key that it is signed with, as checksum databases publish them.
//!
//! A key is `name+hash+base64`: the base64 is a byte for the algorithm, 1 for Ed25519, and the public
//! key; the hash is the first four bytes of SHA-256 over name, newline and those. A note is a text, an
//! empty line, and lines `— name base64`, where the base64 is the key's hash and the signature.
//! See <https://pkg.go.dev/golang.org/x/mod/sumdb/note>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest, Sha256};

const ED25519_KEY: u8 = 1;
/// Who signs a note is found out one line at a time.
const MAX_SIGNATURES: usize = 100;

/// A checksum database's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    name: String,
    hash: [u8; 4],
    public: [u8; 32],
}

impl Key {
    /// Reads a key; else why it is none.
    pub(crate) fn parse(text: &str) -> Result<Key, &'static str> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or("it is not `name+hash+key`");
        let (name, hash, key) = (part()?, part()?, part()?);
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("its name has spaces, or is empty");
        }
        let bytes = STANDARD.decode(key).map_err(|_| "its key is not base64")?;
        let computed = key_hash(name, &bytes);
        if hash.len() != 8 || u32::from_str_radix(hash, 16) != Ok(u32::from_be_bytes(computed)) {
            return Err("its hash does not fit its key");
        }
        match bytes.split_first() {
            Some((&ED25519_KEY, public)) => {
                let public = public.try_into().map_err(|_| "its key has not the length of an Ed25519 key")?;
                Ok(Key { name: name.to_owned(), hash: computed, public })
            }
            _ => Err("its key is not an Ed25519 key"),
        }
    }

    /// The database's name, such as `sum.golang.org`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note that this key has signed; else what is wrong with it.
    pub(crate) fn open<'a>(&self, note: &'a str) -> Result<&'a str, &'static str> {
        let is_plain = !note.chars().any(|c| c < ' ' && c != '\n');
        let split = note
            .rfind("\n\n")
            .filter(|_| is_plain && note.ends_with('\n'))
            .ok_or("it is not a signed note")?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        for line in signatures.lines().take(MAX_SIGNATURES) {
            let (name, bytes) = signature(line).ok_or("a signature of it is malformed")?;
            if name == self.name && bytes.starts_with(&self.hash) {
                return self.verify(text, &bytes[4..]).map(|()| text);
            }
        }
        Err("it is not signed with the database's key")
    }

    fn verify(&self, text: &str, signature: &[u8]) -> Result<(), &'static str> {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        key.verify(text.as_bytes(), signature).map_err(|_| "its signature is false")
    }
}

fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, bytes) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok().filter(|bytes| bytes.len() > 4)?;
    Some((name, bytes))
}

fn key_hash(name: &str, key: &[u8]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update("\n").chain_update(key).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::log::Log;

    const GOS_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    const GOS_NOTE: &str = "go.sum database tree\n66332798\nczPocWFmMwQrSENohgEPvFiqA+2i/3lRZhHbxtma2UQ=\n\n\
        — sum.golang.org Az3grh19zTBOmg0dGOAELF5SP1N/QTSsuYwquERee13uccsbttgwVlS/0MhlHd7IEvb6fQVKmu7XFovf0PT1tKOnHQo=\n";

    #[test]
    fn gos_own_signature_is_good() {
        let key = Key::parse(GOS_KEY).unwrap();
        assert_eq!(key.name(), "sum.golang.org");
        assert!(key.open(GOS_NOTE).unwrap().ends_with("2UQ=\n"));
    }

    #[test]
    fn a_changed_text_or_signature_is_not() {
        let key = Key::parse(GOS_KEY).unwrap();
        assert_eq!(key.open(&GOS_NOTE.replace("66332798", "66332799")), Err("its signature is false"));
        assert_eq!(key.open(&GOS_NOTE.replace("rh19z", "rh18z")), Err("its signature is false"));
        assert_eq!(
            key.open(&GOS_NOTE.replace("Az3gr", "Az3gs")),
            Err("it is not signed with the database's key")
        );
        assert_eq!(
            key.open(&GOS_NOTE.replace("— sum.", "— sun.")),
            Err("it is not signed with the database's key")
        );
        for bad in ["", "x", "x\n\n", "x\n\ny\n", "x\r\n\n— a b\n", "x\n\n— a !\n"] {
            assert!(key.open(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_signatures_may_stand_beside_ours() {
        let key = Key::parse(GOS_KEY).unwrap();
        let other = "— other.test AAAAAAAAAAAAAAAA\n";
        let (text, ours) = GOS_NOTE.split_once("\n\n").unwrap();
        assert!(key.open(&format!("{text}\n\n{other}{ours}")).is_ok());
        assert!(key.open(&format!("{text}\n\n{other}")).is_err());
    }

    #[test]
    fn keys_are_checked() {
        let good = Log::new("sum.test", 0).verifier();
        assert!(Key::parse(&good).is_ok());
        for bad in [
            "",
            "sum.test",
            "sum.test+12345678",
            "+033de0ae+AA==",
            &good.replace("sum", "sun"),
            &good[..good.len() - 4],
        ] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }
}
