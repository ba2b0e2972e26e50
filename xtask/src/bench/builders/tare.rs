//! tare, by a Dockerfile and without one.

use super::{Builder, Job, Out, Target};
use crate::bench::room::Room;
use crate::bench::sheet::OURS;
use std::process::Command;

pub const BUILDER: Builder =
    Builder { name: OURS, program: "", quick: true, start: None, build, export_builds: true, export };

/// The same project as if it had no Dockerfile.
pub const NO_DOCKERFILE: Builder = Builder { build: build_recipe, ..BUILDER };

fn build(room: &Room, job: &Job) -> Command {
    let mut command = Command::new(&room.around.tare);
    command.args(["build", "--progress", "plain", "-t", &job.tag]).args(job.flags("--build-arg"));
    if let Some(file) = job.file {
        command.args(["-f", file]);
    }
    command.arg(".").current_dir(job.context);
    command.env("TARE_HOME", room.dir.join("store")).env("TARE_REGISTRIES_CONF", &room.around.conf);
    command
}

fn build_recipe(room: &Room, job: &Job) -> Command {
    let mut command = build(room, job);
    command.arg("--no-dockerfile").env("GOPROXY", &room.around.goproxy).env("GONOSUMDB", "*");
    command
}

/// A build with another end.
fn export(room: &Room, job: &Job, out: &Out) -> Option<Command> {
    let mut command = match &out.to {
        Target::Archive(file) => {
            let mut command = build(room, job);
            command.arg("--output").arg(format!("type=oci,dest={}", file.display()));
            command
        }
        Target::Registry(name) => {
            let mut command = build(room, &Job { tag: name.clone(), ..job.clone() });
            command.arg("--push");
            command
        }
    };
    command.args(["--compression", out.compression]);
    Some(command)
}
