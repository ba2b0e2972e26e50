//! Keys as the real `ssh-keygen` makes them, and files that are something else.

use std::path::PathBuf;
use std::process::Command;

use super::*;

/// Makes a key in a folder of its own, and reads it.
fn made(name: &str, options: &[&str]) -> Result<Key, String> {
    let folder = std::env::temp_dir().join(format!("tare-key-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("key");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-C", "somebody@somewhere", "-f"]).arg(&file).args(options);
    assert!(command.status().expect("openssh-client is installed").success());
    let key = Key::read(&file).map_err(|e| e.replace(file.to_str().unwrap(), "KEY"));
    if let Ok(key) = &key {
        let public = std::fs::read_to_string(folder.join("key.pub")).unwrap();
        let public = STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
        assert_eq!(key.public, public, "{name}: the public half is the one that ssh-keygen knows");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    key
}

fn algorithm(key: &Key, flags: u32) -> Option<String> {
    let signature = key.sign(b"data", flags)?;
    let mut fields = Fields(&signature);
    Some(String::from_utf8_lossy(fields.string()?).into_owned())
}

#[test]
fn every_kind_is_read_and_signs() {
    for (name, options, flags, expected) in [
        ("ed25519", &["-t", "ed25519", "-N", ""][..], 0, Some("ssh-ed25519")),
        ("p256", &["-t", "ecdsa", "-b", "256", "-N", ""], 0, Some("ecdsa-sha2-nistp256")),
        ("p384", &["-t", "ecdsa", "-b", "384", "-N", ""], 0, Some("ecdsa-sha2-nistp384")),
        ("rsa2048", &["-t", "rsa", "-b", "2048", "-N", ""], 2, Some("rsa-sha2-256")),
        ("rsa3072", &["-t", "rsa", "-b", "3072", "-N", ""], 4, Some("rsa-sha2-512")),
        ("pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], 4, Some("rsa-sha2-512")),
        ("sha1", &["-t", "rsa", "-b", "2048", "-N", ""], 0, None),
    ] {
        let key = made(name, options).unwrap();
        assert_eq!(algorithm(&key, flags).as_deref(), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    let help = "load it into an agent with `ssh-add`, and give the agent's socket";
    for (name, options, expected) in [
        ("locked", &["-t", "ed25519", "-N", "secret"][..], "the key `KEY` has a passphrase"),
        (
            "locked-pem",
            &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"],
            "the key `KEY` has a passphrase",
        ),
        (
            "p521",
            &["-t", "ecdsa", "-b", "521", "-N", ""],
            "the key `KEY` is of the type `ecdsa-sha2-nistp521`",
        ),
        (
            "small",
            &["-t", "rsa", "-b", "1024", "-N", ""],
            "the key `KEY` is damaged, or RSA of less than 2048 or more than 4096 bits",
        ),
    ] {
        assert_eq!(made(name, options).err(), Some(format!("{expected}: {help}")), "{name}");
    }
}

#[test]
fn other_files_are_told_apart() {
    let check = |text: &[u8], expected| assert_eq!(Key::parse(text).err(), Some(expected));
    check(b"", Trouble::Form);
    check(b"\xff\xfe", Trouble::Form);
    check(b"ssh-ed25519 AAAA me", Trouble::Public);
    check(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Trouble::Form);
    check(b"-----BEGIN OPENSSH PRIVATE KEY-----\n*\n-----END OPENSSH PRIVATE KEY-----\n", Trouble::Damaged);
    check(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        Trouble::Damaged,
    );
    check(&vec![b'a'; LARGEST as usize + 1], Trouble::Form);
    let missing = Key::read(&PathBuf::from("no-such-key")).err();
    assert_eq!(missing.as_deref(), Some("read `no-such-key`: no such file or directory"));
}

#[test]
fn a_damaged_key_is_no_reason_to_panic() {
    let mut whole = b"openssh-key-v1\0".to_vec();
    whole.extend(strings(&[b"none", b"none", b""]));
    whole.extend(1u32.to_be_bytes());
    let mut secret = [7u32.to_be_bytes(), 7u32.to_be_bytes()].concat();
    secret.extend(strings(&[b"ssh-rsa", b"", b"", b"", b"", &[1], &[1]]));
    whole.extend(strings(&[b"", &secret]));
    for end in 0..whole.len() {
        assert_eq!(openssh(&whole[..end]).err(), Some(Trouble::Damaged), "{end}");
    }
    assert_eq!(openssh(&whole).err(), Some(Trouble::Rejected));
}

#[test]
fn remainders() {
    for (number, by, expected) in
        [(1000u32, 7u32, 6u32), (7, 7, 0), (6, 7, 6), (0, 5, 0), (u32::MAX, 0xffff, 0), (u32::MAX, 0xfffe, 3)]
    {
        let bytes = remainder(&number.to_be_bytes(), &by.to_be_bytes());
        assert_eq!(bytes, expected.to_be_bytes(), "{number} % {by}");
    }
}
