//! Which sources a `COPY` means, and what is taken of them.

use crate::support::Case;

/// Context, sources, and what arrives in `/o/`.
#[track_caller]
fn check(source: &str, paths: &[&str], expected: &str) {
    let expected = format!("+ d 0755 0:0 o\n{expected}");
    Case { source, paths, dest: "o/", ..Case::default() }.check(Ok(&expected));
}

#[track_caller]
fn fails(source: &str, paths: &[&str], expected: &str) {
    Case { source, paths, dest: "o/", ..Case::default() }.check(Err(expected));
}

#[test]
fn trap_12_a_pattern_without_a_match_is_no_error_and_makes_nothing() {
    Case { source: "f 0644 a=", paths: &["nomatch*"], dest: "x/", ..Case::default() }.check(Ok(""));
    Case { source: "f 0644 a=", paths: &["nodir/*"], dest: "x/", ..Case::default() }.check(Ok(""));
}

#[test]
fn trap_12_a_path_that_is_missing_is_an_error() {
    fails("f 0644 a=", &["b"], "\"/b\": not found");
    fails("f 0644 a=", &["a/b"], "\"/a/b\": not found");
    fails("l dangling -> nope", &["dangling"], "\"/dangling\": not found");
}

#[test]
fn trap_13_a_pattern_that_matches_a_directory_takes_its_contents() {
    check("f 0644 spdir/in=x", &["sp*"], "+ f 0644 0:0 o/in=x");
}

#[test]
fn trap_14_a_directory_is_its_contents() {
    for path in ["dir", "dir/", "./dir", "/dir", "dir/."] {
        check("f 0644 dir/f=x\nd 0755 dir/s", &[path], "+ f 0644 0:0 o/f=x\n+ d 0755 0:0 o/s");
    }
}

#[test]
fn the_whole_context() {
    check("f 0644 a=a\nf 0644 d/b=b", &["."], "+ f 0644 0:0 o/a=a\n+ d 0755 0:0 o/d\n+ f 0644 0:0 o/d/b=b");
}

#[test]
fn trap_19_a_link_as_source_is_followed() {
    check("f 0600 real=x\nl link -> real", &["link"], "+ f 0600 0:0 o/link=x");
    check("f 0644 real/f=x\nl link -> real", &["link"], "+ f 0644 0:0 o/f=x");
    check("f 0644 real/f=x\nl link -> real", &["link/f"], "+ f 0644 0:0 o/f=x");
    check("f 0644 real/f=x\nl link -> real", &["li*"], "+ f 0644 0:0 o/f=x");
}

#[test]
fn trap_19_a_link_inside_a_directory_stays_one() {
    check("f 0644 d/f=x\nl d/l -> f", &["d"], "+ f 0644 0:0 o/f=x\n+ l 0777 0:0 o/l -> f");
}

#[test]
fn links_end_at_the_sources_root() {
    check("f 0644 etc/passwd=mine\nl l -> /etc/passwd", &["l"], "+ f 0644 0:0 o/l=mine");
    check(
        "f 0644 etc/passwd=mine\nd 0755 d\nl d/l -> ../../../etc",
        &["d/l/passwd"],
        "+ f 0644 0:0 o/passwd=mine",
    );
    fails("l l -> /etc/passwd", &["l"], "\"/l\": not found");
    fails("l a -> b\nl b -> a", &["a"], "too many symbolic links in `a`");
}

#[test]
fn links_of_a_stage_end_at_its_root() {
    let case = |paths| Case {
        from: true,
        source: "f 0644 etc/passwd=mine\nf 0644 d/f=x\nl abs -> /etc/passwd\nl d/up -> ../../../../etc/passwd\n\
                 l folder -> /../../d\nl out -> ../..\nl host -> /proc/self/root/etc/passwd\nl d/self -> ..",
        paths,
        dest: "o/",
        ..Case::default()
    };
    let mine = |name| format!("+ d 0755 0:0 o\n+ f 0644 me o/{name}=mine");
    case(&["/abs"]).check(Ok(&mine("abs")));
    case(&["/d/up"]).check(Ok(&mine("up")));
    case(&["/folder/up"]).check(Ok(&mine("up")));
    case(&["/out/etc/passwd"]).check(Ok(&mine("passwd")));
    case(&["/out/../../etc/pass*"]).check(Ok(&mine("passwd")));
    case(&["/d/self/d/self/abs"]).check(Ok(&mine("abs")));
    case(&["../../abs"]).check(Ok(&mine("abs")));
    case(&["/host"]).check(Err("\"/host\": not found"));
}

#[test]
fn links_in_a_folder_of_a_stage_are_not_followed() {
    let case = Case {
        from: true,
        source: "d 0755 d\nl d/abs -> /etc\nl d/up -> ../../../etc/passwd\nf 0644 etc/passwd=mine",
        paths: &["/d"],
        dest: "o/",
        ..Case::default()
    };
    case.check(Ok("+ d 0755 0:0 o\n+ l 0777 me o/abs -> /etc\n+ l 0777 me o/up -> ../../../etc/passwd"));
}

#[test]
fn trap_22_patterns_match_name_by_name() {
    let source = "f 0644 a.md=1\nf 0644 d/b.md=2\nf 0644 d/e/c.md=3";
    check(source, &["*.md"], "+ f 0644 0:0 o/a.md=1");
    check(source, &["*/*.md"], "+ f 0644 0:0 o/b.md=2");
    check(source, &["**.md"], "+ f 0644 0:0 o/a.md=1");
    check(source, &["d/[a-c].m?"], "+ f 0644 0:0 o/b.md=2");
    check(source, &["d/**/*.md"], "+ f 0644 0:0 o/c.md=3");
}

