//! What every step finds mounted: `/proc`, `/dev`, `/sys`, and the two files that name resolution reads.
//!
//! As Docker has it, with the same paths masked and read-only, so that programs see what they see
//! in other builders. Nothing here depends on the image.

use std::fmt::Write;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MoveMountFlags, move_mount};

use crate::child::Form;
use crate::mounts::{MemoryFile, mount_file};
use crate::place::{Kind, Points, existing};
use crate::root::{self, Scratch, new_fs};
use crate::step::{Caps, Network, Step};
use crate::sys;
use crate::wire::{Doing, Failure};

/// Device nodes, which only the host has: a user namespace may not make any.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
    ("core", "/proc/kcore"),
];

/// Paths that tell of or reach the host: they look empty.
const MASKED: [&str; 13] = [
    "proc/acpi",
    "proc/asound",
    "proc/interrupts",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/sched_debug",
    "proc/scsi",
    "proc/timer_list",
    "proc/timer_stats",
    "sys/devices/virtual/powercap",
    "sys/firmware",
    "sys/fs/cgroup",
];

/// Paths through which the kernel is set up.
const READONLY: [&str; 5] = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"];

const HIDDEN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// `/proc`, `/dev` and `/sys`, mounted where nobody sees them until there is a root to have them in.
pub(crate) struct System {
    proc: OwnedFd,
    dev: OwnedFd,
    sys: OwnedFd,
}

impl System {
    /// Mounts them below a directory of the scratch.
    pub(crate) fn mount(form: Form, scratch: &Scratch) -> Result<System, Failure> {
        let dir = scratch.new_dir().doing(|| "make a directory".to_owned())?;
        let proc = add_fs(dir.as_fd(), "proc", || new_fs("proc", &[], HIDDEN))
            .map_err(|e| Failure::new(why_no_proc(&e), &e))?;
        let dev = mount_dev(dir.as_fd())?;
        let sys =
            add_fs(dir.as_fd(), "sys", || open_sys(form.network)).doing(|| "mount `/sys`".to_owned())?;
        if form.caps == Caps::Default {
            guard(scratch, dir.as_fd())?;
        }
        Ok(System { proc, dev, sys })
    }

    /// Moves them to a step's root.
    pub(crate) fn place(&self, step: &Step, points: &mut Points<'_>) -> Result<(), Failure> {
        for (path, mount) in [("/proc", &self.proc), ("/dev", &self.dev), ("/sys", &self.sys)] {
            let at = points.point(Path::new(path), Kind::Dir)?;
            root::attach(mount.as_fd(), at.as_fd()).doing(|| format!("mount `{path}`"))?;
        }
        add_fs(self.dev.as_fd(), "shm", || shm(step.shm_size))
            .map(drop)
            .doing(|| "mount `/dev/shm`".to_owned())
    }
}

// In a user namespace the kernel gives a new procfs only to those who already see a whole one.
fn why_no_proc(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            "mount a `/proc` (parts of the one outside are masked; start the container around us with \
             `--security-opt systempaths=unconfined`, or `procMount: Unmasked` in Kubernetes)"
        }
        _ => "mount `/proc`",
    }
}

