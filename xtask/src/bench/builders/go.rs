//! ko, and the compiler alone, which makes no image: the limit of what builds Go.

use super::{Builder, Job, program};
use crate::bench::room::Room;
use std::process::Command;

/// Its base image is the smallest that the registry of the tests has: ko has none of its own.
pub const KO: Builder = Builder {
    name: "ko",
    program: "ko",
    quick: true,
    start: None,
    build: ko,
    export_builds: false,
    export: |_, _, _| None,
};

/// With what tare's own recipe asks of it.
pub const COMPILER: Builder = Builder {
    name: "go build",
    program: "go",
    quick: true,
    start: None,
    build: compile,
    export_builds: false,
    export: |_, _, _| None,
};

fn ko(room: &Room, job: &Job) -> Command {
    let mut command = go(room, job, "ko");
    command
        .args(["build", ".", "--push=false", "--sbom=none", "--oci-layout-path"])
        .arg(room.dir.join("layout"));
    command.env("KOCACHE", room.dir.join("ko")).env("KO_DOCKER_REPO", "example.com/ko");
    command.env("KO_DEFAULTBASEIMAGE", format!("{}/library/busybox:1.35", room.around.bases));
    command
}

fn compile(room: &Room, job: &Job) -> Command {
    let mut command = go(room, job, "go");
    command
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"])
        .arg(room.dir.join("app"));
    command
}

fn go(room: &Room, job: &Job, name: &str) -> Command {
    let mut command = program(name);
    command.env("GOPROXY", &room.around.goproxy).env("GONOSUMDB", "*").env("GOFLAGS", "-modcacherw");
    command.env("GOCACHE", room.dir.join("gocache")).env("GOMODCACHE", room.dir.join("gomod"));
    command.env("CGO_ENABLED", "0").current_dir(job.context);
    command
}
