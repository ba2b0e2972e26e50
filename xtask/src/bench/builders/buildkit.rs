//! BuildKit: a daemon of our own, warm when the clock starts, and its client.

use super::{Builder, Job, Out, Target, daemon, program};
use crate::bench::room::Room;
use crate::{Result, shell};
use std::path::Path;
use std::process::{Child, Command};

pub const BUILDER: Builder = Builder {
    name: "BuildKit",
    program: "buildkitd",
    quick: true,
    start: Some(start),
    build: |room, job| build(room, job, &format!("type=image,name={}", job.tag)),
    export_builds: true,
    export,
};

fn start(room: &Room) -> Result<Child> {
    let settings = room.dir.join("buildkitd.toml");
    shell::write(&settings, settings_text(&room.dir, &room.around.bases, &room.around.pushed))?;
    room.daemon(daemon("buildkitd").arg("--config").arg(settings), || {
        client(room).args(["debug", "workers"]).output().is_ok_and(|out| out.status.success())
    })
}

fn settings_text(dir: &Path, bases: &str, pushed: &str) -> String {
    let (root, socket) = (dir.join("store"), dir.join("socket"));
    format!(
        "root = {root:?}\n\
         [grpc]\naddress = [\"unix://{}\"]\n\
         [worker.oci]\nenabled = true\nnetworkMode = \"host\"\ngc = false\n\
         [worker.containerd]\nenabled = false\n\
         [registry.\"docker.io\"]\nmirrors = [\"{bases}\"]\n\
         [registry.\"{bases}\"]\nhttp = true\n\
         [registry.\"{pushed}\"]\nhttp = true\n",
        socket.display()
    )
}

fn client(room: &Room) -> Command {
    let mut command = program("buildctl");
    command.arg("--addr").arg(format!("unix://{}", room.dir.join("socket").display()));
    command
}

fn build(room: &Room, job: &Job, output: &str) -> Command {
    let mut command = client(room);
    command.args(["build", "--progress=plain", "--frontend", "dockerfile.v0"]);
    command.args(["--local", "context=.", "--local", "dockerfile=."]).current_dir(job.context);
    if let Some(file) = job.file {
        command.args(["--opt", &format!("filename={file}")]);
    }
    for arg in &job.args {
        command.args(["--opt", &format!("build-arg:{arg}")]);
    }
    command.args(["--output", output]);
    command
}

/// Forced, or it would hand out what it compressed for an earlier one.
fn export(room: &Room, job: &Job, out: &Out) -> Option<Command> {
    let how = format!("compression={},force-compression=true,oci-mediatypes=true", out.compression);
    Some(match &out.to {
        Target::Archive(file) => build(room, job, &format!("type=oci,dest={},{how}", file.display())),
        Target::Registry(name) => {
            build(room, job, &format!("type=image,name={name},push=true,registry.insecure=true,{how}"))
        }
    })
}
