//! What programs do, and what is seen of it: the first time, and what is left of it the second time.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use trace::{Server, Strict, Tree};
use tree::{Change, Content, Kind, Root, Source};

use crate::Case;
use crate::world::{Mounted, World, attach, bytes, dir, file, lines, link, put};

pub const CASES: &[Case] = &[
    ("looks", looks),
    ("listings", listings),
    ("reads", reads),
    ("programs", programs),
    ("changes", changes),
    ("maps", maps),
    ("readers_are_named", readers_are_named),
    ("files_on_disk_are_read_in_place", files_on_disk_are_read_in_place),
    ("a_file_that_was_cut_is_an_error", a_file_that_was_cut_is_an_error),
    ("more_files_than_stay_open", more_files_than_stay_open),
    ("readers_are_killed", readers_are_killed),
    ("finish_never_waits", finish_never_waits),
    ("only_the_servers_have_the_device", only_the_servers_have_the_device),
    ("many_at_once", many_at_once),
];

/// Below it is `d` with another file, so that `d` is merged of both.
const BELOW: [&str; 3] = ["d/", "d/below", "usr/"];

/// Where the host has it; a traced layer gets a copy.
fn busybox() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|dir| dir.join("busybox"));
    found.find(|file| file.is_file()).expect("install `busybox-static`")
}

fn layer() -> Vec<Change> {
    let script = format!("#!{} sh\necho ran\n", busybox().display());
    vec![
        dir("bin"),
        put("bin/busybox", 0o755, bytes(&fs::read(busybox()).expect("read busybox"))),
        put("bin/script", 0o755, bytes(script.as_bytes())),
        dir("d"),
        file("d/empty", ""),
        file("d/f", "hello\n"),
        dir("d/sub"),
        file("d/sub/x", "x"),
        link("l", "d/f"),
    ]
}

