//! W6: an image of several layers pulled and unpacked, because a RUN needs its files.
//!
//! `--quick` takes the golang image that the tests have; `--full` one of five layers and 400 MB, which the fixtures'
//! script makes the first time, in a minute and a half.

use crate::bench::builders::Job;
use crate::bench::mode::Mode;
use crate::bench::run::{Run, note};
use crate::bench::sheet::{Aim, Sheet};
use crate::bench::{inputs, limits};
use crate::setup::bases;
use crate::{Result, place, shell};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COLD: &str = "pulled and unpacked";

/// Plays it.
pub fn run(run: &Run, sheet: &mut Sheet) -> Result<()> {
    sheet.scene(COLD, &[Aim::Within(1.3), Aim::Faster(3.0)]);
    if run.mode == Mode::Full {
        make_big_base(run)?;
    }
    let (name, tag) = run.mode.of(("busybox", "1.35"), ("golang", "1.26.8-alpine3.23"), ("bigbase", "1"));
    let unpacked = run.dir("unpacked")?;
    let layers = layers(&bases::storage(), name, tag)?;
    let bytes: u64 = layers.iter().filter_map(|blob| blob.metadata().ok()).map(|m| m.len()).sum();
    shell::say(&format!("{name}:{tag} has {} layers of {} MB", layers.len(), bytes / 1_000_000));
    sheet.limit(COLD, "inflate and write", limits::unpack(&layers, &unpacked)?);
    std::fs::remove_dir_all(&unpacked).map_err(|e| format!("remove `{}`: {e}", unpacked.display()))?;
    let dockerfile = format!("FROM {name}:{tag}\nRUN [\"/bin/true\"]\n");
    let context = inputs::folder(run.around, "pull", &dockerfile)?;
    run.each(sheet, |room, sheet| {
        for round in 0..run.mode.of(1, 2, 3) {
            if round > 0 {
                room.wipe()?;
            }
            note(sheet, COLD, room.builder.name, room.build(&Job::new(&context, "pull"))?);
        }
        Ok(())
    })
}

/// Into the storage of the registry that serves the base images already.
fn make_big_base(run: &Run) -> Result<()> {
    if layers(&bases::storage(), "bigbase", "1").is_ok() {
        return Ok(());
    }
    if !shell::is_root() {
        return Err("the large base image is missing: run this once as root".into());
    }
    shell::say("making a large base image (a minute and a half the first time)");
    // The script's own registry, not one that somebody else has on its usual port.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    let mut command = Command::new("bash");
    command.arg(place::root().join("fixtures/make-base-images.sh")).stdout(Stdio::null());
    command.env("TARE_BASES", place::bases()).env("TARE_BASES_ONLY", "bigbase");
    command.env("TARE_GOPROXY", &run.around.goproxy).env("TARE_REGISTRY_PORT", port.to_string());
    shell::run(&mut command)
}

/// The files of an image's blobs in a registry's storage.
fn layers(storage: &Path, name: &str, tag: &str) -> Result<Vec<PathBuf>> {
    let above = storage.join("docker/registry/v2");
    let link = format!("repositories/library/{name}/_manifests/tags/{tag}/current/link");
    let blob = |digest: &str| {
        let hex = digest.trim().trim_start_matches("sha256:");
        above.join("blobs/sha256").join(hex.get(..2).unwrap_or_default()).join(hex).join("data")
    };
    let manifest = shell::read(&blob(&shell::read(&above.join(link))?))?;
    let manifest: Value = serde_json::from_str(&manifest).map_err(|e| format!("read the manifest: {e}"))?;
    let layers = manifest["layers"].as_array().ok_or_else(|| format!("`{name}:{tag}` has no layers"))?;
    Ok(layers.iter().filter_map(|layer| layer["digest"].as_str()).map(blob).collect())
}
