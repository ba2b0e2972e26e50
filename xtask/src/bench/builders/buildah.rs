//! Debian's buildah and podman, which builds with buildah's code. They keep an image's layers as folders, and compress
//! when an image leaves.

use super::{Builder, Job, Out, Target, program};
use crate::bench::room::Room;
use std::process::Command;

pub const BUILDAH: Builder = Builder {
    name: "buildah",
    program: "buildah",
    quick: true,
    start: None,
    build: |room, job| build("buildah", room, job),
    export_builds: false,
    export: |room, job, out| export("buildah", room, job, out),
};

pub const PODMAN: Builder = Builder {
    name: "podman",
    program: "podman",
    quick: false,
    start: None,
    build: |room, job| build("podman", room, job),
    export_builds: false,
    export: |room, job, out| export("podman", room, job, out),
};

/// Without namespaces, which is the faster way and works everywhere; and as many stages at once as there are.
const FLAGS: [&str; 7] = ["build", "--layers", "--isolation", "chroot", "--network", "host", "--jobs=16"];

fn build(name: &str, room: &Room, job: &Job) -> Command {
    let mut command = with_store(name, room);
    command.args(FLAGS).args(job.flags("--build-arg"));
    if let Some(file) = job.file {
        command.args(["-f", file]);
    }
    command.args(["-t", &job.tag, "."]).current_dir(job.context);
    command
}

fn export(name: &str, room: &Room, job: &Job, out: &Out) -> Option<Command> {
    let mut command = with_store(name, room);
    command.args(["push", "--compression-format", out.compression, "--tls-verify=false", &job.tag]);
    command.arg(match &out.to {
        Target::Archive(file) => format!("oci-archive:{}", file.display()),
        Target::Registry(name) => format!("docker://{name}"),
    });
    Some(command)
}

fn with_store(name: &str, room: &Room) -> Command {
    let mut command = program(name);
    command.arg("--root").arg(room.dir.join("store")).arg("--runroot").arg(room.dir.join("run"));
    command.env("CONTAINERS_REGISTRIES_CONF", &room.around.conf).env("TMPDIR", room.dir.join("tmp"));
    command
}
