//! A tar to a folder: complete, in overlayfs's form, and never outside of it.

mod common;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{
    Scratch, archive, block, content, dir, entry, file, hardlink, is_opaque, linked, listing, meta, mtime,
    opaque, pax, remove, symlink, xattr,
};
use layer::{Applied, Times};
use tree::{Change, Kind, Meta, Time};

fn apply_at(scratch: &Scratch, tar: &[u8]) -> Result<Applied, String> {
    layer::apply(tar, &scratch.join("layer"), &|_| None, &|_| {}).map_err(|e| e.to_string())
}

/// What a tar of hand-made members becomes.
fn applied(parts: &[Vec<u8>]) -> Vec<String> {
    let scratch = Scratch::new();
    apply_at(&scratch, &archive(parts)).unwrap();
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "outside of the layer");
    listing(&scratch.join("layer"))
}

fn refused(parts: &[Vec<u8>], message: &str) {
    let scratch = Scratch::new();
    let error = apply_at(&scratch, &archive(parts)).unwrap_err();
    assert!(error.contains(message), "{error}");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "outside of the layer");
}

fn f(path: &str, data: &str) -> Vec<u8> {
    block(b'0', path, data.as_bytes())
}

fn d(path: &str) -> Vec<u8> {
    block(b'5', path, b"")
}

fn l(path: &str, target: &str) -> Vec<u8> {
    linked(b'2', path, target, b"")
}

fn h(path: &str, target: &str) -> Vec<u8> {
    linked(b'1', path, target, b"")
}

#[test]
fn what_was_written_is_unpacked() {
    let changes = [
        dir("d"),
        file("d/f", "hello"),
        hardlink("d/g", "d/f"),
        symlink("d/s", "/nowhere"),
        Change::Put(entry("d/t", 0o6751, content(b"x"))),
        Change::Put(entry("d/u", 0o640, Kind::Fifo)),
        Change::Put(entry("e", 0o1777, Kind::Dir)),
        opaque("e"),
        remove("gone"),
    ];
    let mut tar = Vec::new();
    layer::write(&changes, &Times::Preserve, &mut tar).unwrap();
    let scratch = Scratch::new();
    let applied = apply_at(&scratch, &tar).unwrap();
    assert_eq!(applied, Applied { files: 9, bytes: 6, skipped: vec![] });
    let layer = scratch.join("layer");
    let expected = [
        "d dir 755",
        "d/f 644 `hello`",
        "d/g 644 `hello`",
        "d/s -> /nowhere",
        "d/t 6751 `x`",
        "d/u fifo 640",
        "e dir 1777 opaque",
        "gone whiteout",
    ];
    assert_eq!(listing(&layer), expected);
    for path in ["d", "d/f", "d/s", "d/t", "e"] {
        assert_eq!(mtime(&layer.join(path)), meta(0).mtime, "{path}");
    }
    let inode = |path| layer.join(path).metadata().unwrap().ino();
    assert_eq!(inode("d/f"), inode("d/g"));
}

#[test]
fn later_members_replace_earlier_ones() {
    let table: &[(&[Vec<u8>], &[&str])] = &[
        (&[f("a", "1"), f("a", "2")], &["a 755 `2`"]),
        (&[d("a"), f("a/b", ""), f("a", "1")], &["a 755 `1`"]),
        (&[f("a", "1"), d("a"), f("a/b", "2")], &["a dir 755", "a/b 755 `2`"]),
        (&[d("a"), f("a/b", "1"), d("a")], &["a dir 755", "a/b 755 `1`"]),
        (&[l("a", "b"), f("a", "1")], &["a 755 `1`"]),
        (&[l("a", "b"), d("b"), d("a")], &["a dir 755", "b dir 755"]),
        (&[f("a", "1"), l("a", "b"), l("a", "c")], &["a -> c"]),
        (&[f("a", "1"), h("b", "a"), f("a", "2")], &["a 755 `2`", "b 755 `1`"]),
        (&[f("a", "1"), h("a", "a")], &["a 755 `1`"]),
        (
            &[d("a"), d("a/b"), f("a/b/c", ""), f("a", "1"), d("a"), f("a/b/c", "2")],
            &["a dir 755", "a/b dir 755", "a/b/c 755 `2`"],
        ),
    ];
    for (parts, expected) in table {
        assert_eq!(&applied(parts), expected);
    }
}

