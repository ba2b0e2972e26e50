//! Directories that natives have too: shown where the tree has none, so that looks into them are seen, and so that a
//! step sees what it would see without.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tree::{Change, Kind};

use crate::Case;
use crate::world::{Mounted, World, dir, file, lines, put};

pub const CASES: &[Case] = &[
    ("looks_into_native_directories_are_seen", looks_into_native_directories_are_seen),
    ("a_step_sees_what_it_would_see_without", a_step_sees_what_it_would_see_without),
    ("attributes_of_a_native_directory_stay", attributes_of_a_native_directory_stay),
    ("changes_below_native_directories", changes_below_native_directories),
    ("native_directories_can_go", native_directories_can_go),
];

fn native(world: &World) -> PathBuf {
    let base = world.new_dir();
    for (path, mode) in [
        ("etc", 0o755),
        ("etc/deep", 0o711),
        ("tmp", 0o1777),
        ("usr", 0o755),
        ("usr/local", 0o755),
        ("usr/local/share", 0o750),
        ("usr/local/share/fourth", 0o755),
    ] {
        fs::create_dir(base.join(path)).expect("make a directory");
        fs::set_permissions(base.join(path), PermissionsExt::from_mode(mode)).expect("set a mode");
    }
    for path in ["etc/passwd", "etc/deep/x", "usr/local/share/x", "usr/local/share/fourth/x"] {
        fs::write(base.join(path), "native\n").expect("write");
    }
    symlink("usr/local", base.join("link")).expect("link");
    base
}

fn layer() -> Vec<Change> {
    vec![dir("etc"), file("etc/b", "b\n")]
}

/// What a line of shell says, errors too.
fn says(mounted: &Mounted, script: &str) -> String {
    let output = mounted.sh(script);
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim_end().to_owned()
}

