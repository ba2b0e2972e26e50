//! Owners and modes, here-documents, archives.

use std::sync::Arc;

use tree::copy::{Item, Origin};
use tree::entry::Time;
use tree::hash::{NoHashes, hash};
use tree::scan::{Everything, scan};
use tree::{Entry, Found, Kind, Meta};

use crate::support::{Case, Scratch, expect, render, show};

/// Sources of several modes into `/p/t`, where nothing is yet.
#[track_caller]
fn check(flags: &[&str], expected: &str) {
    let source = "f 0640 d/f=f\nd 0750 d/s\nf 4711 d/su=x\nl d/l -> f";
    Case { source, flags, paths: &["d"], dest: "p/t/", ..Case::default() }.check(Ok(expected));
}

#[test]
fn trap_17_missing_parents_are_plain() {
    check(
        &[],
        "+ d 0755 0:0 p\n+ d 0755 0:0 p/t\n+ f 0640 0:0 p/t/f=f\n+ l 0777 0:0 p/t/l -> f\n+ d 0750 0:0 p/t/s\n+ f 4711 0:0 p/t/su=x",
    );
}

#[test]
fn trap_17_and_24_an_owner_counts_for_parents_and_keeps_setuid() {
    check(
        &["--chown=5:6"],
        "+ d 0755 5:6 p\n+ d 0755 5:6 p/t\n+ f 0640 5:6 p/t/f=f\n+ l 0777 5:6 p/t/l -> f\n+ d 0750 5:6 p/t/s\n+ f 4711 5:6 p/t/su=x",
    );
}

#[test]
fn trap_17_an_octal_mode_counts_for_parents_and_directories() {
    check(
        &["--chmod=0700"],
        "+ d 0700 0:0 p\n+ d 0700 0:0 p/t\n+ f 0700 0:0 p/t/f=f\n+ l 0777 0:0 p/t/l -> f\n+ d 0700 0:0 p/t/s\n+ f 0700 0:0 p/t/su=x",
    );
    let case = Case {
        source: "f 0755 d/s/f=",
        flags: &["--chmod=644"],
        paths: &["d"],
        dest: "t",
        ..Case::default()
    };
    case.check(Ok("+ d 0644 0:0 t\n+ d 0644 0:0 t/s\n+ f 0644 0:0 t/s/f="));
}

#[test]
fn trap_17_and_29_a_symbolic_mode_does_not_count_for_parents() {
    check(
        &["--chmod=+x"],
        "+ d 0755 0:0 p\n+ d 0755 0:0 p/t\n+ f 0751 0:0 p/t/f=f\n+ l 0777 0:0 p/t/l -> f\n+ d 0751 0:0 p/t/s\n+ f 4711 0:0 p/t/su=x",
    );
    check(
        &["--chmod=u=rwX,go=rX"],
        "+ d 0755 0:0 p\n+ d 0755 0:0 p/t\n+ f 0644 0:0 p/t/f=f\n+ l 0777 0:0 p/t/l -> f\n+ d 0755 0:0 p/t/s\n+ f 0755 0:0 p/t/su=x",
    );
}

#[test]
fn an_owner_counts_for_the_directories_of_parents_too() {
    let flags = &["--parents", "--chown=5:6", "--chmod=0500"];
    let case = Case { source: "f 0644 a/b/c=x", flags, paths: &["a/b/c"], dest: "o/", ..Case::default() };
    case.check(Ok("+ d 0500 5:6 o\n+ d 0500 5:6 o/a\n+ d 0500 5:6 o/a/b\n+ f 0500 5:6 o/a/b/c=x"));
}

#[track_caller]
fn items(case: Case<'_>, items: Vec<Item<'_>>, expected: Result<&str, &str>) {
    let scratch = Scratch::new();
    let view = scratch.view(&[case.image]);
    match (case.copy_items(items, &view), expected) {
        (Ok(changes), Ok(expected)) => expect(&render(&changes), expected),
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
        (changes, expected) => panic!("{:?} is not {expected:?}", changes.map(|changes| render(&changes))),
    }
}

fn document(name: &str, text: &str) -> Item<'static> {
    let meta = Meta { mode: 0o644, mtime: Time { sec: 1, nsec: 0 }, ..Meta::default() };
    Item::File(Found::bytes(name.into(), meta, Arc::from(text.as_bytes())))
}

#[test]
fn trap_8_here_documents_are_named_after_their_word() {
    let two = || vec![document("A", "a"), document("B", "b")];
    items(
        Case { dest: "x/", ..Case::default() },
        two(),
        Ok("+ d 0755 0:0 x\n+ f 0644 0:0 x/A=a\n+ f 0644 0:0 x/B=b"),
    );
    items(Case { dest: "x", ..Case::default() }, two(), Ok("+ f 0644 0:0 x=b"));
    let flags = &["--chmod=0755", "--chown=3:4"];
    items(Case { dest: "x", flags, ..Case::default() }, vec![document("A", "a")], Ok("+ f 0755 3:4 x=a"));
}

/// Entries as they come out of a tar, with the archive's owners.
fn archive(objects: &str) -> (Scratch, Vec<Entry>) {
    let scratch = Scratch::new();
    let root = scratch.root("archive", objects);
    let mut entries = hash(scan(&root, b"", &Everything).unwrap(), &NoHashes).unwrap();
    for entry in &mut entries {
        (entry.meta.uid, entry.meta.gid) = (500, 501);
    }
    let top = Meta { mode: 0o700, uid: 500, gid: 501, ..Meta::default() };
    entries.insert(0, Entry { path: "".into(), meta: top, kind: Kind::Dir });
    (scratch, entries)
}

