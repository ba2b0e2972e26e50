//! tare and the builders that are installed, side by side: wall time of the same build, as people meet it.
//!
//! The workload is examples/shop, by its second Dockerfile and, as `tare-go`, without any; beside the latter stand
//! ko and the machine's own `go build`, which makes no image. Each is built cold, unchanged, after an edit that the
//! ignore file hides, after one that it doesn't hide and the compiler doesn't read, and after an edit of main.go. One
//! JSON line a measurement goes to bench/results, with the machine and the commit, so that a claim about speed can
//! link to it.

use crate::place::{self, Profile};
use crate::setup::packages;
use crate::world::{self, Around};
use crate::{Result, shell};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A way to build; each has its own store, which starts empty.
struct Builder {
    name: &'static str,
    /// What has to be on PATH.
    program: &'static str,
    command: fn(&Around, &Path) -> Command,
}

const BUILDERS: &[Builder] = &[
    Builder { name: "tare", program: "", command: tare },
    Builder { name: "tare-go", program: "", command: tare_go },
    Builder { name: "go build", program: "go", command: go_build },
    Builder { name: "ko", program: "ko", command: ko },
    Builder { name: "buildah", program: "buildah", command: buildah },
    Builder { name: "podman", program: "podman", command: podman },
];

/// A name, and what is done to the folder before the build.
type Scene = (&'static str, fn(&Path, usize) -> Result<()>);

/// In their order; `cold` is the first build of all.
const SCENES: &[Scene] = &[
    ("cold", |_, _| Ok(())),
    ("no-op", |_, _| Ok(())),
    ("readme", |dir, n| append(&dir.join("README.md"), &format!("\nEdit {n}.\n"))),
    ("unread", unread),
    ("go", |dir, n| append(&dir.join("main.go"), &format!("\n// Edit {n}.\n"))),
];

/// Edits what the compiler doesn't read, in a folder without an ignore file.
fn unread(dir: &Path, n: usize) -> Result<()> {
    let _ = std::fs::remove_file(dir.join(".dockerignore"));
    append(&dir.join("README.md"), &format!("\nAnother edit {n}.\n"))?;
    append(&dir.join("cmd/cmd_test.go"), &format!("\n// Edit {n}.\n"))
}

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let rounds = match args {
        [] => 3,
        [flag] if flag == "--quick" => 1,
        [flag] if flag == "--full" => 7,
        _ => return Err(format!("`bench` takes `--quick` or `--full`: `{}`", args.join(" "))),
    };
    let world = world::start(packages::TEST, Profile::Release)?;
    let mut table = Vec::new();
    for builder in BUILDERS.iter().filter(|b| b.program.is_empty() || shell::which(b.program).is_some()) {
        match measure(builder, &world.around, rounds) {
            Ok(times) => table.push((builder.name, times)),
            // A builder that can't work on this machine is no reason to measure nothing.
            Err(message) => shell::say(&format!("{} is left out: {message}", builder.name)),
        }
    }
    print(&table);
    append(&results()?, &lines(&table))
}

/// Seconds, one list a scene.
type Times = Vec<Vec<f64>>;

fn measure(builder: &Builder, around: &Around, rounds: usize) -> Result<Times> {
    let dir = around.scratch.join(builder.name);
    let mut times: Times = vec![Vec::new(); SCENES.len()];
    for round in 0..rounds {
        // The second round's cold build is as cold as the first: store and folder are new.
        remove(around, &dir);
        let context = dir.join("context");
        shell::mkdir(&dir)?;
        shell::capture(Command::new("cp").arg("-r").arg(around.examples.join("shop")).arg(&context))?;
        for (scene, (name, edit)) in SCENES.iter().enumerate() {
            edit(&context, round)?;
            let seconds = time((builder.command)(around, &dir).current_dir(&context))?;
            shell::say(&format!("{:<8} {name:<8} {seconds:7.2} s", builder.name));
            times[scene].push(seconds);
        }
    }
    remove(around, &dir);
    Ok(times)
}

fn remove(around: &Around, dir: &Path) {
    crate::demo::remove_as_inside(&around.tare, dir);
}

