//! Which programs are found, and what is said if none or too many are.

use crate::Ask;
use crate::scratch::Scratch;

const GO_MOD: (&str, &str) = ("go.mod", "module example.com/shop\ngo 1.26.0\n");
const MAIN: &str = "package main\n";

fn packages(scratch: &Scratch, asked: &[&str]) -> Vec<String> {
    let ask = Ask { mains: asked.iter().map(|m| m.to_string()).collect(), ..Ask::default() };
    match crate::go(&scratch.path, &ask) {
        Ok(recipe) => recipe.mains.iter().map(|m| format!("{} {}", m.package, m.name)).collect(),
        Err(problem) => vec![problem.message, problem.help.unwrap_or_default()],
    }
}

fn check(files: &[(&str, &str)], asked: &[&str], expected: &[&str]) {
    let scratch = Scratch::new(&[&[GO_MOD], files].concat());
    assert_eq!(packages(&scratch, asked), expected, "{asked:?}");
}

#[test]
fn names() {
    for (path, name) in [
        ("example.com/shop", "shop"),
        ("example.com/shop/v2", "shop"),
        ("example.com/shop/v1", "v1"),
        ("example.com/shop/v02", "v02"),
        ("v2", "v2"),
        ("example.com/shop/cmd/v2x", "v2x"),
        ("shop", "shop"),
    ] {
        assert_eq!(super::program_name(path), name, "{path}");
    }
}

#[test]
fn the_folder_itself_comes_first() {
    check(&[("main.go", MAIN), ("cmd/a/a.go", MAIN)], &[], &[". shop"]);
}

#[test]
fn else_the_only_one() {
    let files = [
        ("lib.go", "package shop\n"),
        ("cmd/server/a.go", MAIN),
        ("testdata/x/a.go", MAIN),
        ("_old/a.go", MAIN),
        (".tool/a.go", MAIN),
        ("node_modules/x/a.go", MAIN),
        ("vendor/example.com/x/a.go", MAIN),
        ("other/go.mod", "module other\n"),
        ("other/a.go", MAIN),
        ("gen/gen.go", "//go:build ignore\n\npackage main\n"),
        ("win/a_windows.go", MAIN),
        ("only/a_test.go", MAIN),
    ];
    check(&files, &[], &["./cmd/server server"]);
}

#[test]
fn several_are_a_question() {
    let files = [("cmd/a/a.go", MAIN), ("cmd/b/b.go", MAIN)];
    check(
        &files,
        &[],
        &[
            "2 programs here, and none chosen: `./cmd/a`, `./cmd/b`",
            "choose with `--main ./cmd/a`, or for good with `main = \"./cmd/a\"` in tare.toml; `--main ./cmd/...` takes all",
        ],
    );
    check(&files, &["./cmd/b"], &["./cmd/b b"]);
    check(&files, &["./cmd/..."], &["./cmd/a a", "./cmd/b b"]);
    check(&files, &["example.com/shop/cmd/b", "./..."], &["./cmd/b b", "./cmd/a a"]);
    check(
        &files,
        &["./cmd/a/", "cmd/b"],
        &[
            "main: no module that `go.mod` requires has a package `cmd/b`",
            "a folder is named with `./`: `--main ./cmd/b`",
        ],
    );
}

#[test]
fn none() {
    let help = "a program is a folder of Go files with `package main`; one of a dependency is named with `--main example.com/tool/cmd/tool`";
    check(&[("lib.go", "package shop\n")], &[], &["no main package: nothing here is a program", help]);
}

