//! What becomes of the file system: layers, changes, mounts and their mount points.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sandbox::{Input, Lower, MountKind, Root};

use crate::Case;
use crate::helpers::{bind, check, mount, names, secret};
use crate::world::{World, run, run_given, step};

cases![
    changes_go_to_the_upper,
    removing_leaves_a_whiteout,
    replacing_a_directory_makes_it_opaque,
    chown_to_other_ids,
    an_upper_with_no_lower,
    a_directory_as_root,
    a_readonly_root,
    many_lowers,
    a_mount_that_was_handed_over_is_a_layer,
    a_secret_is_in_memory_with_its_mode,
    binds,
    a_path_within_a_folder,
    a_tmpfs_mount,
    a_bind_with_discarded_writes,
    mount_points_are_created_and_swept,
    a_layer_of_stubs_leaves_nothing_to_create,
    what_the_step_put_next_to_a_mount_point_stays,
    a_changed_parent_of_a_mount_point_stays,
    targets_do_not_escape,
    a_dangling_link_is_followed_inside,
];

fn changes_go_to_the_upper(world: &World) {
    let (root, upper) = world.overlay();
    let step = step(root, &["sh", "-c", "echo new > /etc/motd; echo more > /opt/more"]);
    run(&step).ok();
    assert_eq!(fs::read_to_string(upper.join("etc/motd")).expect("read"), "new\n");
    assert_eq!(fs::read_to_string(upper.join("opt/more")).expect("read"), "more\n");
    assert_eq!(fs::read_to_string(world.base().join("etc/motd")).expect("read"), "hello\n");
    assert_eq!(names(&upper), ["etc", "opt"]);
    assert_eq!(names(&upper.join("etc")), ["motd"]);
}

fn removing_leaves_a_whiteout(world: &World) {
    let (root, upper) = world.overlay();
    run(&step(root, &["rm", "/etc/motd"])).ok();
    let whiteout = fs::symlink_metadata(upper.join("etc/motd")).expect("a whiteout");
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
}

fn replacing_a_directory_makes_it_opaque(world: &World) {
    let (root, upper) = world.overlay();
    run(&step(root, &["sh", "-c", "rm -rf /opt/dir && mkdir /opt/dir"])).ok();
    let mut value = [0; 4];
    let length =
        rustix::fs::getxattr(upper.join("opt/dir"), "user.overlay.opaque", &mut value).expect("opaque");
    assert_eq!(&value[..length], b"y");
}

fn chown_to_other_ids(world: &World) {
    let (root, upper) = world.overlay();
    run(&step(root, &["sh", "-c", "touch /a /b && chown 1000:1000 /a && chown 65000:42 /b"])).ok();
    let owner = |name| fs::metadata(upper.join(name)).map(|meta| (meta.uid(), meta.gid())).expect("a file");
    assert_eq!((owner("a"), owner("b")), ((1000, 1000), (65000, 42)));
}

fn an_upper_with_no_lower(world: &World) {
    let (root, upper) = world.overlay_over(Vec::new());
    let mut step = step(root, &["/busybox", "sh", "-c", "echo hi > /x"]);
    step.mounts = vec![bind(&world.base().join("bin/busybox"), "/busybox", true)];
    run(&step).ok();
    assert_eq!(names(&upper), ["x"]);
}

fn a_directory_as_root(world: &World) {
    let dir = world.new_dir();
    fs::create_dir(dir.join("bin")).expect("make a directory");
    fs::copy(world.base().join("bin/busybox"), dir.join("bin/sh")).expect("copy");
    run(&step(Root::Dir(dir.clone()), &["/bin/sh", "-c", "echo hi > /x"])).ok();
    assert_eq!(names(&dir), ["bin", "x"]);
}

fn a_readonly_root(world: &World) {
    let mut step = world.sh("echo x 2>/dev/null > /x || echo readonly; echo y > /tmp/y && echo written");
    step.readonly_root = true;
    step.mounts = vec![mount("/tmp", MountKind::Tmpfs { size: None, mode: 0o1777 })];
    check(&step, "readonly\nwritten\n");
}

fn many_lowers(world: &World) {
    for count in [127, 499] {
        let mut lowers: Vec<PathBuf> = (0..count).map(|_| world.new_dir()).collect();
        for (number, lower) in lowers.iter().enumerate() {
            fs::write(lower.join(format!("file{number}")), "").expect("write");
            fs::write(lower.join("who"), format!("{number}\n")).expect("write");
        }
        lowers.push(world.base());
        let (root, _) = world.overlay_over(lowers);
        check(&step(root, &["sh", "-c", "cat /who; ls / | grep -c file"]), &format!("0\n{count}\n"));
    }
}