#[track_caller]
fn check(world: &World, changes: &[Change], script: &str, expected: &[&str]) {
    let mounted = world.serve_over_native(changes, &native(world));
    let output = mounted.sh(script);
    assert!(output.stderr.is_empty(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    let (touched, tree) = mounted.finish();
    assert_eq!(lines(&touched, &tree, false), expected, "{script}");
}

fn looks_into_native_directories_are_seen(world: &World) {
    check(world, &[], "cat etc/passwd >/dev/null", &["shared etc", "entry etc/passwd"]);
    check(world, &[], "stat etc tmp >/dev/null", &["shared etc", "shared tmp"]);
    check(world, &[], "echo etc/* >/dev/null", &["shared etc", "list etc"]);
    let local = ["shared usr", "shared usr/local"];
    let through = [&local[..], &["shared usr/local/share", "entry usr/local/share/x"]].concat();
    check(world, &[], "cat usr/local/share/x >/dev/null", &through);
    let fourth = [&local[..], &["shared usr/local/share", "entry usr/local/share/fourth"]].concat();
    check(world, &[], "cat usr/local/share/fourth/x >/dev/null", &fourth);
    // A link of natives is none of ours, and leads to a directory that is.
    check(
        world,
        &[],
        "test -e link/nope",
        &[&["entry link"][..], &local, &["entry usr/local/nope"]].concat(),
    );
    check(
        world,
        &layer(),
        "cat etc/b etc/passwd >/dev/null",
        &["shared etc", "entry etc/b", "content etc/b", "entry etc/passwd"],
    );
    let other = [put("etc", 0o700, Kind::Dir)];
    check(world, &other, "test -e etc/passwd", &["entry etc", "entry etc/passwd"]);
}

/// All that can be told of all files, but for their numbers and how many names directories have.
const TELL: &str =
    "find . -mindepth 1 | sort | xargs stat -c '%n %f %u %g %Y'; find . -type f | sort | xargs cat";

fn a_step_sees_what_it_would_see_without(world: &World) {
    let base = native(world);
    let told = says(&world.serve_over_native(&[], &base), TELL);
    assert_eq!(told, tell_natively(&base));
    let mounted = world.serve_over_native(&layer(), &base);
    assert_eq!(
        says(&mounted, "echo etc/* usr/local/* etc/deep/*"),
        "etc/b etc/deep etc/passwd usr/local/share etc/deep/x"
    );
    assert_eq!(says(&mounted, "cd link/share/fourth && cat x && cat ../../../../etc/b"), "native\nb");
    assert_eq!(says(&mounted, "mkdir tmp/a && rmdir tmp/a && rmdir tmp && echo gone"), "gone");
    assert_eq!(says(&mounted, "rmdir etc/deep 2>/dev/null || echo not empty"), "not empty");
}

fn tell_natively(base: &Path) -> String {
    let output = std::process::Command::new("busybox").args(["sh", "-c", TELL]).current_dir(base).output();
    String::from_utf8_lossy(&output.expect("run busybox").stdout).trim_end().to_owned()
}

fn attributes_of_a_native_directory_stay(world: &World) {
    let base = native(world);
    let flags = rustix::fs::XattrFlags::empty();
    if let Err(e) = rustix::fs::setxattr(base.join("etc"), "user.a", b"x", flags) {
        println!("not tested, since there are no attributes on this machine: {e}");
        return;
    }
    let mounted = world.serve_over_native(&[], &base);
    let mut value = [0; 8];
    let length =
        rustix::fs::getxattr(mounted.merged.join("etc"), "user.a", &mut value).expect("an attribute");
    assert_eq!(&value[..length], b"x");
    let (touched, tree) = mounted.finish();
    assert_eq!(lines(&touched, &tree, false), ["entry etc"]);
}

fn changes_below_native_directories(world: &World) {
    let base = native(world);
    let mounted = world.serve_over_native(&[], &base);
    let script = "echo new > etc/new; echo more >> etc/passwd; cat etc/new etc/passwd";
    assert_eq!(says(&mounted, script), "new\nnative\nmore");
    let (upper, native) = (mounted.upper.join("etc"), base.join("etc"));
    let of =
        |path: &Path| fs::metadata(path).map(|stat| (stat.mode(), stat.uid(), stat.gid())).expect("a status");
    assert_eq!(of(&upper), of(&native));
    assert_eq!(fs::read_dir(&upper).expect("list").count(), 2);
    assert_eq!(says(&mounted, "chmod 700 etc/deep && stat -c %a etc/deep && cat etc/deep/x"), "700\nnative");
    assert_eq!(says(&mounted, "chown 0:0 usr/local/share && stat -c %a usr/local/share"), "750");
    let (touched, tree) = mounted.finish();
    let facts = lines(&touched, &tree, false);
    assert!(!facts.iter().any(|fact| fact.starts_with("stat")), "{facts:?}");
    assert!(facts.contains(&"entry etc/new".to_owned()) && facts.contains(&"shared etc/deep".to_owned()));
}

fn native_directories_can_go(world: &World) {
    for changes in [&[][..], &layer()] {
        let mounted = world.serve_over_native(changes, &native(world));
        assert_eq!(says(&mounted, "rm -r etc usr; test -e etc -o -e usr || echo gone"), "gone");
        let whiteout = fs::symlink_metadata(mounted.upper.join("etc")).expect("a whiteout");
        assert_eq!((whiteout.mode() & 0o170_000, whiteout.rdev()), (0o020_000, 0));
        let script = "mkdir etc && ls -A etc && echo x > etc/x && mv etc/x etc/y && echo etc/*";
        assert_eq!(says(&mounted, script), "etc/y");
        let (touched, tree) = mounted.finish();
        let facts = touched.facts(&tree, false, &|_| Vec::new()).expect("facts");
        // It would have been removed as well, had it been there.
        let after = trace::Tree::new(&[[changes, &[dir("etc"), file("etc/c", "")]].concat()]);
        let (broken, _) = trace::broken(&facts, &after).expect("answers").expect("a fact that does not hold");
        assert_eq!((broken.path.as_str(), broken.look), ("etc", trace::Look::List));
    }
}