#[test]
fn whiteouts_speak_of_the_layers_below_wherever_they_stand() {
    let table: &[(&[Vec<u8>], &[&str])] = &[
        (&[f(".wh.a", "")], &["a whiteout"]),
        (&[f("d/.wh.a", "")], &["d dir 755", "d/a whiteout"]),
        (&[f(".wh.a", ""), f(".wh.a", "")], &["a whiteout"]),
        (&[f(".wh.a", ""), f("a", "1")], &["a 755 `1`"]),
        (&[f("a", "1"), f(".wh.a", "")], &["a 755 `1`"]),
        (&[f(".wh.a", ""), d("a"), f("a/b", "")], &["a dir 755 opaque", "a/b 755 ``"]),
        (&[d("a"), f("a/b", ""), f(".wh.a", "")], &["a dir 755 opaque", "a/b 755 ``"]),
        (&[f(".wh.a", ""), f("a/b", "")], &["a dir 755 opaque", "a/b 755 ``"]),
        (&[d("a"), f("a/b", ""), f("a/.wh..wh..opq", "")], &["a dir 755 opaque", "a/b 755 ``"]),
        (&[f("a/.wh..wh..opq", ""), f("a/b", ""), d("a")], &["a dir 755 opaque", "a/b 755 ``"]),
        (&[f(".wh.a", ""), l("a", "b")], &["a -> b"]),
        // Left by AUFS, for nobody.
        (&[d(".wh..wh.plnk"), f(".wh..wh.plnk/1.2", ""), f(".wh..wh.aufs", "")], &[]),
    ];
    for (parts, expected) in table {
        assert_eq!(&applied(parts), expected);
    }
}

#[test]
fn the_whole_root_can_be_opaque() {
    let scratch = Scratch::new();
    apply_at(&scratch, &archive(&[f(".wh..wh..opq", "")])).unwrap();
    assert!(is_opaque(&scratch.join("layer")));
}

#[test]
fn tricks_with_whiteouts() {
    for name in [".wh.", ".wh..", ".wh...", "d/.wh...", "d/.wh."] {
        refused(&[f(name, "")], "removes nothing");
    }
    refused(&[f(".wh.a/b", "")], "is below a whiteout");
    refused(&[f("x/.wh.../b", "")], "is below a whiteout");
    refused(&[f(".wh.a", ""), h("b", "a")], "no file of the layer");
}

#[test]
fn nothing_leaves_the_layer() {
    for name in ["../x", "a/../../x", ".."] {
        refused(&[f(name, "")], "leads out of it");
    }
    assert_eq!(applied(&[f("/x", "1")]), ["x 755 `1`"]);
    let out = format!("{}/x", std::env::temp_dir().display());
    let parent = std::env::temp_dir();
    let within = |listing: Vec<String>| listing.iter().any(|line| line.ends_with("x 755 `1`"));
    for target in ["/", "..", "../../../..", "/..", "/../.."] {
        assert_eq!(applied(&[l("s", target), f("s/x", "1")]), [format!("s -> {target}"), "x 755 `1`".into()]);
    }
    assert!(within(applied(&[l("s", &parent.display().to_string()), f("s/x", "1")])));
    assert!(!std::path::Path::new(&out).exists());
}

#[test]
fn a_link_is_replaced_and_not_written_through() {
    let scratch = Scratch::new();
    let victim = scratch.join("victim");
    fs::write(&victim, "mine").unwrap();
    let target = victim.display().to_string();
    apply_at(&scratch, &archive(&[l("s", &target), f("s", "theirs")])).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert_eq!(listing(&scratch.join("layer")), ["s 755 `theirs`"]);
}