fn a_mount_that_was_handed_over_is_a_layer(world: &World) {
    let (root, upper) = world.overlay_over(vec![world.new_dir(), world.base()]);
    let Root::Overlay { mut lowers, upper: at, work } = root else { unreachable!() };
    lowers[0] = Lower::Given(0);
    let root = Root::Overlay { lowers, upper: at, work };
    let step = step(root, &["sh", "-c", "cat /etc/motd; echo more >> /etc/motd"]);
    let outcome = run_given(&step, Input::Empty, &[detached("etc/motd", "mounted\n")]);
    assert_eq!(outcome.ok(), "mounted\n");
    assert_eq!(fs::read_to_string(upper.join("etc/motd")).expect("read"), "mounted\nmore\n");
}

/// A tmpfs that is mounted nowhere, with one file in it.
fn detached(path: &str, text: &str) -> OwnedFd {
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
    let fs = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).expect("a tmpfs");
    rustix::mount::fsconfig_create(fs.as_fd()).expect("a tmpfs");
    let mount = rustix::mount::fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
        .expect("a mount");
    let at = PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
    fs::create_dir_all(at.join(path).parent().expect("a folder")).expect("make a directory");
    fs::write(at.join(path), text).expect("write");
    mount
}

fn a_secret_is_in_memory_with_its_mode(world: &World) {
    let (root, upper) = world.overlay();
    let mut step = step(
        root,
        &[
            "sh",
            "-c",
            "cat /run/secrets/key; stat -c '%a %u %g' /run/secrets/key; echo x > /run/secrets/key || stat -f -c %T /run/secrets/key",
        ],
    );
    step.mounts = vec![mount(
        "/run/secrets/key",
        MountKind::File { contents: b"\xc3\xa9\n".into(), mode: 0o400, uid: 12, gid: 34, readonly: true },
    )];
    let outcome = run(&step);
    assert_eq!(outcome.stdout, "\u{e9}\n400 12 34\ntmpfs\n", "{outcome:?}");
    assert_eq!(names(&upper), Vec::<OsString>::new());
}

fn binds(world: &World) {
    let (dir, file) = (world.new_dir(), world.new_dir().join("file"));
    fs::write(dir.join("a"), "a\n").expect("write");
    fs::write(&file, "file\n").expect("write");
    let mut step = world.sh("cat /src/a /one; echo b > /src/b; echo 2> /dev/null > /ro/c || echo readonly");
    step.mounts = vec![bind(&dir, "/src", false), bind(&dir, "/ro", true), bind(&file, "/one", true)];
    check(&step, "a\nfile\nreadonly\n");
    assert_eq!(names(&dir), ["a", "b"]);
}

fn a_path_within_a_folder(world: &World) {
    let (dir, secret) = (world.new_dir(), world.new_dir());
    fs::write(secret.join("a"), "outer\n").expect("write");
    // As seen from within, the link leads to a folder of that name in there.
    let own = dir.join(secret.strip_prefix("/").expect("it is absolute"));
    fs::create_dir_all(&own).expect("make a folder");
    fs::write(own.join("a"), "inner\n").expect("write");
    std::os::unix::fs::symlink(&secret, dir.join("link")).expect("link");
    let within = |path: &str, readonly| MountKind::Within { root: dir.clone(), path: path.into(), readonly };
    let mut step = world.sh("cat /src/a /one; echo b > /src/b; echo 2> /dev/null > /ro/c || echo readonly");
    step.mounts = vec![
        mount("/src", within("link", false)),
        mount("/ro", within("../../link/.", true)),
        mount("/one", within("link/a", true)),
    ];
    check(&step, "inner\ninner\nreadonly\n");
    assert_eq!(names(&own), ["a", "b"]);
    step.mounts = vec![mount("/src", within("none", false))];
    assert!(run(&step).result.is_err());
}

fn a_tmpfs_mount(world: &World) {
    let mut step = world.sh("stat -c %a /cache; grep -o 'size=[0-9]*k' /proc/self/mountinfo | head -1; awk '$5==\"/cache\"' /proc/self/mountinfo");
    step.mounts = vec![mount("/cache", MountKind::Tmpfs { size: Some(1 << 20), mode: 0o750 })];
    let output = run(&step).ok();
    assert!(output.starts_with("750\n") && output.contains("tmpfs rw,size=1024k"), "{output}");
}

