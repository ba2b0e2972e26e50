//! Where a `COPY` puts things, and what is there already.

use crate::support::Case;

/// A context with a file `f`, a directory `d` and a deeper one, into an image.
#[track_caller]
fn check(image: &str, paths: &[&str], dest: &str, expected: Result<&str, &str>) {
    let source = "f 0644 f=f\nf 0644 d/a=a\nd 0711 d\nd 0770 d/s\nf 0600 d/s/b=b";
    Case { source, image, paths, dest, ..Case::default() }.check(expected);
}

const CONTENTS: &str = "+ f 0644 0:0 t/a=a\n+ d 0770 0:0 t/s\n+ f 0600 0:0 t/s/b=b";

#[test]
fn a_file_gets_the_name_of_the_destination() {
    check("", &["f"], "x/y", Ok("+ d 0755 0:0 x\n+ f 0644 0:0 x/y=f"));
}

#[test]
fn a_slash_makes_a_directory_of_it() {
    check("", &["f"], "x/y/", Ok("+ d 0755 0:0 x\n+ d 0755 0:0 x/y\n+ f 0644 0:0 x/y/f=f"));
    check("", &["f"], "/", Ok("+ f 0644 0:0 f=f"));
}

#[test]
fn trap_13_several_sources_without_a_slash_are_one_file_and_the_last_wins() {
    check("", &["d/a", "f"], "x", Ok("+ f 0644 0:0 x=f"));
}

#[test]
fn trap_14_a_directory_is_copied_the_same_with_a_slash_or_without() {
    check("", &["d"], "t", Ok(&format!("+ d 0755 0:0 t\n{CONTENTS}")));
    check("", &["d/"], "t/", Ok(&format!("+ d 0755 0:0 t\n{CONTENTS}")));
}

#[test]
fn trap_15_an_existing_top_directory_stays_as_it_is() {
    check("d 0700 t", &["d"], "t", Ok(&format!("+ d 0700 me t\n{CONTENTS}")));
}

#[test]
fn trap_15_an_existing_subdirectory_takes_the_sources_mode_and_owner() {
    check("d 0755 t\nd 0700 t/s\nf 0644 t/s/old=o", &["d"], "t", Ok(&format!("+ d 0755 me t\n{CONTENTS}")));
}

#[test]
fn trap_19_links_in_the_destination_are_followed() {
    let image = "d 0755 usr/lib\nl lib -> usr/lib";
    check(image, &["f"], "lib/", Ok("+ d 0755 me usr\n+ d 0755 me usr/lib\n+ f 0644 0:0 usr/lib/f=f"));
    check(image, &["f"], "lib", Ok("+ d 0755 me usr\n+ d 0755 me usr/lib\n+ f 0644 0:0 usr/lib/f=f"));
    check(
        image,
        &["f"],
        "lib/new/x",
        Ok("+ d 0755 me usr\n+ d 0755 me usr/lib\n+ d 0755 0:0 usr/lib/new\n+ f 0644 0:0 usr/lib/new/x=f"),
    );
}

#[test]
fn trap_19_links_end_at_the_root() {
    check("l out -> ../../../etc", &["f"], "out/", Ok("+ d 0755 0:0 etc\n+ f 0644 0:0 etc/f=f"));
    check("l abs -> /etc", &["f"], "abs/x", Ok("+ d 0755 0:0 etc\n+ f 0644 0:0 etc/x=f"));
    check("", &["f"], "../../x", Ok("+ f 0644 0:0 x=f"));
}

#[test]
fn trap_19_a_link_to_a_file_is_written_through() {
    check("f 0600 real=old\nl link -> real", &["f"], "link", Ok("+ f 0644 0:0 real=f"));
    check("l link -> gone", &["f"], "link", Ok("+ f 0644 0:0 gone=f"));
}

#[test]
fn a_link_in_the_way_of_a_copied_name_is_replaced() {
    check("d 0755 t\nl t/f -> elsewhere", &["f"], "t/", Ok("+ d 0755 me t\n+ f 0644 0:0 t/f=f"));
}

#[test]
fn a_link_in_the_way_of_a_copied_directory_is_an_error() {
    check("d 0755 t\nd 0755 real\nl t/s -> ../real", &["d"], "t", Err("cannot copy to non-directory: /t/s"));
}

#[test]
fn trap_21_a_file_goes_into_a_directory_of_its_name() {
    check("d 0755 x", &["f"], "x", Ok("+ d 0755 me x\n+ f 0644 0:0 x/f=f"));
}

#[test]
fn trap_21_conflicts_are_errors() {
    check("d 0755 x/f", &["f"], "x", Err("cannot replace to directory /x/f with file"));
    check("d 0755 t/a", &["d"], "t", Err("cannot replace to directory /t/a with file"));
    check("f 0644 x=", &["d"], "x", Err("cannot copy to non-directory: /x"));
    check("f 0644 t/s=", &["d"], "t", Err("cannot copy to non-directory: /t/s"));
    check("f 0644 x=", &["f"], "x/", Err("mkdir /x: not a directory"));
    check("f 0644 x=", &["f"], "x/y", Err("mkdir /x: not a directory"));
}

#[test]
fn trap_21_sources_conflict_with_each_other() {
    check("", &["f", "d"], "x", Err("cannot copy to non-directory: /x"));
    check(
        "",
        &["d", "f"],
        "t",
        Ok(&format!("+ d 0755 0:0 t\n{}", CONTENTS.replace("+ d", "+ f 0644 0:0 t/f=f\n+ d"))),
    );
}

#[test]
fn what_is_there_already_is_written_again() {
    check("f 0644 f=f", &["f"], "f", Ok("+ f 0644 0:0 f=f"));
}

#[test]
fn an_empty_directory_makes_its_destination_only() {
    let case = |image, dest| Case { source: "d 0700 e", image, paths: &["e"], dest, ..Case::default() };
    case("", "x").check(Ok("+ d 0755 0:0 x"));
    case("d 0711 x", "x").check(Ok(""));
}

#[test]
fn trap_50_the_directories_above_are_put_again() {
    let image = "d 0711 x\nd 0750 x/y\na x/y user.k=v";
    check(image, &["f"], "x/y/", Ok("+ d 0711 me x\n+ d 0750 me x/y [user.k=v]\n+ f 0644 0:0 x/y/f=f"));
}

#[test]
fn trap_20_with_link_the_destination_is_not_looked_at() {
    let source = "f 0644 f=f";
    let linked =
        |image| Case { source, image, flags: &["--link"], paths: &["f"], dest: "t/", ..Case::default() };
    linked("d 0755 real\nl t -> real").check(Ok("+ d 0755 0:0 t\n+ f 0644 0:0 t/f=f"));
    linked("d 1777 t").check(Ok("+ d 0755 0:0 t\n+ f 0644 0:0 t/f=f"));
}

#[test]
fn trap_29_with_a_mode_link_is_an_ordinary_copy() {
    let flags = &["--link", "--chmod=0600"];
    let case =
        Case { source: "f 0644 f=f", image: "d 1777 t", flags, paths: &["f"], dest: "t/", ..Case::default() };
    case.check(Ok("+ d 1777 me t\n+ f 0600 0:0 t/f=f"));
}
