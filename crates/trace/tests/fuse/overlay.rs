//! What a tree hides of the layers below, and that overlayfs understands it.

use trace::Strict;
use tree::{Change, Kind};

use crate::Case;
use crate::world::{World, dir, file, lines, link, put};

pub const CASES: &[Case] = &[
    ("whiteouts_hide", whiteouts_hide),
    ("whiteouts_do_not_show_where_nothing_is_below", whiteouts_do_not_show_where_nothing_is_below),
    ("opaque_directories_hide", opaque_directories_hide),
    ("without_marks_none_are_asked_for", without_marks_none_are_asked_for),
    ("modes_owners_and_times_are_the_layers", modes_owners_and_times_are_the_layers),
    ("a_removed_tree_can_be_made_again", a_removed_tree_can_be_made_again),
];

fn remove(path: &str) -> Change {
    Change::Remove(path.into())
}

/// What a line of shell says, without the line's end.
fn says(world: &World, changes: &[Change], below: &[&str], script: &str) -> String {
    let mounted = world.serve(changes, below, Strict);
    let output = mounted.sh(script);
    assert!(output.stderr.is_empty(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn whiteouts_hide(world: &World) {
    let changes = [dir("d"), file("d/a", ""), remove("d/gone"), remove("e"), remove("f")];
    let below = ["d/", "d/gone", "d/stays", "e/", "e/x", "f"];
    assert_eq!(
        says(world, &changes, &below, "echo * d/*; test -e d/gone || test -e e/x || echo gone"),
        "d d/a d/stays\ngone"
    );
    let mounted = world.serve(&changes, &below, Strict);
    mounted.sh("test -e d/gone");
    let (touched, tree) = mounted.finish();
    assert_eq!(lines(&touched, &tree, false), ["entry d", "entry d/gone"]);
    let facts = touched.facts(&tree, false, &|_| Vec::new()).expect("facts");
    assert!(facts.iter().any(|fact| fact.answer == "whiteout"));
}

fn whiteouts_do_not_show_where_nothing_is_below(world: &World) {
    // A later layer took away what an earlier one had put, and further down there is no such directory.
    let changes = [dir("d"), file("d/a", ""), remove("d/gone")];
    assert_eq!(says(world, &changes, &[], "ls d; rm -r d; echo *"), "a\n*");
    assert_eq!(says(world, &changes, &["d/", "d/gone"], "ls d; rm -r d; echo *"), "a\n*");
}

fn opaque_directories_hide(world: &World) {
    let changes = [dir("d"), Change::Opaque(b"d".to_vec()), file("d/new", ""), dir("e"), file("e/new", "")];
    let below = ["d/", "d/old", "e/", "e/old"];
    assert_eq!(
        says(world, &changes, &below, "echo d/* e/*; test -e d/old || echo gone"),
        "d/new e/new e/old\ngone"
    );
}

fn without_marks_none_are_asked_for(world: &World) {
    let changes = [dir("a"), dir("b"), dir("c"), file("c/f", "")];
    let messages = |extra: &[Change]| {
        let mounted = world.serve(&[&changes[..], extra].concat(), &["a/", "b/", "c/"], Strict);
        mounted.sh("ls a b c; cat c/f");
        mounted.finish().0.messages()
    };
    assert!(messages(&[]) + 3 <= messages(&[remove("z")]));
}

fn modes_owners_and_times_are_the_layers(world: &World) {
    let mut changes = vec![
        dir("d"),
        put("d/s", 0o4711, Kind::Dir),
        put("t", 0o1777, Kind::Dir),
        put("x", 0o6755, crate::world::bytes(b"x")),
        link("z", "x"),
    ];
    // An ordinary user has one id only.
    let ids = std::fs::read_to_string("/proc/self/uid_map").expect("a map of ids");
    let owner = if ids.split_whitespace().nth(2) == Some("1") { 0 } else { 7 };
    if let Some(Change::Put(entry)) = changes.last_mut() {
        entry.meta.uid = owner;
    }
    let expected = format!(
        "4711 0 1500000000 2 4096\n1777 0 1500000000 2 4096\n6755 0 1500000000 1 1\n777 {owner} 1500000000 1 1"
    );
    assert_eq!(says(world, &changes, &[], "stat -c '%a %u %Y %h %s' d/s t x z"), expected);
}

fn a_removed_tree_can_be_made_again(world: &World) {
    let changes = [dir("d"), file("d/a", ""), dir("d/e"), file("d/e/x", "")];
    let script = "rm -r d && mkdir d && echo new > d/b && echo d/* && mv d/b d/c && cat d/c";
    assert_eq!(says(world, &changes, &["d/", "d/z"], script), "d/b\nnew");
}