fn a_bind_with_discarded_writes(world: &World) {
    let (dir, upper) = (world.new_dir(), world.new_dir());
    fs::write(dir.join("a"), "a\n").expect("write");
    let mut step = world.sh("echo b > /src/b; rm /src/a; ls /src; echo $PWD");
    step.cwd = "/src".into();
    let kind =
        MountKind::Overlay { lowers: vec![dir.clone().into()], upper: upper.clone(), work: world.new_dir() };
    step.mounts = vec![mount("/src", kind)];
    check(&step, "b\n/src\n");
    assert_eq!(names(&dir), ["a"]);
    assert_eq!(names(&upper), ["a", "b"]);
}

fn mount_points_are_created_and_swept(world: &World) {
    let (root, upper) = world.overlay();
    let mut step = step(root, &["true"]);
    step.mounts = vec![bind(&world.new_dir(), "/src/deep", false), secret("/etc/secrets/key", b"k", 0o400)];
    let outcome = run(&step);
    let expected = [
        "/proc",
        "/dev",
        "/sys",
        "/src",
        "/src/deep",
        "/etc/secrets",
        "/etc/secrets/key",
        "/etc/hosts",
        "/etc/resolv.conf",
    ];
    assert_eq!(outcome.result.expect("ran").created, expected.map(PathBuf::from));
    // A step that does nothing leaves nothing, not even the copied-up `/etc`.
    assert_eq!(names(&upper), Vec::<OsString>::new());
}

fn a_layer_of_stubs_leaves_nothing_to_create(world: &World) {
    let stubs = world.new_dir();
    sandbox::make_stubs(&stubs).expect("make the mount points");
    sandbox::make_stubs(&stubs).expect("make them again");
    let (root, upper) = world.overlay_over(vec![world.base(), stubs]);
    let outcome = run(&step(root, &["sh", "-c", "test -s /etc/hosts && test -f /etc/motd"]));
    assert_eq!(outcome.result.expect("ran").created, Vec::<PathBuf>::new());
    assert_eq!(names(&upper), Vec::<OsString>::new());
}

fn what_the_step_put_next_to_a_mount_point_stays(world: &World) {
    let (root, upper) = world.overlay();
    let mut step = step(root, &["sh", "-c", "touch /src/file"]);
    step.mounts = vec![bind(&world.new_dir(), "/src/deep", false)];
    run(&step).ok();
    assert_eq!((names(&upper), names(&upper.join("src"))), (vec!["src".into()], vec!["file".into()]));
}

fn a_changed_parent_of_a_mount_point_stays(world: &World) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let lower = world.new_dir();
    for dir in ["etc", "var"] {
        fs::create_dir(lower.join(dir)).expect("make a directory");
        fs::File::open(lower.join(dir)).and_then(|dir| dir.set_modified(old)).expect("set the time");
    }
    let (root, upper) = world.overlay_over(vec![lower, world.base()]);
    let mut step = step(root, &["sh", "-c", "chmod 700 /etc; stat -c %Y /etc /var"]);
    step.mounts = vec![secret("/var/key", b"k", 0o400)];
    // The step doesn't see that mount points were made.
    check(&step, "1000000000\n1000000000\n");
    assert_eq!(names(&upper), ["etc"]);
    let etc = fs::metadata(upper.join("etc")).expect("etc");
    assert_eq!((etc.mode() & 0o777, etc.modified().expect("a time")), (0o700, old));
}

fn targets_do_not_escape(world: &World) {
    let (lower, outside) = (world.new_dir(), world.new_dir());
    symlink(&outside, lower.join("absolute")).expect("link");
    symlink("../../../../../../../../../../tmp", lower.join("up")).expect("link");
    let (root, _) = world.overlay_over(vec![lower, world.base()]);
    let mut step =
        step(root, &["sh", "-c", "cat /absolute/a /tmp/b /c; ls -d $0", outside.to_str().expect("UTF-8")]);
    step.mounts = vec![
        secret("/absolute/a", b"a\n", 0o644),
        secret("/up/b", b"b\n", 0o644),
        secret("../../../../../../c", b"c\n", 0o644),
    ];
    // The absolute link's target was made inside.
    check(&step, &format!("a\nb\nc\n{}\n", outside.display()));
    assert_eq!(names(&outside), Vec::<OsString>::new());
}

fn a_dangling_link_is_followed_inside(world: &World) {
    let lower = world.new_dir();
    fs::create_dir(lower.join("etc")).expect("make a directory");
    symlink("../run/stub/resolv.conf", lower.join("etc/resolv.conf")).expect("link");
    let (root, upper) = world.overlay_over(vec![lower, world.base()]);
    let outcome =
        run(&step(root, &["sh", "-c", "test -f /run/stub/resolv.conf && test -L /etc/resolv.conf"]));
    let created = outcome.result.expect("ran").created;
    assert!(created.contains(&"/run/stub/resolv.conf".into()), "{created:?}");
    assert_eq!(names(&upper), Vec::<OsString>::new());
}
