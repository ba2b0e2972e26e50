//! A private key's file to a key that signs.
//!
//! ```text
//! -----BEGIN OPENSSH PRIVATE KEY-----        base64 of
//!   "openssh-key-v1\0"
//!   string cipher, string kdf, string kdf options        "none", unless there is a passphrase
//!   uint32 1, string public key
//!   string: uint32 check, uint32 check, string type, the type's fields, string comment, padding
//! ```
//! See OpenSSH's PROTOCOL.key. RSA keys may also be in PEM, `BEGIN RSA PRIVATE KEY`, as older ones are. ring has the
//! arithmetic: Ed25519, ECDSA on P-256 and P-384, RSA of 2048 to 4096 bits. The comment, which names people and
//! machines, is nobody's business in a step.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};

use super::wire::{Fields, put_integer, strings};

/// No private key is larger. BuildKit's limit.
const LARGEST: u64 = 100 << 10;

/// In SIGN_REQUEST: which hash an RSA key is to sign with. Without one it is SHA-1, which nobody should trust any more.
const SHA2_256: u32 = 2;
const SHA2_512: u32 = 4;

/// A private key.
pub struct Key {
    /// The public key, as SSH writes it.
    pub public: Vec<u8>,
    secret: Secret,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    Ecdsa(&'static Curve, EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

struct Curve {
    /// The key's type.
    kind: &'static str,
    name: &'static str,
    /// How many bytes a number has.
    size: usize,
    signing: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 2] = [
    Curve {
        kind: "ecdsa-sha2-nistp256",
        name: "nistp256",
        size: 32,
        signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
    },
    Curve {
        kind: "ecdsa-sha2-nistp384",
        name: "nistp384",
        size: 48,
        signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
    },
];

/// Why a file is not a key that we can use.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Encrypted,
    Public,
    Kind(String),
    Form,
    Damaged,
    Rejected,
}

impl Key {
    /// Reads a file.
    ///
    /// # Errors
    /// With what is wrong, and nothing of what is in it.
    pub fn read(path: &Path) -> Result<Key, String> {
        let mut text = Vec::new();
        let opened = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text));
        opened.map_err(|e| format!("read `{}`: {}", path.display(), store::plain(&e)))?;
        Key::parse(&text).map_err(|trouble| trouble.of(path))
    }

    fn parse(text: &[u8]) -> Result<Key, Trouble> {
        if text.len() as u64 > LARGEST {
            return Err(Trouble::Form);
        }
        let text = std::str::from_utf8(text).map_err(|_| Trouble::Form)?;
        let Some((label, body)) = pem(text) else {
            return Err(if is_public(text) { Trouble::Public } else { Trouble::Form });
        };
        if label == "ENCRYPTED PRIVATE KEY" || body.contains("ENCRYPTED") {
            return Err(Trouble::Encrypted);
        }
        let packed: String = body.split_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| Trouble::Damaged)?;
        match label {
            "OPENSSH PRIVATE KEY" => openssh(&bytes),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&bytes).map(Key::rsa).map_err(|_| Trouble::Rejected),
            _ => Err(Trouble::Form),
        }
    }

    fn rsa(pair: RsaKeyPair) -> Key {
        let of: PublicKeyComponents<Vec<u8>> = pair.public().into();
        let mut public = strings(&[b"ssh-rsa"]);
        put_integer(&mut public, &of.e);
        put_integer(&mut public, &of.n);
        Key { public, secret: Secret::Rsa(pair) }
    }

    /// A signature with its algorithm, as SSH writes them; none if it can't be made as the flags want it.
    pub fn sign(&self, data: &[u8], flags: u32) -> Option<Vec<u8>> {
        let rng = SystemRandom::new();
        match &self.secret {
            Secret::Ed25519(pair) => Some(strings(&[b"ssh-ed25519", pair.sign(data).as_ref()])),
            Secret::Ecdsa(curve, pair) => {
                let signed = pair.sign(&rng, data).ok()?;
                let (r, s) = signed.as_ref().split_at(curve.size);
                let mut both = Vec::new();
                put_integer(&mut both, r);
                put_integer(&mut both, s);
                Some(strings(&[curve.kind.as_bytes(), &both]))
            }
            Secret::Rsa(pair) => {
                let (name, padding): (&[u8], _) = match flags {
                    _ if flags & SHA2_256 != 0 => (b"rsa-sha2-256", &RSA_PKCS1_SHA256),
                    _ if flags & SHA2_512 != 0 => (b"rsa-sha2-512", &RSA_PKCS1_SHA512),
                    _ => return None,
                };
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &rng, data, &mut signed).ok()?;
                Some(strings(&[name, &signed]))
            }
        }
    }
}

impl Trouble {
    fn of(self, path: &Path) -> String {
        let path = path.display();
        let agent = "load it into an agent with `ssh-add`, and give the agent's socket";
        match self {
            Trouble::Encrypted => format!("the key `{path}` has a passphrase: {agent}"),
            Trouble::Kind(kind) => format!("the key `{path}` is of the type `{kind}`: {agent}"),
            Trouble::Rejected => {
                format!(
                    "the key `{path}` is damaged, or RSA of less than 2048 or more than 4096 bits: {agent}"
                )
            }
            Trouble::Public => format!("`{path}` is a public key: give the private one"),
            Trouble::Damaged => format!("the key `{path}` is damaged"),
            Trouble::Form => format!(
                "`{path}` is neither a socket nor a private key in OpenSSH's format; `ssh-keygen -p -f` converts others"
            ),
        }
    }
}

