//! What go looks at and can't use is forgotten, unless somebody else looks too.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trace::{Policy, Reader, Strict};
use tree::Change;

use crate::Case;
use crate::world::{Mounted, World, bytes, dir, file, lines, put};

pub const CASES: &[Case] = &[
    ("what_go_cannot_use_is_forgotten", what_go_cannot_use_is_forgotten),
    ("whoever_looks_after_go_is_seen", whoever_looks_after_go_is_seen),
    ("whoever_looks_before_go_counts", whoever_looks_before_go_counts),
    ("weak_looks_are_asked_again", weak_looks_are_asked_again),
    ("a_listing_that_go_holds_open_is_seen", a_listing_that_go_holds_open_is_seen),
];

/// Takes a copy of busybox for go.
struct Pretended;

const GO: &str = "busybox-go";

impl Policy for Pretended {
    fn reader(&self, pid: u32) -> Reader {
        match Strict.reader(pid) {
            Reader::Program(path) if path.ends_with(GO) => Reader::Go(path),
            other => other,
        }
    }
}

fn layer() -> Vec<Change> {
    vec![
        dir("p"),
        file("p/README", "read me\n"),
        file("p/a.go", "package a\nvar x = 1\n"),
        file("p/a_test.go", "package a\nvar x = 1\n"),
        put("p/run", 0o755, bytes(b"#!/bin/sh\n")),
        dir("p/sub"),
    ]
}

struct Project {
    mounted: Mounted,
    go: PathBuf,
}

impl Project {
    fn new(world: &World) -> Project {
        let go = world.new_dir().join(GO);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut found = std::env::split_paths(&path).map(|dir| dir.join("busybox"));
        let busybox = found.find(|file| file.is_file()).expect("install `busybox-static`");
        fs::copy(busybox, &go).expect("copy busybox");
        Project { mounted: world.serve(&layer(), &[], Pretended), go }
    }

    /// As go.
    fn go(&self, args: &[&str]) {
        let output = Command::new(&self.go).args(args).current_dir(&self.mounted.merged).output();
        let output = output.expect("run a copy of busybox");
        assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn check(self, weaken: bool, expected: &[&str]) {
        let (touched, tree) = self.mounted.finish();
        assert_eq!(lines(&touched, &tree, weaken), expected);
    }
}

const LISTED: [&str; 5] = ["entry p", "stat p", "entry p/a.go", "go-head p/a.go", "entry p/a_test.go"];

fn what_go_cannot_use_is_forgotten(world: &World) {
    let listed = |project: &Project| {
        project.go(&["ls", "-l", "p"]);
        project.go(&["cat", "p/a_test.go"]);
    };
    let project = Project::new(world);
    listed(&project);
    project.check(
        true,
        &[
            "entry p",
            "stat p",
            "go-names p",
            "entry p/a.go",
            "go-head p/a.go",
            "entry p/a_test.go",
            "go-head p/a_test.go",
            "entry p/run",
            "entry p/sub",
            "stat p/sub",
        ],
    );
    let project = Project::new(world);
    listed(&project);
    project.check(
        false,
        &[
            "entry p",
            "stat p",
            "list p",
            "entry p/README",
            "stat p/README",
            "entry p/a.go",
            "stat p/a.go",
            "entry p/a_test.go",
            "stat p/a_test.go",
            "content p/a_test.go",
            "entry p/run",
            "stat p/run",
            "entry p/sub",
            "stat p/sub",
        ],
    );
}

fn whoever_looks_after_go_is_seen(world: &World) {
    let project = Project::new(world);
    project.go(&["ls", "-l", "p"]);
    project.go(&["cat", "p/a_test.go"]);
    project.mounted.sh("test -e p/README; stat p/run; cat p/a_test.go; echo p/*");
    project.check(
        true,
        &[
            "entry p",
            "stat p",
            "list p",
            "entry p/README",
            "stat p/README",
            LISTED[2],
            LISTED[3],
            LISTED[4],
            "content p/a_test.go",
            "entry p/run",
            "stat p/run",
            "entry p/sub",
            "stat p/sub",
        ],
    );
}

fn whoever_looks_before_go_counts(world: &World) {
    let project = Project::new(world);
    project.mounted.sh("cat p/README");
    project.go(&["ls", "-l", "p"]);
    // The content says more than the size that go has asked for, so that may be cached, and kept.
    project.go(&["cat", "p/README"]);
    project.check(
        true,
        &[
            LISTED[0],
            LISTED[1],
            "go-names p",
            "entry p/README",
            "stat p/README",
            "content p/README",
            LISTED[2],
            LISTED[3],
            LISTED[4],
            "go-head p/a_test.go",
            "entry p/run",
            "entry p/sub",
            "stat p/sub",
        ],
    );
}

fn weak_looks_are_asked_again(world: &World) {
    let messages = |times: usize, path: &str| {
        let project = Project::new(world);
        (0..times).for_each(|_| project.go(&["stat", path]));
        project.mounted.finish().0.messages()
    };
    // Of a name that matters only the status, of the other the name as well.
    assert_eq!(messages(3, "p/a.go"), messages(1, "p/a.go") + 2);
    assert_eq!(messages(3, "p/README"), messages(1, "p/README") + 4);
    assert_eq!(messages(3, "p/sub"), messages(1, "p/sub"));
}

/// Takes whoever looks for go as long as it is true.
struct Switched(Arc<AtomicBool>);

impl Policy for Switched {
    fn reader(&self, _: u32) -> Reader {
        if self.0.load(Ordering::SeqCst) { Reader::Go("go".into()) } else { Reader::Unknown }
    }
}

fn a_listing_that_go_holds_open_is_seen(world: &World) {
    for (others_look, expected) in [(false, "go-names p"), (true, "list p")] {
        let is_go = Arc::new(AtomicBool::new(true));
        // With a `p` below, so that overlayfs keeps a merged listing.
        let mounted = world.serve(&layer(), &["p/", "p/below"], Switched(is_go.clone()));
        let mut held = fs::read_dir(mounted.merged.join("p")).expect("open");
        assert!(held.next().is_some());
        is_go.store(false, Ordering::SeqCst);
        if others_look {
            assert_eq!(fs::read_dir(mounted.merged.join("p")).expect("open").count(), 6);
        }
        drop(held);
        let (touched, tree) = mounted.finish();
        let listings = lines(&touched, &tree, true);
        assert!(listings.contains(&expected.to_owned()), "{listings:?}");
    }
}