#[test]
fn wrong_choices() {
    let files =
        [("lib.go", "package shop\n"), ("cmd/a/a.go", MAIN), ("docs/x.md", ""), ("w/a_windows.go", MAIN)];
    let programs = "programs here: `./cmd/a`";
    check(&files, &["./cmd/x"], &["main: there is no folder `./cmd/x`", programs]);
    check(&files, &["."], &["main: `.` is package `shop`, not a program", programs]);
    check(&files, &["./docs"], &["main: `./docs` has no Go files", programs]);
    check(&files, &["./docs/..."], &["main: no program matches `./docs/...`", programs]);
    check(&files, &["./cmd/a/a.go"], &["main: `./cmd/a/a.go` is a file", "name the folder that it is in"]);
    let arch = oci::Platform::host().architecture;
    let excluded = format!("main: `./w` has no Go file that is built for linux/{arch} with these tags");
    check(&files, &["./w"], &[&excluded, programs]);
    let outside = "main: `../x` is outside of the folder that is built";
    check(&files, &["../x"], &[outside, "name it from that folder on, as `./cmd/app`, or build another one"]);
    check(
        &files,
        &["example.com/y/..."],
        &[
            "main: `example.com/y/...` is not a pattern of this module's packages",
            "patterns of our own begin with `./`; name a dependency's programs one by one",
        ],
    );
    check(
        &files,
        &["example.com/y"],
        &[
            "main: no module that `go.mod` requires has a package `example.com/y`",
            "`go get -tool example.com/y` adds it",
        ],
    );
}

#[test]
fn two_of_one_name() {
    let files = [("a/server/a.go", MAIN), ("b/server/a.go", MAIN)];
    check(
        &files,
        &["./..."],
        &[
            "`./a/server` and `./b/server` would both become `server`",
            "build them into images of their own, or give one another name: a program is called as its folder",
        ],
    );
}

#[test]
fn cgo_is_told() {
    let files = [("cmd/a/a.go", "package main\n\n// #include <math.h>\nimport \"C\"\n")];
    let message = "main: `./cmd/a` needs cgo, and programs are built without a C compiler";
    let scratch = Scratch::new(&[&[GO_MOD], &files[..]].concat());
    for asked in [&[][..], &["./cmd/a"], &["./..."]] {
        assert_eq!(packages(&scratch, asked)[0], message);
    }
    scratch.write("cmd/a/pure.go", "//go:build !cgo\n\npackage main\n");
    assert_eq!(packages(&scratch, &[]), ["./cmd/a a"]);
}

#[test]
fn of_dependencies() {
    let text = "module example.com/shop\ngo 1.26.0\nrequire example.com/x v1.0.0\nrequire example.com/shop/tools v1.0.0\n\
        tool example.com/x/cmd/gen\ntool example.com/shop/tools/lint\n";
    let scratch = Scratch::new(&[("go.mod", text), ("lib.go", "package shop\n")]);
    let tools = ["example.com/x/cmd/gen gen", "example.com/shop/tools/lint lint"];
    assert_eq!(packages(&scratch, &[]), tools);
    assert_eq!(packages(&scratch, &["tool"]), tools);
    assert_eq!(packages(&scratch, &["example.com/x/v2"]), ["example.com/x/v2 x"]);
}

#[test]
fn other_modules() {
    let scratch = Scratch::new(&[GO_MOD, ("sub/go.mod", "module sub\n"), ("sub/cmd/a.go", MAIN)]);
    assert_eq!(
        packages(&scratch, &["./sub/cmd"]),
        [
            "main: `./sub/cmd` is in another module, `sub/go.mod`",
            "build it there, with `tare build sub`, or add a `go.work` that uses both",
        ]
    );
    scratch.write("go.work", "go 1.26.0\nuse .\nuse ./sub\n");
    assert_eq!(packages(&scratch, &["./sub/cmd"]), ["./sub/cmd cmd"]);
    assert_eq!(packages(&scratch, &[]), ["./sub/cmd cmd"]);
    scratch.write("go.work", "go 1.26.0\nuse ./sub\n");
    assert_eq!(packages(&scratch, &["sub/cmd"]), ["./sub/cmd cmd"]);
    scratch.write("main.go", MAIN);
    assert_eq!(packages(&scratch, &[]), ["./sub/cmd cmd"]);
    assert_eq!(packages(&scratch, &["."])[0], "main: `.` is in none of the modules that `go.work` uses");
}

#[test]
fn ignored_folders() {
    let text = "module example.com/shop\ngo 1.26.0\nignore ./web/gen\nignore old\n";
    let scratch =
        Scratch::new(&[("go.mod", text), ("web/gen/a.go", MAIN), ("x/old/y/a.go", MAIN), ("gen/a.go", MAIN)]);
    assert_eq!(packages(&scratch, &[]), ["./gen gen"]);
}