#[test]
fn trap_22_a_bad_pattern_is_an_error() {
    fails("f 0644 a=", &["[a"], "syntax error in pattern: `[a`");
}

#[test]
fn a_class_escapes_a_bracket() {
    check("f 0644 arr[0].txt=x", &["arr[[]0].txt"], "+ f 0644 0:0 o/arr[0].txt=x");
}

#[test]
fn trap_22_dots_and_slashes_end_at_the_context() {
    check("f 0644 a=x", &["../../a"], "+ f 0644 0:0 o/a=x");
    check("f 0644 a=x", &["//a"], "+ f 0644 0:0 o/a=x");
    check("f 0644 a=x", &["nope/../a"], "+ f 0644 0:0 o/a=x");
}

#[test]
fn trap_24_special_bits_fifos_and_links_survive() {
    check(
        "f 4755 d/su=x\nd 1777 d/t\np 0600 d/p\nh d/z = d/su",
        &["d"],
        "+ p 0600 0:0 o/p\n+ f 4755 0:0 o/su=x\n+ d 1777 0:0 o/t\n+ h 4755 0:0 o/z = o/su",
    );
}

#[test]
fn trap_24_links_hold_across_the_sources_of_one_copy() {
    check("f 0644 a=x\nh b = a", &["a", "b"], "+ f 0644 0:0 o/a=x\n+ h 0644 0:0 o/b = o/a");
    check("f 0644 a=x\nh b = a", &["b"], "+ f 0644 0:0 o/b=x");
}

#[test]
fn trap_16_and_25_an_image_keeps_owners_and_attributes() {
    let case = Case {
        from: true,
        source: "f 0644 d/f=x\na d/f user.k=v\nd 0700 d/s",
        paths: &["/d"],
        dest: "o/",
        ..Case::default()
    };
    case.check(Ok("+ d 0755 0:0 o\n+ f 0644 me o/f=x [user.k=v]\n+ d 0700 me o/s"));
}

#[test]
fn an_image_is_searched_like_a_context() {
    let case = |paths, dest| Case {
        from: true,
        source: "f 0644 usr/lib/a.so=a\nf 0644 usr/lib/b.so=b\nl lib -> usr/lib\nl cmd -> /usr/lib/a.so",
        paths,
        dest,
        ..Case::default()
    };
    case(&["/lib/*.so"], "o/").check(Ok("+ d 0755 0:0 o\n+ f 0644 me o/a.so=a\n+ f 0644 me o/b.so=b"));
    case(&["cmd"], "c").check(Ok("+ f 0644 me c=a"));
    case(&["/nope"], "c").check(Err("\"/nope\": not found"));
}

#[test]
fn trap_23_parents_keep_the_directories_above() {
    let case = |paths, dest| Case {
        source: "d 0755 a\nd 0700 a/b\nf 0644 a/b/c=x\nf 0644 a/d=y\nf 0644 z/c=z",
        flags: &["--parents"],
        paths,
        dest,
        ..Case::default()
    };
    let all = "+ d 0755 0:0 o\n+ d 0755 0:0 o/a\n+ d 0700 0:0 o/a/b\n+ f 0644 0:0 o/a/b/c=x";
    case(&["a/b/c"], "o/").check(Ok(all));
    case(&["./a/b/c"], "o").check(Ok(all));
    case(&["a/b"], "o/").check(Ok(all));
    case(&["a/./b/c"], "o/").check(Ok("+ d 0755 0:0 o\n+ d 0700 0:0 o/b\n+ f 0644 0:0 o/b/c=x"));
    case(&["**/c"], "o/").check(Ok(&format!("{all}\n+ d 0755 0:0 o/z\n+ f 0644 0:0 o/z/c=z")));
    case(&["a/*/c"], "o/").check(Ok(all));
}

#[test]
fn trap_23_a_missing_path_is_an_error_and_a_pattern_is_not() {
    let case =
        |paths| Case { source: "f 0644 a/b=", flags: &["--parents"], paths, dest: "o/", ..Case::default() };
    case(&["a/nope"]).check(Err("\"/a/nope\": not found"));
    case(&["a/./nope"]).check(Err("\"/a/nope\": not found"));
    case(&["a/nope*"]).check(Ok("+ d 0755 0:0 o"));
}

#[test]
fn trap_22_exclude_is_relative_to_the_copied_directory() {
    let case = |flags, paths| Case {
        source: "f 0644 s/a.md=1\nf 0644 s/x=2\nf 0644 s/d/b.md=3\nf 0644 s/d/y=4",
        flags,
        paths,
        dest: "o/",
        ..Case::default()
    };
    case(&["--exclude=*.md"], &["s"]).check(Ok(
        "+ d 0755 0:0 o\n+ d 0755 0:0 o/d\n+ f 0644 0:0 o/d/b.md=3\n+ f 0644 0:0 o/d/y=4\n+ f 0644 0:0 o/x=2",
    ));
    case(&["--exclude=d", "--exclude=x"], &["s"]).check(Ok("+ d 0755 0:0 o\n+ f 0644 0:0 o/a.md=1"));
    case(&["--exclude=d", "--exclude=!d/y", "--exclude=x", "--exclude=a*"], &["s"])
        .check(Ok("+ d 0755 0:0 o\n+ d 0755 0:0 o/d\n+ f 0644 0:0 o/d/y=4"));
}

#[test]
fn exclude_does_not_reach_a_file_that_is_named() {
    // BuildKit matches below a copied directory only.
    let case = Case {
        source: "f 0644 a.md=1",
        flags: &["--exclude=*.md"],
        paths: &["*.md"],
        dest: "o/",
        ..Case::default()
    };
    case.check(Ok("+ d 0755 0:0 o\n+ f 0644 0:0 o/a.md=1"));
}