fn time(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    shell::capture(command.stdout(Stdio::null()))?;
    Ok(start.elapsed().as_secs_f64())
}

fn tare(around: &Around, dir: &Path) -> Command {
    let mut command = Command::new(&around.tare);
    command.args(["build", "-t", "bench/shop", "."]);
    command.env("TARE_HOME", dir.join("store")).env("TARE_REGISTRIES_CONF", &around.conf);
    command
}

/// The same project as if it had no Dockerfile.
fn tare_go(around: &Around, dir: &Path) -> Command {
    let mut command = tare(around, dir);
    command.arg("--no-dockerfile").env("GOPROXY", &around.goproxy).env("GONOSUMDB", "*");
    command
}

/// The compiler alone, with what `tare-go` asks of it.
fn go_build(around: &Around, dir: &Path) -> Command {
    let mut command = go(around, dir, "go");
    command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]).arg(dir.join("shop"));
    command
}

/// Its base image is the smallest that the registry of the tests has: ko has none of its own.
fn ko(around: &Around, dir: &Path) -> Command {
    let mut command = go(around, dir, "ko");
    command.args(["build", ".", "--push=false", "--sbom=none", "--oci-layout-path"]).arg(dir.join("layout"));
    command.env("KOCACHE", dir.join("ko")).env("KO_DOCKER_REPO", "example.com/ko");
    command.env("KO_DEFAULTBASEIMAGE", format!("{}/library/busybox:1.35", around.bases));
    command
}

fn go(around: &Around, dir: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("GOPROXY", &around.goproxy).env("GONOSUMDB", "*").env("GOFLAGS", "-modcacherw");
    command.env("GOCACHE", dir.join("gocache")).env("GOMODCACHE", dir.join("gomod")).env("CGO_ENABLED", "0");
    command
}

fn buildah(around: &Around, dir: &Path) -> Command {
    let mut command = containers("buildah", around, dir);
    command.args([
        "build",
        "--layers",
        "--isolation",
        "chroot",
        "--network",
        "host",
        "-t",
        "bench/shop",
        ".",
    ]);
    command
}

fn podman(around: &Around, dir: &Path) -> Command {
    let mut command = containers("podman", around, dir);
    command.args([
        "build",
        "--layers",
        "--isolation",
        "chroot",
        "--network",
        "host",
        "-t",
        "bench/shop",
        ".",
    ]);
    command
}

fn containers(program: &str, around: &Around, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--root").arg(dir.join("store")).arg("--runroot").arg(dir.join("run"));
    command.env("CONTAINERS_REGISTRIES_CONF", &around.conf);
    command
}

fn append(path: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    shell::write(path, old + text)
}

fn results() -> Result<PathBuf> {
    let dir = place::root().join("bench/results");
    shell::mkdir(&dir)?;
    Ok(dir.join("shop.jsonl"))
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn print(table: &[(&str, Times)]) {
    println!("{:<10}{}", "", SCENES.iter().map(|s| format!("{:>20}", s.0)).collect::<String>());
    let ours = table.iter().find(|row| row.0 == "tare").map(|row| &row.1);
    for (name, times) in table {
        let cell = |(scene, times): (usize, &Vec<f64>)| {
            let ratio = ours.map_or(1.0, |ours| median(times) / median(&ours[scene]));
            format!("{:>10.2} s {:>7.1}×", median(times), ratio)
        };
        println!("{name:<10}{}", times.iter().enumerate().map(cell).collect::<String>());
    }
}

fn lines(table: &[(&str, Times)]) -> String {
    let when = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (machine, commit) = (machine(), commit());
    let mut text = String::new();
    for (builder, times) in table {
        for (scene, seconds) in SCENES.iter().zip(times) {
            let line = json!({"workload": "shop", "builder": builder, "scene": scene.0, "seconds": seconds,
                "median": median(seconds), "when": when, "machine": machine, "commit": commit});
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map_or("?", |m| m.1);
    format!("{cpus} × {model}")
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(place::root());
    shell::capture(&mut git).map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(super::median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(super::median(&[1.0]), 1.0);
    }
}