/// The label and the body of a PEM file.
fn pem(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    Some((label, body))
}

fn is_public(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start))
}

fn openssh(bytes: &[u8]) -> Result<Key, Trouble> {
    let bytes = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(Trouble::Damaged)?;
    let mut outer = Fields(bytes);
    let secret = unlocked(&mut outer)?;
    let mut fields = Fields(secret);
    let checks = fields.number().zip(fields.number());
    checks.filter(|(a, b)| a == b).ok_or(Trouble::Damaged)?;
    let kind = fields.string().ok_or(Trouble::Damaged)?;
    match kind {
        b"ssh-ed25519" => ed25519(&mut fields),
        b"ssh-rsa" => rsa(&mut fields),
        _ => match CURVES.iter().find(|curve| curve.kind.as_bytes() == kind) {
            Some(curve) => ecdsa(curve, &mut fields),
            None => Err(Trouble::Kind(String::from_utf8_lossy(kind).chars().take(64).collect())),
        },
    }
}

/// The private part, which must not be encrypted.
fn unlocked<'a>(outer: &mut Fields<'a>) -> Result<&'a [u8], Trouble> {
    let cipher = outer.string().ok_or(Trouble::Damaged)?;
    if cipher != b"none" {
        return Err(Trouble::Encrypted);
    }
    let mut secret = || {
        let (_kdf, _options) = (outer.string()?, outer.string()?);
        let count = outer.number()?;
        let _public = outer.string()?;
        outer.string().filter(|_| count == 1)
    };
    secret().ok_or(Trouble::Damaged)
}

fn ed25519(fields: &mut Fields<'_>) -> Result<Key, Trouble> {
    let both = fields.string().zip(fields.string());
    let (public, secret) = both.filter(|(_, secret)| secret.len() == 64).ok_or(Trouble::Damaged)?;
    let pair = Ed25519KeyPair::from_seed_and_public_key(&secret[..32], public);
    let pair = pair.map_err(|_| Trouble::Damaged)?;
    Ok(Key { public: strings(&[b"ssh-ed25519", public]), secret: Secret::Ed25519(pair) })
}

fn ecdsa(curve: &'static Curve, fields: &mut Fields<'_>) -> Result<Key, Trouble> {
    let mut all = || Some((fields.string()?, fields.string()?, fields.integer()?));
    let (name, point, secret) = all().ok_or(Trouble::Damaged)?;
    if name != curve.name.as_bytes() || secret.len() > curve.size {
        return Err(Trouble::Damaged);
    }
    let secret = [&vec![0; curve.size - secret.len()], secret].concat();
    let rng = SystemRandom::new();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &secret, point, &rng);
    let pair = pair.map_err(|_| Trouble::Damaged)?;
    Ok(Key { public: strings(&[curve.kind.as_bytes(), name, point]), secret: Secret::Ecdsa(curve, pair) })
}

fn rsa(fields: &mut Fields<'_>) -> Result<Key, Trouble> {
    let mut six = || {
        let mut next = || fields.integer();
        Some([next()?, next()?, next()?, next()?, next()?, next()?])
    };
    let [n, e, d, q_inv, p, q] = six().ok_or(Trouble::Damaged)?;
    // An honest key has the lowest bit of a prime set. Longer ones would only cost time.
    if [p, q].iter().any(|prime| prime.last().is_none_or(|byte| byte & 1 == 0)) || n.len() > 512 {
        return Err(Trouble::Rejected);
    }
    let (d_p, d_q) = (remainder(d, &one_less(p)), remainder(d, &one_less(q)));
    let parts = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: &d_p,
        dQ: &d_q,
        qInv: q_inv,
    };
    RsaKeyPair::from_components(&parts).map(Key::rsa).map_err(|_| Trouble::Rejected)
}

/// An odd number less one.
fn one_less(odd: &[u8]) -> Vec<u8> {
    let mut even = odd.to_vec();
    even.iter_mut().last().into_iter().for_each(|byte| *byte &= 0xfe);
    even
}

/// What is left of a number after division, bit by bit: the file has the exponent, and ring wants the two halves.
fn remainder(number: &[u8], by: &[u8]) -> Vec<u8> {
    let mut left = vec![0; by.len() + 1];
    let by = [&[0], by].concat();
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        let mut carry = bit;
        for byte in left.iter_mut().rev() {
            (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
        }
        if left >= by {
            subtract(&mut left, &by);
        }
    }
    left.remove(0);
    left
}

fn subtract(from: &mut [u8], what: &[u8]) {
    let mut borrow = false;
    for (a, b) in from.iter_mut().zip(what).rev() {
        let (once, first) = a.overflowing_sub(*b);
        let (twice, second) = once.overflowing_sub(u8::from(borrow));
        (*a, borrow) = (twice, first || second);
    }
}

#[cfg(test)]
mod tests;