/// Runs a line of shell and then the same line again. `expected` are the facts but for those of the root that every
/// mount makes, `again` is how many messages there are the second time.
#[track_caller]
fn check(world: &World, script: &str, expected: &[&str], again: u64) {
    let run = |script: &str| {
        let mounted = world.serve(&layer(), &BELOW, Strict);
        let output = mounted.sh(script);
        assert!(output.stderr.is_empty(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        mounted.finish()
    };
    let (once, tree) = run(script);
    assert_eq!(lines(&once, &tree, false), expected, "{script}");
    assert_eq!(lines(&once, &tree, true), expected, "{script}: nobody is go");
    let (twice, _) = run(&format!("{script}; {script}"));
    assert_eq!(twice.messages() - once.messages(), again, "{script}, again");
}

fn looks(world: &World) {
    check(world, "true", &[], 0);
    check(world, "test -e nope", &["entry nope"], 0);
    check(world, "test -e usr", &["entry usr"], 0);
    check(world, "test -e d/f", &["entry d", "entry d/f", "stat d/f"], 0);
    check(world, "stat d/f", &["entry d", "entry d/f", "stat d/f"], 0);
    check(world, "stat d/empty", &["entry d", "entry d/empty", "stat d/empty"], 0);
    check(world, "test -e d/sub/nope", &["entry d", "entry d/sub", "entry d/sub/nope"], 0);
    check(world, "(cd d/sub)", &["entry d", "entry d/sub"], 0);
    check(world, "readlink l", &["entry l", "link l"], 0);
}

fn listings(world: &World) {
    // With `echo`, since busybox's `ls` always asks for the status of all. Opening a directory asks for its own.
    let sub = ["entry d", "entry d/sub", "stat d/sub", "list d/sub"];
    // OPENDIR and READDIR until there is no more: listings aren't cached.
    check(world, "echo d/sub/*", &sub, 3);
    check(world, "echo *", &["list "], 3);
    // A merged directory is opened twice by overlayfs.
    check(world, "echo d/*", &["entry d", "stat d", "list d"], 4);
    let long = ["entry d", "entry d/sub", "stat d/sub", "list d/sub", "entry d/sub/x", "stat d/sub/x"];
    check(world, "ls -l d/sub", &long, 3);
}

fn reads(world: &World) {
    // OPEN is answered really, so each is seen, but the second one reads nothing.
    check(world, "cat d/f", &["entry d", "entry d/f", "content d/f"], 1);
    check(world, "cat d/empty", &["entry d", "entry d/empty", "content d/empty"], 1);
    check(world, "cat l", &["entry d", "entry d/f", "content d/f", "entry l", "link l"], 1);
    check(world, "cat d/below", &["entry d", "entry d/below"], 0);
}

fn programs(world: &World) {
    let program = ["entry bin", "entry bin/busybox", "stat bin/busybox", "content bin/busybox"];
    check(world, "bin/busybox true", &program, 1);
    let script = ["entry bin", "entry bin/script", "stat bin/script", "content bin/script"];
    // By the kernel, which finds its interpreter, and by the interpreter.
    check(world, "bin/script", &script, 2);
}

fn changes(world: &World) {
    // Whatever is changed is read whole first, and then lies in the upper layer.
    let whole = ["entry d", "stat d", "entry d/f", "stat d/f", "content d/f"];
    check(world, "echo more >> d/f", &whole, 0);
    check(world, "chmod 600 d/f", &whole, 0);
    check(world, "chown 0:0 d/f", &whole, 0);
    check(world, "touch d/f", &whole, 0);
    check(world, "echo new > d/new", &["entry d", "stat d", "entry d/new"], 0);
    check(world, "rm -f d/f", &["entry d", "stat d", "entry d/f", "stat d/f"], 0);
    let mounted = world.serve(&layer(), &BELOW, Strict);
    let output = mounted.sh("echo more >> d/f; rm d/empty; cat d/f; echo d/*; stat -c '%a %s %Y' d/sub/x");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\nmore\nd/below d/f d/sub\n644 1 1500000000\n");
    drop(mounted);
}

fn maps(world: &World) {
    let has_python = Command::new("python3").arg("-V").output().is_ok_and(|output| output.status.success());
    if !has_python {
        println!("not tested, since there is no python3: a mapping that is not a program's");
        return;
    }
    let mounted = world.serve(&layer(), &BELOW, Strict);
    let script = "import mmap, sys; f = open(sys.argv[1], 'rb'); print(mmap.mmap(f.fileno(), 0, prot=1)[:])";
    let mut python = Command::new("python3");
    let output = python.args(["-c", script]).arg(mounted.merged.join("d/f")).output().expect("run python3");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "b'hello\\n'\n");
    let (touched, tree) = mounted.finish();
    assert!(lines(&touched, &tree, false).contains(&"content d/f".to_owned()));
}

fn readers_are_named(world: &World) {
    let mounted = world.serve(&layer(), &BELOW, Strict);
    mounted.sh("cat d/f");
    let _ = fs::read_dir(mounted.merged.join("d/sub")).expect("open").count();
    let (touched, tree) = mounted.finish();
    let facts = touched.facts(&tree, false, &|_| Vec::new()).expect("facts");
    let by = |path: &str| {
        let fact = facts.iter().rfind(|fact| fact.path == path).expect("a fact");
        PathBuf::from(fact.by.clone().expect("a program"))
    };
    assert_eq!(by("d/f"), fs::canonicalize(busybox()).expect("a path"));
    assert_eq!(by("d/sub"), std::env::current_exe().expect("a path"));
    assert_eq!(trace::broken(&facts, &tree).expect("answers"), None);
}

/// A file of that many bytes, lying in `on_disk`.
fn disk_file(on_disk: &std::path::Path, path: &str, text: &[u8]) -> Change {
    fs::write(on_disk.join(path), text).expect("write");
    let root = Root::open(on_disk).expect("open");
    let source = Source::Disk { root, path: path.as_bytes().into() };
    put(path, 0o644, Kind::File { size: text.len() as u64, content: Content([7; 32]), source })
}

fn files_on_disk_are_read_in_place(world: &World) {
    let folder = world.new_dir();
    let large: Vec<u8> = (0..3 << 20 | 5).map(|i: u32| (i >> 8) as u8).collect();
    let mounted = world.serve(&[disk_file(&folder, "large", &large)], &[], Strict);
    assert!(fs::read(mounted.merged.join("large")).expect("read") == large);
    let (touched, tree) = mounted.finish();
    let facts = touched.facts(&tree, false, &|_| Vec::new()).expect("facts");
    let content = facts.iter().find(|fact| fact.look == trace::Look::Content).expect("a fact");
    assert_eq!(content.answer, "07".repeat(32));
}

fn a_file_that_was_cut_is_an_error(world: &World) {
    let folder = world.new_dir();
    let mounted = world.serve(&[disk_file(&folder, "f", b"hello"), file("g", "g")], &[], Strict);
    fs::write(folder.join("f"), "hell").expect("write");
    assert!(fs::read(mounted.merged.join("f")).is_err());
    assert_eq!(fs::read(mounted.merged.join("g")).expect("read"), b"g");
}

fn more_files_than_stay_open(world: &World) {
    let folder = world.new_dir();
    let names: Vec<String> = (0..200).map(|i| format!("f{i:03}")).collect();
    let changes: Vec<Change> =
        names.iter().map(|name| disk_file(&folder, name, name.repeat(3000).as_bytes())).collect();
    let mounted = world.serve(&changes, &[], Strict);
    let open = |name| fs::File::open(mounted.merged.join(name)).expect("open");
    let files: Vec<fs::File> = names.iter().map(open).collect();
    for (mut file, name) in files.into_iter().zip(&names).rev() {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).expect("read");
        assert_eq!(text, name.repeat(3000));
    }
    let (touched, tree) = mounted.finish();
    // Of each the entry, the content and, since Rust asks how much to read, the status.
    assert_eq!(lines(&touched, &tree, false).len(), 600);
}