fn mount_dev(dir: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    let options = [("mode", "0755"), ("size", "65536k")];
    let dev = add_fs(dir, "dev", || new_fs("tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NOSUID))
        .doing(|| "mount `/dev`".to_owned())?;
    for name in DEVICES {
        add_device(dev.as_fd(), name).doing(|| format!("make `/dev/{name}`"))?;
    }
    for (name, to) in LINKS {
        rustix::fs::symlinkat(to, &dev, name).doing(|| format!("make `/dev/{name}`"))?;
    }
    add_fs(dev.as_fd(), "pts", devpts).doing(|| "mount `/dev/pts`".to_owned())?;
    add_fs(dev.as_fd(), "mqueue", || new_fs("mqueue", &[], HIDDEN))
        .doing(|| "mount `/dev/mqueue`".to_owned())?;
    Ok(dev)
}

fn add_device(dev: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let node = rustix::fs::open(format!("/dev/{name}"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mount = root::bind(node.as_fd(), false)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    rustix::fs::openat(dev, name, flags, Mode::from_raw_mode(0o666))?;
    Ok(move_mount(&mount, "", dev, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

fn add_fs(
    dir: BorrowedFd<'_>,
    name: &str,
    open: impl FnOnce() -> io::Result<OwnedFd>,
) -> io::Result<OwnedFd> {
    rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o755))?;
    let mount = open()?;
    move_mount(&mount, "", dir, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    Ok(mount)
}

fn devpts() -> io::Result<OwnedFd> {
    const NOEXEC: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
    let common = [("ptmxmode", "0666"), ("mode", "0620")];
    let with_group = [common[0], common[1], ("gid", "5")];
    // Group 5 is `tty` everywhere, but a small user namespace may not have it.
    match new_fs("devpts", &with_group, NOEXEC) {
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => new_fs("devpts", &common, NOEXEC),
        made => made,
    }
}

fn shm(size: u64) -> io::Result<OwnedFd> {
    new_fs("tmpfs", &[("mode", "1777"), ("size", &size.to_string())], HIDDEN)
}

fn open_sys(network: Network) -> io::Result<OwnedFd> {
    let readonly = HIDDEN | MountAttrFlags::MOUNT_ATTR_RDONLY;
    // A sysfs shows the network namespace of whoever mounts it, and is only given to its owner.
    if network == Network::None
        && let Ok(fs) = new_fs("sysfs", &[], readonly)
    {
        return Ok(fs);
    }
    let host = rustix::fs::openat(CWD, "/sys", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let mount = root::bind(host.as_fd(), true)?;
    sys::mount_setattr(mount.as_fd(), readonly.bits().into(), true)?;
    Ok(mount)
}

/// Masks some paths and makes others read-only. Which ones there are depends on the kernel.
fn guard(scratch: &Scratch, dir: BorrowedFd<'_>) -> Result<(), Failure> {
    let null = rustix::fs::open("/dev/null", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .doing(|| "open `/dev/null`".to_owned())?;
    let empty = scratch.new_dir().doing(|| "make an empty directory".to_owned())?;
    for path in MASKED {
        let Ok(at) = existing(dir, path) else { continue };
        mask(at.as_fd(), null.as_fd(), empty.as_fd()).doing(|| format!("mask `/{path}`"))?;
    }
    for path in READONLY {
        let Ok(at) = existing(dir, path) else { continue };
        freeze(at.as_fd()).doing(|| format!("make `/{path}` read-only"))?;
    }
    Ok(())
}

fn mask(at: BorrowedFd<'_>, null: BorrowedFd<'_>, empty: BorrowedFd<'_>) -> io::Result<()> {
    let mount = root::bind(null, false)?;
    match move_mount(&mount, "", at, "", BOTH_EMPTY) {
        // A directory, which only a directory can cover.
        Err(Errno::NOTDIR | Errno::INVAL) => {
            let mount = root::bind(empty, false)?;
            root::make_readonly(mount.as_fd(), false)?;
            root::attach(mount.as_fd(), at)
        }
        other => Ok(other?),
    }
}

const BOTH_EMPTY: MoveMountFlags =
    MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH.union(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH);

fn freeze(at: BorrowedFd<'_>) -> io::Result<()> {
    let mount = root::bind(at, true)?;
    root::make_readonly(mount.as_fd(), true)?;
    root::attach(mount.as_fd(), at)
}

/// Mounts `/etc/hosts` and `/etc/resolv.conf`, unless the step has its own idea of them.
pub(crate) fn mount_network_files(
    step: &Step,
    scratch: &Scratch,
    points: &mut Points<'_>,
) -> Result<(), Failure> {
    // A host without it has no name service either, which is what an empty file says.
    let resolv_conf = std::fs::read("/etc/resolv.conf").unwrap_or_default();
    for (path, contents) in [("/etc/hosts", hosts(step).as_bytes()), ("/etc/resolv.conf", &resolv_conf)] {
        if step.mounts.iter().any(|mount| mount.target == Path::new(path)) {
            continue;
        }
        let file = MemoryFile { contents, mode: 0o644, owner: (0, 0), readonly: false };
        mount_file(&file, Path::new(path), scratch, points)?;
    }
    Ok(())
}

fn hosts(step: &Step) -> String {
    let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    let _ = writeln!(text, "127.0.0.1\t{}", step.hostname);
    for (name, address) in &step.hosts {
        let _ = writeln!(text, "{address}\t{name}");
    }
    text
}
