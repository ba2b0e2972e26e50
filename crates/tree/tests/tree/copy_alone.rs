//! A copy's digest without a list of it, and a context that is handed over whole.
//!
//! Each [`Case`] of the other files compares both with the plain way, too.

use tree::copy::{Item, Origin, alone};
use tree::hash::NoHashes;
use tree::scan::{Everything, scan};
use tree::{Found, Meta, View, id};

use crate::support::{Case, Scratch};

const TREE: &str =
    "d 0750 d\nf 0640 d/f=f\nd 0700 d/s\nf 4711 d/s/su=x\nl d/l -> f\np 0600 d/p\nf 0644 g=g\nl m -> d";

/// Whether a path of the tree has a digest without a list; [`Case`] says whether it is the right one.
#[track_caller]
fn check(source: &str, flags: &[&str], path: &str, expected: bool) {
    let scratch = Scratch::new();
    let context = scan(&scratch.root("source", source), b"", &Everything).unwrap();
    let case = Case { source, flags, paths: &[path], dest: "/", ..Case::default() };
    case.check_agrees();
    let sum = case.how("/", |how| alone(how, &context, path.as_bytes(), &NoHashes)).unwrap();
    assert_eq!(sum.is_some(), expected, "{path} {flags:?}");
}

#[test]
fn folders_have_a_digest_without_a_list() {
    for path in [".", "/", "d", "./d/", "d/s", "m"] {
        check(TREE, &[], path, true);
    }
    check(TREE, &["--chown=5:6", "--chmod=0700"], ".", true);
    check(TREE, &["--chmod=u+x"], "d", true);
    check("", &[], ".", true);
}

#[test]
fn what_only_the_list_tells_of_has_none() {
    for path in ["g", "d/f", "*", "d/[s]"] {
        check(TREE, &[], path, false);
    }
    check(TREE, &["--parents"], ".", false);
    check(TREE, &["--exclude=d"], ".", false);
    check("f 0644 a=a\nh b = a", &[], ".", false);
}

#[test]
fn a_whole_context_goes_wherever_a_lent_one_does() {
    for dest in ["/", "x/", "x", "x/y/", "d", "d/", "l/", "g", "z"] {
        for flags in [&[][..], &["--chown=5:6", "--chmod=0700"], &["--exclude=d/s"], &["--link"]] {
            let image = "d 0755 x\nd 0711 d\nf 0600 d/f=old\nl l -> x\nf 0644 g=file\nd 0755 z\nd 0700 z/g";
            Case { source: TREE, image, flags, paths: &["."], dest, ..Case::default() }.check_agrees();
        }
    }
}

/// More than are read at a time.
#[test]
fn a_long_list_has_one_digest() {
    let file = |n: usize| Found::bytes(format!("f{n:06}").into_bytes(), Meta::default(), b"x"[..].into());
    let all: Vec<Found> = (0..33_000).map(file).collect();
    let item = Item::Path { origin: Origin::Context(&all), path: b"." };
    let case = Case { dest: "/", ..Case::default() };
    let changes = case.copy_items(vec![item], &View::new(Vec::new())).unwrap();
    let sum = case.how("/", |how| alone(how, &all, b".", &NoHashes)).unwrap();
    assert_eq!(sum, Some(id(&changes)));
}
