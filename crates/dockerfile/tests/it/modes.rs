//! `--chmod` values.

use dockerfile::Chmod;

/// `mode` of a file after the change, in octal.
fn check(change: &str, mode: u32, expected: u32) {
    let changed = Chmod::parse(change).unwrap().apply(mode, false);
    assert_eq!(changed, expected, "{change} on {mode:o} gives {changed:o}, not {expected:o}");
}

#[test]
fn octal_replaces_everything() {
    check("644", 0o4755, 0o644);
    check("07777", 0o644, 0o7777);
    assert!(Chmod::parse("0700").unwrap().is_octal());
    assert!(!Chmod::parse("u=r").unwrap().is_octal());
}

// Trap 29.
#[test]
fn symbolic_changes_have_no_umask() {
    check("+x", 0o640, 0o751);
    check("u+s,g=u", 0o640, 0o4660);
    check("u=rwX,go=rX", 0o600, 0o644);
    check("u=rwX,go=rX", 0o700, 0o755);
    check("a-w", 0o666, 0o444);
    check("g+s,+t", 0o755, 0o3755);
    check("o+s,o+t", 0o755, 0o755);
    check("go=", 0o777, 0o700);
    check("u=g", 0o4750, 0o4550);
    check("o+u-g", 0o750, 0o752);
    check("=", 0o7777, 0o1000);
    check("-X", 0o755, 0o644);
    check("u-x,+X", 0o755, 0o755);
}

#[test]
fn directories_count_as_executable_for_capital_x() {
    let change = Chmod::parse("u=rwX,go=rX").unwrap();
    assert_eq!(change.apply(0o600, true), 0o755);
    assert_eq!(change.apply(0o040_600, true), 0o040_755);
}

#[test]
fn refuses_what_is_no_mode() {
    for text in ["", "8", "10000", "0o7", "-", "u", "u+r,", ",u+r", "u+q", "u+r;", "99999999999", "x"] {
        let valid = matches!(text, "-");
        assert_eq!(Chmod::parse(text).is_ok(), valid, "{text:?}");
    }
}