#[test]
fn names_below_a_link_go_where_it_leads() {
    let table: &[(&[Vec<u8>], &[&str])] = &[
        (
            &[d("usr"), d("usr/lib"), l("lib", "usr/lib"), f("lib/x", "1")],
            &["lib -> usr/lib", "usr dir 755", "usr/lib dir 755", "usr/lib/x 755 `1`"],
        ),
        // The link's target is in a layer below: this one has its own part of it.
        (
            &[l("lib", "/usr/lib"), f("lib/x", "1")],
            &["lib -> /usr/lib", "usr dir 755", "usr/lib dir 755", "usr/lib/x 755 `1`"],
        ),
        (
            &[l("a", "b"), l("b", "c/../d"), f("a/x", "1"), f("a/y", "2")],
            &["a -> b", "b -> c/../d", "c dir 755", "d dir 755", "d/x 755 `1`", "d/y 755 `2`"],
        ),
        (
            &[d("d"), f("d/x", "1"), l("s", "d"), h("y", "s/x")],
            &["d dir 755", "d/x 755 `1`", "s -> d", "y 755 `1`"],
        ),
        (
            &[l("s", "d"), f("s/x", "1"), f("s", "2"), f("s2", "")],
            &["d dir 755", "d/x 755 `1`", "s 755 `2`", "s2 755 ``"],
        ),
    ];
    for (parts, expected) in table {
        assert_eq!(&applied(parts), expected);
    }
    refused(&[l("a", "b"), l("b", "a"), f("a/x", "")], "open `a`");
    refused(&[f("a", ""), f("a/x", "")], "`a` is no directory");
}

#[test]
fn hard_links_stay_inside() {
    let host = "etc/hostname";
    refused(&[h("x", "../../../../../../etc/hostname")], "leads out");
    refused(&[h("x", "/etc/hostname")], "no file of the layer");
    refused(&[l("s", "/"), h("x", &format!("s/{host}"))], "no file of the layer");
    refused(&[l("s", "../../.."), h("x", &format!("s/{host}"))], "no file of the layer");
    refused(&[d("d"), h("x", "d")], "no file of the layer");
    refused(&[h("x", "later"), f("later", "")], "`x` is a hard link to `later`");
    refused(&[h("x", "./")], "no file of the layer");
    // A link to a link is a link.
    assert_eq!(
        applied(&[l("s", "/etc/hostname"), h("x", "s")]),
        ["s -> /etc/hostname", "x -> /etc/hostname"]
    );
}

#[test]
fn directories_that_are_not_mentioned_are_as_below() {
    let scratch = Scratch::new();
    let below = |path: &[u8]| match path {
        b"" => Some(meta(0o711)),
        b"a" => Some(Meta { mtime: Time { sec: 5, nsec: 6 }, ..meta(0o1750) }),
        _ => None,
    };
    let tar = archive(&[f("a/b/c", "1"), d("e"), f("e/f", "2")]);
    let layer = scratch.join("layer");
    layer::apply(tar.as_slice(), &layer, &below, &|_| {}).unwrap();
    assert_eq!(listing(&layer), ["a dir 1750", "a/b dir 755", "a/b/c 755 `1`", "e dir 755", "e/f 755 `2`"]);
    assert_eq!(layer.metadata().unwrap().mode() & 0o7777, 0o711);
    assert_eq!(mtime(&layer.join("a")), Time { sec: 5, nsec: 6 });
    assert_eq!(mtime(&layer.join("a/b")), Time::default());
}

#[test]
fn a_mentioned_root_is_as_mentioned() {
    let scratch = Scratch::new();
    let tar = archive(&[d("./"), f("a", "")]);
    let layer = scratch.join("layer");
    layer::apply(tar.as_slice(), &layer, &|_| Some(meta(0o700)), &|_| {}).unwrap();
    assert_eq!(layer.metadata().unwrap().mode() & 0o7777, 0o755);
    assert_eq!(mtime(&layer), meta(0).mtime);
    refused(&[f("./", ""), l(".", "x")], "root of a layer");
}

#[test]
fn attributes_are_kept_dropped_or_an_error() {
    let scratch = Scratch::new();
    let records = [
        ("SCHILY.xattr.user.kept", "1"),
        ("SCHILY.xattr.user.overlay.opaque", "y"),
        ("SCHILY.xattr.user.overlay.whiteout", "y"),
        ("SCHILY.xattr.trusted.overlay.opaque", "y"),
        ("SCHILY.xattr.trusted.x", "y"),
    ];
    let parts = [pax(&records), f("f", "1"), pax(&records), d("d"), pax(&records[..1]), l("s", "f")];
    let applied = apply_at(&scratch, &archive(&parts)).unwrap();
    let layer = scratch.join("layer");
    assert_eq!(listing(&layer), ["d dir 755", "f 755 `1`", "s -> f"]);
    for name in ["f", "d"] {
        assert_eq!(xattr(&layer.join(name), "user.kept").unwrap(), b"1");
        assert_eq!(xattr(&layer.join(name), "user.overlay.whiteout"), None);
    }
    let skipped: Vec<_> =
        applied.skipped.iter().map(|skipped| (skipped.path.as_slice(), skipped.what.as_str())).collect();
    assert_eq!(skipped.len(), 9, "{skipped:?}");
    assert!(skipped.contains(&(b"f", "attribute `trusted.x`: it is not an image's to set")));
    assert!(skipped.contains(&(b"s", "attribute `user.kept`: not supported here")));
}