fn readers_are_killed(world: &World) {
    let folder = world.new_dir();
    let mounted =
        world.serve(&[disk_file(&folder, "large", &vec![b'x'; 64 << 20]), file("f", "hello")], &[], Strict);
    for delay in [0, 1, 3, 8, 20] {
        let mut cat = Command::new("busybox");
        cat.args(["cat", "large"]).current_dir(&mounted.merged).stdout(Stdio::piped());
        let mut cat = cat.spawn().expect("run busybox");
        std::thread::sleep(Duration::from_millis(delay));
        cat.kill().expect("kill");
        cat.wait().expect("wait");
    }
    assert_eq!(fs::read(mounted.merged.join("f")).expect("read"), b"hello");
    drop(mounted.finish());
}

fn finish_never_waits(world: &World) {
    let tree = || Arc::new(Tree::new(&[layer()]));
    let (server, mount) = Server::start(tree(), None, Arc::new(Strict)).expect("start");
    assert_eq!(server.finish().len(), 0, "never attached");
    drop(mount);
    let (server, mount) = Server::start(tree(), None, Arc::new(Strict)).expect("start");
    drop(mount);
    server.finish();
    let (server, mount) = Server::start(tree(), None, Arc::new(Strict)).expect("start");
    let place = world.new_dir();
    attach(&mount, &place);
    fs::metadata(place.join("d/f")).expect("a file");
    // Held open, as by a process that outlives its step.
    let held = fs::File::open(place.join("d/f")).expect("open");
    assert_eq!(server.finish().len(), 4, "attached: stat of the root, d, d/f, its content and stat");
    let error = fs::metadata(place.join("d/sub")).expect_err("the mount is dead");
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    drop(held);
    let (server, _mount) = Server::start(tree(), None, Arc::new(Strict)).expect("start");
    drop(server);
}

/// A process that is killed has its descriptors as long as one of its threads can't go; see `table` in `src`.
fn only_the_servers_have_the_device(_: &World) {
    let open = |of: &str| -> Vec<String> {
        let fds = fs::read_dir(format!("/proc/{of}/fd")).into_iter().flatten();
        let link = |fd: std::io::Result<fs::DirEntry>| fs::read_link(fd.ok()?.path()).ok();
        fds.filter_map(link).map(|link| link.to_string_lossy().into_owned()).collect()
    };
    let pipe = std::io::pipe().expect("a pipe");
    let (server, mount) =
        Server::start(Arc::new(Tree::new(&[layer()])), None, Arc::new(Strict)).expect("start");
    assert!(!open("thread-self").contains(&"/dev/fuse".to_owned()));
    let table = |task: std::io::Result<fs::DirEntry>| {
        let task = task.ok()?;
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        (name.trim() == "trace").then(|| open(&format!("self/task/{}", task.file_name().to_string_lossy())))
    };
    let serves = |table: &Vec<String>| {
        // Descriptors up to 2 stay, whatever they are.
        let pipes = table.iter().filter(|name| name.starts_with("pipe:")).count();
        table.contains(&"/dev/fuse".to_owned()) && pipes <= 3
    };
    // One of an earlier server may not have ended yet.
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let tasks = fs::read_dir("/proc/self/task").expect("threads");
        let tables: Vec<Vec<String>> = tasks.filter_map(table).collect();
        if !tables.is_empty() && tables.iter().all(serves) {
            break;
        }
        assert!(Instant::now() < end, "{tables:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop((server.finish(), mount, pipe));
}

fn many_at_once(world: &World) {
    let mounted: Mounted = world.serve(&layer(), &BELOW, Strict);
    let output = mounted
        .sh("for i in 1 2 3 4 5 6 7 8; do (cat d/f d/sub/x; echo d/*; stat l >/dev/null) & done; wait");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("hello").count(), 8, "{text}");
    let (touched, tree) = mounted.finish();
    let seen = lines(&touched, &tree, false);
    for expected in ["content d/f", "content d/sub/x", "list d", "entry l"] {
        assert!(seen.contains(&expected.to_owned()), "{seen:?}");
    }
}
