//! The real go, on a project of one module: what holds for its facts must hold for what it says.

use std::path::Path;
use std::process::Command;

use trace::{Fact, Look, Policy, Reader, Strict, Tree, broken};
use tree::Change;

use crate::Case;
use crate::world::{Mounted, World, dir, file, link};

pub const CASES: &[Case] = &[("facts_of_go_hold_as_long_as_its_answers", facts_of_go_hold)];

struct Go;

impl Policy for Go {
    fn reader(&self, pid: u32) -> Reader {
        match Strict.reader(pid) {
            Reader::Program(path) if path.ends_with("/go") => Reader::Go(path),
            other => other,
        }
    }
}

const MAIN: &str = "package main\n\nimport (\n\t\"embed\"\n\t\"example.com/m/lib\"\n)\n\n//go:embed static\nvar files embed.FS\n\nfunc main() { lib.F() }\n";

const TEST: &str = "package lib\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { F() }\n";

fn project() -> Vec<Change> {
    let mut changes = vec![
        file("README.md", "read me\n"),
        file("go.mod", "module example.com/m\n\ngo 1.21\n"),
        file("main.go", MAIN),
        dir("static"),
        file("static/a.txt", "a\n"),
        dir("static/deep"),
        file("static/deep/b.txt", "b\n"),
        dir("lib"),
        file("lib/LICENSE", "free\n"),
        file("lib/lib.go", "package lib\n\nfunc F() {}\n"),
        file("lib/lib_test.go", TEST),
        file("lib/lib_windows.go", "package lib\n\nvar X = 1\n"),
        file("lib/tagged.go", "//go:build never\n\npackage lib\n\nvar X = 1\n"),
        dir("other"),
        file("other/notes.txt", "notes\n"),
    ];
    changes.sort_by(|a, b| a.order().cmp(&b.order()));
    changes
}

enum Edit {
    Put(Change),
    Gone(&'static str),
}

impl Edit {
    fn of_project(self) -> Vec<Change> {
        let mut changes = project();
        let (path, put) = match self {
            Edit::Put(change) => (change.path().to_vec(), Some(change)),
            Edit::Gone(path) => (path.into(), None),
        };
        changes.retain(|change| change.path() != path);
        changes.extend(put);
        changes.sort_by(|a, b| a.order().cmp(&b.order()));
        changes
    }
}

/// What go says of its packages: how it would build them. Tests are part of that, so this asks for more than a build.
fn list(mounted: &Mounted, home: &Path) -> String {
    let fields = "-json=ImportPath,Name,Imports,GoFiles,CFiles,IgnoredGoFiles,IgnoredOtherFiles,TestGoFiles,\
         TestImports,EmbedFiles,Incomplete,Error";
    let mut go = Command::new("go");
    go.args(["list", "-e", fields, "./..."]).current_dir(&mounted.merged).env_clear();
    go.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    let output =
        go.envs([("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "-buildvcs=false")]).output();
    let output = output.expect("run go");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn facts_of_go_hold(world: &World) {
    if !Command::new("go").arg("version").output().is_ok_and(|output| output.status.success()) {
        println!("not tested, since there is no go: what of its looks may be forgotten");
        return;
    }
    let (home, place) = (world.new_dir(), world.new_dir());
    // The second time go has an index of each directory, and opens less.
    for opened in [true, false] {
        let mounted = world.serve_at(place.clone(), &project(), &[], Go);
        let before = list(&mounted, &home);
        let (touched, tree) = mounted.finish();
        let facts = touched.facts(&tree, true, &embeds).expect("facts");
        assert_eq!(facts.iter().any(|f| f.path == "lib/lib_windows.go" && f.look == Look::Content), opened);
        assert_eq!(broken(&facts, &tree).expect("answers"), None);
        check_edits(world, &facts, &home, &before, opened);
    }
}

/// Of the only package that has any.
fn embeds(dir: &[u8]) -> Vec<Vec<u8>> {
    if dir.is_empty() { vec![MAIN.into()] } else { Vec::new() }
}

/// Each edit, and the path whose fact it breaks.
fn check_edits(world: &World, facts: &[Fact], home: &Path, before: &str, opened: bool) {
    // To make its index go opens the sources for other systems as well, and it could have used what it opens.
    let windows = if opened { Some("lib/lib_windows.go") } else { None };
    let test = |from, to| Edit::Put(file("lib/lib_test.go", &TEST.replace(from, to)));
    for (edit, expected) in [
        (Edit::Put(file("README.md", "read me again\n")), None),
        (Edit::Put(file("lib/LICENSE", "not so free\n")), None),
        (Edit::Put(file("lib/NEWS", "new\n")), None),
        (Edit::Put(file("Makefile", "all:\n")), None),
        (Edit::Gone("README.md"), None),
        (test("{ F() }", "{ F(); F() }"), None),
        (Edit::Put(file("other/more.txt", "more\n")), None),
        (Edit::Put(file("lib/lib_windows.go", "package lib\n\nvar X = 2000\n")), windows),
        (Edit::Put(file("lib/lib_windows.go", "package two\n\nvar X = 1\n")), Some("lib/lib_windows.go")),
        (
            Edit::Put(file("lib/tagged.go", "//go:build linux\n\npackage lib\n\nvar X = 1\n")),
            Some("lib/tagged.go"),
        ),
        (test("\"testing\"", "(\"os\"; \"testing\")"), Some("lib/lib_test.go")),
        (test("package lib", "package lib_test"), Some("lib/lib_test.go")),
        (Edit::Gone("lib/lib_test.go"), Some("lib")),
        (Edit::Put(file("lib/new.go", "package lib\n")), Some("lib")),
        (Edit::Put(file("lib/x.S", "")), Some("lib")),
        (Edit::Put(file("static/c.txt", "c\n")), Some("static")),
        (Edit::Put(file("static/deep/c.txt", "c\n")), Some("static/deep")),
        (Edit::Gone("static/a.txt"), Some("static")),
        (Edit::Put(file("other/new.go", "package other\n")), Some("other")),
        (Edit::Put(dir("new")), Some("")),
        (Edit::Put(dir(".github")), None),
        (Edit::Put(dir("_attic")), None),
        (Edit::Put(dir("lib/testdata")), None),
        (Edit::Put(dir(".git")), Some("")),
        (Edit::Put(dir("lib/vendor")), Some("lib")),
        (Edit::Put(dir("lib/_x.go")), Some("lib")),
        (Edit::Put(link("_attic", "lib")), Some("")),
        (Edit::Put(link("lib/NEWS", "x")), Some("lib")),
        (Edit::Put(file("vendor", "")), Some("vendor")),
        (Edit::Put(file("go.work", "go 1.21\n")), Some("")),
        (Edit::Put(file("lib/go.mod", "module x\n")), Some("lib")),
        (Edit::Put(file("main.go", &MAIN.replace("lib.F()", "lib.G()"))), Some("main.go")),
    ] {
        let changes = edit.of_project();
        let found = broken(facts, &Tree::new(&[&changes])).expect("answers");
        let found = found.map(|(fact, _)| fact.path.as_str());
        assert_eq!(found, expected);
        if found.is_none() {
            assert_eq!(list(&world.serve(&changes, &[], Go), home), before);
        }
    }
}
