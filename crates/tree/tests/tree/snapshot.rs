//! What a step wrote, as overlayfs leaves it in the upper directory, to changes.

use tree::hash::NoHashes;
use tree::snapshot;

use crate::support::{Scratch, expect, render};

/// The lower layer, the upper directory, and what comes of them.
#[track_caller]
fn check(lower: &str, upper: &str, expected: &str) {
    check_with_stubs(lower, upper, &[], expected);
}

#[track_caller]
fn check_with_stubs(lower: &str, upper: &str, stubs: &[&str], expected: &str) {
    let scratch = Scratch::new();
    let lower = scratch.view(&[lower]);
    let upper = scratch.root("upper", upper);
    let stubs: Vec<Vec<u8>> = stubs.iter().map(|stub| stub.as_bytes().to_vec()).collect();
    let changes = snapshot(&upper, &lower, &stubs, &NoHashes).unwrap().changes;
    expect(&render(&changes), expected);
}

#[test]
fn nothing_written_is_nothing() {
    check("f 0644 a=a", "", "");
}

#[test]
fn trap_48_a_whiteout_removes() {
    check("f 0644 d/a=a", "x d/a", "+ d 0755 me d\n- d/a");
}

#[test]
fn a_whiteout_of_what_never_was_is_dropped() {
    check("f 0644 a=a", "x nope\nx d/nope", "+ d 0755 me d");
    check("f 0644 d/a=a", "x d/nope", "");
}

#[test]
fn trap_48_a_new_directory_in_place_of_an_old_one_removes_each_old_child() {
    check(
        "f 0644 d/a=a\nf 0644 d/b=b\nf 0644 d/s/deep=x",
        "d 0755 d\no d\nf 0644 d/b=new",
        "+ d 0755 me d\n- d/a\n+ f 0644 me d/b=new\n- d/s",
    );
}

#[test]
fn below_an_opaque_directory_all_is_hidden() {
    check(
        "f 0644 d/s/old=o\nf 0644 d/s/same=s",
        "d 0755 d\no d\nf 0644 d/s/new=n",
        "+ d 0755 me d\n+ d 0755 me d/s\n+ f 0644 me d/s/new=n\n- d/s/old\n- d/s/same",
    );
}

#[test]
fn an_opaque_directory_with_the_old_content_is_no_change() {
    check("f 0644 d/a=a", "d 0755 d\no d\nf 0644 d/a=a", "");
}

#[test]
fn a_file_where_a_directory_was_replaces_it() {
    check("f 0644 d/a=a", "f 0644 d=file", "+ f 0644 me d=file");
    check("f 0644 d=file", "f 0644 d/a=a\no d", "+ d 0755 me d\n+ f 0644 me d/a=a");
}

#[test]
fn what_was_only_copied_up_is_dropped() {
    check("f 0644 d/a=a", "f 0644 d/a=a", "");
    check("d 0755 d\nl d/l -> a\nt d/l 1000", "d 0755 d\nl d/l -> a\nt d/l 1000", "");
    check("d 0755 d\np 0600 d/p\nt d/p 1000", "d 0755 d\np 0600 d/p\nt d/p 1000", "");
}

#[test]
fn the_time_of_a_directory_is_no_change() {
    check("d 0755 d\nt d 5", "d 0755 d\nt d 6", "");
}

#[test]
fn a_touched_file_is_a_change() {
    check("f 0644 a=a", "f 0644 a=a\nt a 2000", "+ f 0644 me a=a");
}

#[test]
fn the_same_time_and_size_do_not_hide_other_bytes() {
    check("f 0644 a=old", "f 0644 a=new", "+ f 0644 me a=new");
}

#[test]
fn a_mode_or_an_attribute_is_a_change() {
    check("f 0644 a=a", "f 0600 a=a", "+ f 0600 me a=a");
    check("f 0644 a=a", "f 0644 a=a\na a user.k=v", "+ f 0644 me a=a [user.k=v]");
    check("d 0755 d", "d 0700 d", "+ d 0700 me d");
}

#[test]
fn another_target_or_type_is_a_change() {
    check(
        "d 0755 d\nl d/l -> a\nt d/l 1000",
        "d 0755 d\nl d/l -> b\nt d/l 1000",
        "+ d 0755 me d\n+ l 0777 me d/l -> b",
    );
    check("d 0755 d\nl d/l -> a", "f 0644 d/l=x", "+ d 0755 me d\n+ f 0644 me d/l=x");
}

#[test]
fn overlays_own_attributes_are_no_change() {
    check(
        "f 0644 d/a=a",
        "d 0755 d\nf 0644 d/a=a\na d/a user.overlay.origin=x\na d user.overlay.impure=y",
        "",
    );
}

#[test]
fn trap_50_the_directories_above_a_change_are_put_again() {
    check(
        "d 0711 x\nd 0750 x/y\nf 0644 x/y/old=o",
        "d 0711 x\nd 0750 x/y\nf 0600 x/y/new=n",
        "+ d 0711 me x\n+ d 0750 me x/y\n+ f 0600 me x/y/new=n",
    );
}

#[test]
fn trap_51_the_sandboxs_mount_points_are_left_out() {
    let stubs = ["proc", "etc", "etc/hosts", "src", "src/deep"];
    check_with_stubs("", "d 0755 proc\nf 0644 etc/hosts=\nd 0755 src/deep", &stubs, "");
}

#[test]
fn trap_51_but_not_what_the_step_put_there() {
    let stubs = ["etc", "etc/hosts", "src", "src/deep"];
    check_with_stubs(
        "",
        "f 0644 etc/hosts=\nf 0644 etc/mine=m\nd 0755 src/deep",
        &stubs,
        "+ d 0755 me etc\n+ f 0644 me etc/mine=m",
    );
    check_with_stubs("", "f 0644 etc/hosts=x", &stubs, "+ d 0755 me etc\n+ f 0644 me etc/hosts=x");
}

#[test]
fn an_empty_directory_of_the_step_is_kept() {
    check_with_stubs("", "d 0755 mine\nd 0755 stub", &["stub"], "+ d 0755 me mine");
}

#[test]
fn trap_49_links_hold_within_the_step_only() {
    check("", "f 0644 b=x\nh a = b\nh c = b", "+ f 0644 me a=x\n+ h 0644 me b = a\n+ h 0644 me c = a");
    // The first was copied up by `ln`, unchanged; the second is a file of its own in this layer.
    check("f 0644 d/d=x", "f 0644 d/d=x\nh d/e = d/d", "+ d 0755 me d\n+ f 0644 me d/e=x");
}

#[test]
fn a_socket_is_left_out_but_hides_what_was_there() {
    check("", "s sock", "");
    check("f 0644 sock=x", "s sock", "- sock");
}

#[test]
fn the_order_is_canonical() {
    check(
        "f 0644 a/gone=x\nf 0644 b=x",
        "x a/gone\nf 0644 a/z=z\nf 0644 a-b=x\nx b",
        "+ d 0755 me a\n- a/gone\n+ f 0644 me a/z=z\n+ f 0644 me a-b=x\n- b",
    );
}
