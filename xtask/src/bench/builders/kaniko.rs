//! kaniko's executor, which unpacks images over `/` and so gets a root of its own. It has no store: what it built is
//! found again in a registry. Builds only, for its builds are exports.

use super::{Builder, Job, program};
use crate::bench::room::Room;
use std::process::Command;

pub const BUILDER: Builder = Builder {
    name: "kaniko",
    program: "executor",
    quick: false,
    start: None,
    build,
    export_builds: false,
    export: |_, _, _| None,
};

/// The root is gone when its mount namespace is, but for the empty folders.
const IN_A_ROOT: &str = r#"
root=$(mktemp -d "$1/root.XXXXXX") context=$2 executor=$3; shift 3
mount --make-rprivate /
mount -t tmpfs -o size=4g root "$root"
mkdir -p "$root/kaniko/.docker" "$root/proc" "$root/dev" "$root/etc" "$root/tmp" "$root/workspace"
cp "$executor" "$root/kaniko/executor"
mount --bind "$context" "$root/workspace"
mount -t proc proc "$root/proc"
mount -t tmpfs dev "$root/dev"
cp -a /dev/null /dev/zero /dev/urandom /dev/random "$root/dev/"
cd "$root"
exec chroot "$root" /kaniko/executor "$@"
"#;

fn build(room: &Room, job: &Job) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "sh", "-euc", IN_A_ROOT, "sh"]);
    command.arg(&room.dir).arg(job.context).arg(program("executor").get_program());
    command.args([
        "--force",
        "--context=dir:///workspace",
        "--no-push",
        "--cache=true",
        "--cache-copy-layers",
    ]);
    command.arg(format!("--dockerfile=/workspace/{}", job.file.unwrap_or("Dockerfile")));
    command.arg(format!("--cache-repo={}/kaniko/cache-{}", room.around.pushed, room.generation()));
    command.arg(format!("--registry-mirror={}", room.around.bases));
    command.args(["--insecure", "--insecure-pull", "--skip-tls-verify", "--skip-tls-verify-pull"]);
    command.arg(format!("--insecure-registry={}", room.around.bases)).args(job.flags("--build-arg"));
    command.env("DOCKER_CONFIG", "/kaniko/.docker").env("HOME", "/root");
    command
}
