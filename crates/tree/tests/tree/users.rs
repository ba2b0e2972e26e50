//! Names to numbers by the image's own files.

use tree::users::{Owner, User, chown, run_user};

use crate::support::Scratch;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    # a comment\n\
    app:x:1000:1001:App,,,:/home/app:/bin/sh\n\
    broken\n\
    nohome:x:7:8\n";
const GROUP: &str = "root:x:0:root\napp:x:1001:\nwheel:x:10:root,app\nlog:x:11:app\n";

fn image(with_files: bool) -> (Scratch, tree::View) {
    let scratch = Scratch::new();
    let view = scratch.view(&["d 0755 etc"]);
    if with_files {
        let etc = view.layers()[0].root().unwrap().path().join("etc");
        std::fs::write(etc.join("passwd"), PASSWD).unwrap();
        std::fs::write(etc.join("group"), GROUP).unwrap();
    }
    (scratch, view)
}

#[track_caller]
fn check_chown(spec: &str, uid: u32, gid: u32, unknown: &[&str]) {
    let (_scratch, view) = image(true);
    let unknown = unknown.iter().map(|name| name.to_string()).collect();
    assert_eq!(chown(spec, &view).unwrap(), Owner { uid, gid, unknown }, "{spec}");
}

#[track_caller]
fn check_user(spec: &str, expected: Result<(u32, u32, &[u32], &str), &str>) {
    let (_scratch, view) = image(true);
    let user = run_user(spec, &view).map_err(|e| e.to_string());
    let expected = expected.map_err(str::to_owned);
    let expected =
        expected.map(|(uid, gid, groups, home)| User { uid, gid, groups: groups.into(), home: home.into() });
    assert_eq!(user, expected, "{spec}");
}

#[test]
fn trap_18_a_lone_number_names_the_group_too() {
    check_chown("5", 5, 5, &[]);
    check_chown("1000", 1000, 1000, &[]);
    check_chown("5:6", 5, 6, &[]);
}

#[test]
fn trap_18_names_come_from_the_image() {
    check_chown("app", 1000, 1001, &[]);
    check_chown("app:wheel", 1000, 10, &[]);
    check_chown("app:0", 1000, 0, &[]);
    check_chown("5:log", 5, 11, &[]);
}

#[test]
fn an_unknown_name_is_root_and_told() {
    check_chown("nobody", 0, 0, &["nobody"]);
    check_chown("app:nogroup", 1000, 1001, &["nogroup"]);
    let (_scratch, view) = image(false);
    assert_eq!(chown("app", &view).unwrap().unknown, ["app"]);
}

#[test]
fn trap_41_a_number_in_passwd_brings_groups_and_home() {
    check_user("1000", Ok((1000, 1001, &[10, 11], "/home/app")));
    check_user("app", Ok((1000, 1001, &[10, 11], "/home/app")));
    check_user("", Ok((0, 0, &[0, 10], "/root")));
}

#[test]
fn trap_41_an_unknown_number_has_group_0() {
    check_user("1234", Ok((1234, 0, &[], "/")));
}

#[test]
fn trap_41_a_group_is_the_only_one() {
    check_user("app:wheel", Ok((1000, 10, &[], "/home/app")));
    check_user("app:77", Ok((1000, 77, &[], "/home/app")));
    check_user("1000:1000", Ok((1000, 1000, &[], "/home/app")));
    check_user("9:9", Ok((9, 9, &[], "/")));
}

#[test]
fn trap_41_unknown_names_fail() {
    check_user("nobody", Err("unable to find user nobody: no matching entries in passwd file"));
    check_user("app:nogroup", Err("unable to find group nogroup: no matching entries in group file"));
    check_user("4294967296", Err("unable to find user 4294967296: no matching entries in passwd file"));
}

#[test]
fn an_entry_without_home_has_the_root() {
    check_user("nohome", Ok((7, 8, &[], "/")));
}

#[test]
fn an_image_without_files_knows_numbers() {
    let (_scratch, view) = image(false);
    assert_eq!(run_user("", &view).unwrap(), User { uid: 0, gid: 0, groups: vec![], home: "/".into() });
    assert_eq!(run_user("root", &view).unwrap().uid, 0);
    assert_eq!(run_user("root:root", &view).unwrap().gid, 0);
    assert!(run_user("app", &view).is_err());
    assert_eq!(chown("root:root", &view).unwrap(), Owner::default());
    assert_eq!(chown("5:root", &view).unwrap(), Owner { uid: 5, gid: 0, unknown: vec![] });
}
