//! Docker, with a daemon of our own beside one that may be running, warm when the clock starts: its BuildKit, and the
//! builder that it had before. Its archives aren't compressed, so it takes part in pushes only.

use super::{Builder, Job, Out, Target, daemon};
use crate::bench::room::Room;
use crate::{Result, shell};
use std::path::PathBuf;
use std::process::{Child, Command};

pub const BUILDER: Builder = Builder {
    name: "docker",
    program: "dockerd",
    quick: true,
    start: Some(start),
    build: |room, job| build(room, job, "1"),
    export_builds: false,
    export: |room, job, out| export(room, job, out),
};

pub const CLASSIC: Builder =
    Builder { name: "docker classic", quick: false, build: |room, job| build(room, job, "0"), ..BUILDER };

fn start(room: &Room) -> Result<Child> {
    let mut command = daemon("dockerd");
    command.arg("--data-root").arg(room.dir.join("store")).arg("--exec-root").arg(room.dir.join("exec"));
    command.arg("--pidfile").arg(room.dir.join("pid")).arg("--host").arg(socket(room));
    command.arg("--registry-mirror").arg(format!("http://{}", room.around.bases));
    command.args(["--insecure-registry", &room.around.bases, "--insecure-registry", &room.around.pushed]);
    // The network of the machine stays as it is.
    command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]);
    room.daemon(&mut command, || client(room).arg("version").output().is_ok_and(|out| out.status.success()))
}

fn socket(room: &Room) -> String {
    format!("unix://{}", room.dir.join("socket").display())
}

/// The client that came with the daemon: a newer one does without its own BuildKit client.
fn client(room: &Room) -> Command {
    let beside =
        shell::which("dockerd").and_then(|daemon| Some(daemon.parent()?.parent()?.join("bin/docker")));
    let client = beside.filter(|file| file.is_file()).or_else(|| shell::which("docker"));
    let mut command = Command::new(client.unwrap_or_else(|| PathBuf::from("docker")));
    command.args(["--host", &socket(room)]).env("DOCKER_CONFIG", room.dir.join("config"));
    command
}

fn build(room: &Room, job: &Job, buildkit: &str) -> Command {
    let mut command = client(room);
    command.args(["build", "--network", "host", "-t", &job.tag]).args(job.flags("--build-arg"));
    if let Some(file) = job.file {
        command.args(["-f", file]);
    }
    command.arg(".").current_dir(job.context).env("DOCKER_BUILDKIT", buildkit);
    command
}

fn export(room: &Room, job: &Job, out: &Out) -> Option<Command> {
    let (Target::Registry(name), "gzip") = (&out.to, out.compression) else { return None };
    let client = client(room);
    let mut command = Command::new("sh");
    command.args(["-euc", r#"docker=$1 host=$2; "$docker" --host "$host" tag "$3" "$4"; exec "$docker" --host "$host" push "$4""#, "sh"]);
    command.arg(client.get_program()).args([&socket(room), &job.tag, name]);
    command.env("DOCKER_CONFIG", room.dir.join("config"));
    Some(command)
}
