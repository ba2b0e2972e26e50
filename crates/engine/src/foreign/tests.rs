//! Folders as the kernel shows them to what is concluded.

use super::*;

/// As Debian's qemu-user-static registers it.
const ARM64: &str = "enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
";
const S390X: &str = "enabled
interpreter /usr/bin/qemu-s390x
flags: 
offset 0
magic 7f454c4602020100000000000000000000020016
mask ffffffffffffff00fffffffffffffffffffeffff
";
const JAVA: &str = "enabled
interpreter /usr/bin/jexec
flags: F
offset 0
magic 504b0304
";
const PYTHON: &str = "enabled\ninterpreter /usr/bin/python3\nflags: F\nextension .pyc\n";

fn check(files: &[(&str, &str)], host: &str, platform: &str, expected: Runs) {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tare-binfmt-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    let found = runs_on(&Platform::linux(host), &platform.parse().unwrap(), &folder);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found, expected, "{platform} on {host}");
}

const ALL: [(&str, &str); 6] = [
    ("status", "enabled\n"),
    ("register", ""),
    ("qemu-aarch64", ARM64),
    ("qemu-s390x", S390X),
    ("jar", JAVA),
    ("python", PYTHON),
];

#[test]
fn a_handler_is_known_by_the_bytes_that_it_takes() {
    check(&ALL, "amd64", "linux/arm64", Runs::Handled);
    check(&ALL, "amd64", "linux/arm64/v8", Runs::Handled);
    check(&ALL, "amd64", "linux/s390x", Runs::HandledWithin);
    for missing in ["linux/arm/v7", "linux/riscv64", "linux/ppc64le", "linux/ppc64", "linux/mips64le"] {
        check(&ALL, "amd64", missing, Runs::No);
    }
    check(&ALL, "arm64", "linux/amd64", Runs::No);
}

#[test]
fn own_programs_need_none() {
    let none = [("status", "enabled\n")];
    check(&none, "amd64", "linux/amd64", Runs::Natively);
    check(&none, "amd64", "linux/amd64/v3", Runs::Natively);
    check(&none, "amd64", "linux/386", Runs::Natively);
    check(&none, "386", "linux/amd64", Runs::No);
    check(&none, "arm64", "linux/arm64", Runs::Natively);
    check(&none, "arm64", "linux/arm/v7", Runs::Unknown);
    check(&none, "amd64", "windows/amd64", Runs::No);
}

#[test]
fn what_is_off_does_not_count() {
    let off = ARM64.replace("enabled", "disabled");
    check(&[("status", "enabled\n"), ("qemu-aarch64", &off)], "amd64", "linux/arm64", Runs::No);
    check(&[("status", "disabled\n"), ("qemu-aarch64", ARM64)], "amd64", "linux/arm64", Runs::No);
}

#[test]
fn nothing_is_known_where_the_kernel_shows_nothing() {
    check(&[], "amd64", "linux/arm64", Runs::Unknown);
    check(&[], "amd64", "windows/amd64", Runs::No);
    check(&ALL, "amd64", "linux/vax", Runs::Unknown);
}

#[test]
fn whatever_the_folder_holds_is_no_reason_to_panic() {
    let odd = [
        ("status", "enabled"),
        ("a", ""),
        ("b", "enabled\nmagic 7f4\n"),
        ("c", "enabled\nmagic zz\noffset 0\n"),
        ("d", "enabled\nmagic 7f45\nmask ff\n"),
        ("e", "enabled\noffset 18446744073709551615\nmagic 7f45\n"),
        ("f", "enabled\nmagic \u{20ac}\u{20ac}\n"),
    ];
    check(&odd, "amd64", "linux/arm64", Runs::No);
}