#[test]
fn trap_27_an_archive_keeps_its_owners_and_leaves_the_destination_alone() {
    let (_scratch, entries) = archive("f 0640 d/f=x\nd 1777 d");
    let case = Case { image: "d 0711 t", dest: "t", ..Case::default() };
    items(
        case,
        vec![Item::Archive(entries)],
        Ok("+ d 0711 me t\n+ d 1777 500:501 t/d\n+ f 0640 500:501 t/d/f=x"),
    );
}

#[test]
fn trap_27_a_destination_without_a_slash_is_a_directory() {
    let (_scratch, entries) = archive("f 0640 f=x");
    let case = Case { dest: "new/t", ..Case::default() };
    items(
        case,
        vec![Item::Archive(entries)],
        Ok("+ d 0755 0:0 new\n+ d 0755 0:0 new/t\n+ f 0640 500:501 new/t/f=x"),
    );
}

#[test]
fn trap_27_an_owner_counts_and_a_mode_does_not() {
    let (_scratch, entries) = archive("f 0640 f=x");
    let case = Case { dest: "t", flags: &["--chown=3:4", "--chmod=0777"], ..Case::default() };
    items(case, vec![Item::Archive(entries)], Ok("+ d 0755 3:4 t\n+ f 0640 3:4 t/f=x"));
}

#[test]
fn an_archive_replaces_what_is_in_its_way() {
    let (_scratch, entries) = archive("f 0640 a=x\nd 0755 b");
    let case = Case { image: "f 0644 t/a/old=\nf 0644 t/b=", dest: "t", ..Case::default() };
    items(
        case,
        vec![Item::Archive(entries)],
        Ok("+ d 0755 me t\n+ f 0640 500:501 t/a=x\n+ d 0755 500:501 t/b"),
    );
}

#[test]
fn an_archive_follows_links_below_its_destination_only() {
    let (_scratch, entries) = archive("f 0640 l/f=x");
    // The archive has `l` as a directory, so without that entry the image's link is followed.
    let entries = entries.into_iter().filter(|entry| entry.path != b"l").collect();
    let case = Case { image: "d 0755 t\nl t/l -> /etc", dest: "t", ..Case::default() };
    items(
        case,
        vec![Item::Archive(entries)],
        Ok("+ d 0755 me t\n+ d 0755 0:0 t/etc\n+ f 0640 500:501 t/etc/f=x"),
    );
}

#[test]
fn an_archives_hard_links_are_links_at_their_new_place() {
    let (_scratch, entries) = archive("f 0640 a=x\nd 0755 d\nh d/z = a");
    let case = Case { dest: "t", ..Case::default() };
    let expected =
        "+ d 0755 0:0 t\n+ f 0640 500:501 t/a=x\n+ d 0755 500:501 t/d\n+ h 0640 500:501 t/d/z = t/a";
    items(case, vec![Item::Archive(entries)], Ok(expected));
}

#[test]
fn an_archives_link_to_nothing_is_an_error() {
    let kind = Kind::Hardlink { target: b"../../etc/shadow".to_vec() };
    let entry = Entry { path: "x".into(), meta: Meta::default(), kind };
    let error = "`x` is a hard link to `etc/shadow`, which is not in the archive";
    items(Case { dest: "t", ..Case::default() }, vec![Item::Archive(vec![entry])], Err(error));
}

#[test]
fn a_name_twice_in_an_archive_is_the_last_one() {
    let (_scratch, mut entries) = archive("f 0640 a/b=x");
    let meta = Meta { mode: 0o600, ..Meta::default() };
    entries.push(Entry { path: "a".into(), meta, kind: Kind::Fifo });
    items(
        Case { dest: "t", ..Case::default() },
        vec![Item::Archive(entries)],
        Ok("+ d 0755 0:0 t\n+ p 0600 0:0 t/a"),
    );
}

#[test]
fn files_of_two_archives_are_not_links_to_each_other() {
    let (_one, first) = archive("f 0640 a=x");
    let (_two, second) = archive("f 0640 b=y");
    let case = Case { dest: "t", ..Case::default() };
    let expected = "+ d 0755 0:0 t\n+ f 0640 500:501 t/a=x\n+ f 0640 500:501 t/b=y";
    items(case, vec![Item::Archive(first), Item::Archive(second)], Ok(expected));
}

#[test]
fn what_was_picked_is_no_pattern_any_more() {
    let scratch = Scratch::new();
    let context = scan(&scratch.root("c", "f 0644 a*=x\nf 0644 ab=y\nl l -> ab"), b"", &Everything).unwrap();
    let origin = Origin::Context(&context);
    let picked = origin.select(b"[al]*").unwrap();
    let names: Vec<String> =
        picked.iter().map(|picked| format!("{} {}", show(&picked.path), show(&picked.found.path))).collect();
    assert_eq!(names, ["a* a*", "ab ab", "l ab"]);
    let all = picked.into_iter().map(|picked| Item::Picked { origin, picked }).collect();
    let expected = "+ d 0755 0:0 t\n+ f 0644 0:0 t/a*=x\n+ f 0644 0:0 t/ab=y\n+ f 0644 0:0 t/l=y";
    items(Case { dest: "t/", ..Case::default() }, all, Ok(expected));
}