#[test]
fn a_file_capability_is_set_or_an_error() {
    let scratch = Scratch::new();
    // cap_net_bind_service+ep, revision 2.
    let value = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let tar = archive(&[pax(&[("SCHILY.xattr.security.capability", value)]), f("f", "1")]);
    match apply_at(&scratch, &tar) {
        Ok(applied) => {
            assert_eq!(applied.skipped, []);
            assert_eq!(xattr(&scratch.join("layer/f"), "security.capability").unwrap(), value.as_bytes());
        }
        Err(e) => assert_eq!(e, "set attribute `security.capability` of `f`: operation not permitted"),
    }
}

#[test]
fn devices_are_made_where_they_may_be() {
    let scratch = Scratch::new();
    let device = Change::Put(entry("null", 0o666, Kind::Char { major: 1, minor: 3 }));
    let mut tar = Vec::new();
    layer::write(&[device], &Times::Preserve, &mut tar).unwrap();
    let applied = apply_at(&scratch, &tar).unwrap();
    let made = listing(&scratch.join("layer"));
    let told: Vec<_> = applied.skipped.iter().map(|skipped| skipped.what.as_str()).collect();
    match made.is_empty() {
        true => assert_eq!(told, ["device 1/3: not permitted"]),
        false => assert_eq!((made, told), (vec!["null device".to_owned()], vec![])),
    }
}

#[test]
fn a_device_in_an_image_is_no_whiteout() {
    let scratch = Scratch::new();
    let applied = apply_at(&scratch, &archive(&[f("a", "1"), block(b'3', "b", b"")])).unwrap();
    assert_eq!(listing(&scratch.join("layer")), ["a 755 `1`"]);
    assert_eq!(applied.skipped[0].path, b"b");
}

#[test]
fn an_owner_that_cannot_be_is_named() {
    let scratch = Scratch::new();
    let mut change = entry("f", 0o644, content(b"x"));
    change.meta.uid = u32::MAX;
    let mut tar = Vec::new();
    layer::write(&[Change::Put(change)], &Times::Preserve, &mut tar).unwrap();
    let error = apply_at(&scratch, &tar).unwrap_err();
    assert!(error.contains("`f`") && error.contains("4294967295"), "{error}");
}

#[test]
fn progress_adds_up_to_the_stream() {
    let scratch = Scratch::new();
    let tar = [archive(&[f("a", &"x".repeat(1_000_000)), f("b", "")]), vec![7; 1000]].concat();
    let total = AtomicU64::new(0);
    let count = |bytes| {
        total.fetch_add(bytes, Ordering::Relaxed);
    };
    let applied = layer::apply(tar.as_slice(), &scratch.join("layer"), &|_| None, &count).unwrap();
    assert_eq!((applied.files, applied.bytes), (2, 1_000_000));
    assert_eq!(total.into_inner(), tar.len() as u64);
}

#[test]
fn a_stream_that_breaks_says_why() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let scratch = Scratch::new();
    let tar = archive(&[f("a", &"x".repeat(1000))]);
    let broken = (&tar[..700]).chain(Broken);
    let error = layer::apply(broken, &scratch.join("layer"), &|_| None, &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "the cable is out");
    assert!(apply_at(&scratch, &tar[..700]).unwrap_err().contains("in the middle"));
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_stream() {
    let scratch = Scratch::new();
    fs::write(scratch.join("layer"), "").unwrap();
    // Endless: it returns only because nobody reads on.
    let error = layer::apply(io::repeat(7), &scratch.join("layer"), &|_| None, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
    fs::remove_file(scratch.join("layer")).unwrap();
    let error = layer::apply(io::repeat(7), &scratch.join("layer"), &|_| None, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn a_path_as_deep_as_the_kernel_takes() {
    let deep = "d/".repeat(1900) + "f";
    let scratch = Scratch::new();
    apply_at(&scratch, &archive(&[pax(&[("path", &deep)]), f("x", "1"), f("d", "2")])).unwrap();
    assert_eq!(listing(&scratch.join("layer")), ["d 755 `2`"]);
}
