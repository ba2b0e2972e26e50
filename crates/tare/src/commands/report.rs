//! What a build came to, as text: the summary, the files of `--iidfile` and `--metadata-file`.

use std::path::PathBuf;
use std::time::Instant;

use engine::settings::Settings;
use engine::{Built, Part};
use serde_json::json;

use super::build::{how, to_stdout};
use crate::cli::{Build, Progress};
use crate::failure::{Failure, doing};
use crate::units;

/// Writes the files that were asked for, and tells the user.
///
/// # Errors
/// If a file can't be written.
pub fn report(args: &Build, settings: &Settings, built: &Built, started: Instant) -> Result<(), Failure> {
    let id = built.what.id().to_string();
    let write = |path: &PathBuf, text: &str| {
        std::fs::write(path, text).map_err(doing(format!("write `{}`", path.display())))
    };
    args.iidfile.iter().try_for_each(|path| write(path, &id))?;
    args.metadata_file.iter().try_for_each(|path| write(path, &metadata(args, built)))?;
    if how(args) == Progress::Quiet {
        // An archive on standard output must stay one.
        if !settings.outputs.iter().any(to_stdout) {
            println!("{id}");
        }
        return Ok(());
    }
    eprint!("{}", summary(args, built, settings.compress.is_none(), started));
    Ok(())
}

/// The keys are buildx's. It has none for the images of an index; ours are like those of its provenance, with
/// the platform behind a slash.
fn metadata(args: &Build, built: &Built) -> String {
    let mut value = json!({});
    match built.what.only() {
        Some(image) => value["containerimage.config.digest"] = json!(image.id()),
        None => built.parts.iter().for_each(|Part { platform, image, .. }| {
            value[format!("containerimage.config.digest/{platform}")] = json!(image.id());
            value[format!("containerimage.digest/{platform}")] = json!(image.descriptor.digest);
        }),
    }
    value["containerimage.descriptor"] = json!(built.what.descriptor());
    value["containerimage.digest"] = json!(built.what.descriptor().digest);
    value["image.name"] = json!(args.tags.join(","));
    format!("{value:#}\n")
}

fn summary(args: &Build, built: &Built, plain: bool, started: Instant) -> String {
    let mut out = String::new();
    let mut line = |text: String| out += &(text + "\n");
    if let Some(image) = built.what.only() {
        line(format!("image   {}", image.id()));
    }
    line(format!("digest  {}", built.what.descriptor().digest));
    args.tags.iter().for_each(|tag| line(format!("name    {tag}")));
    match &built.parts[..] {
        [part] => line(format!("size    {}{}", size(part, plain), against(part))),
        parts => parts.iter().for_each(|part| line(of_platform(part, plain))),
    }
    let sum = |count: fn(&Part) -> usize| built.parts.iter().map(count).sum::<usize>();
    line(format!("reused  {} of {} steps", sum(|p| p.cached), sum(|p| p.steps)));
    built.notes.iter().for_each(|note| line(format!("        {note}")));
    line(format!("time    {}", units::duration(started.elapsed())));
    out
}

fn of_platform(part: &Part, plain: bool) -> String {
    format!("        {} {}, {}", part.platform, part.image.descriptor.digest, size(part, plain))
}

/// Layers that stay here are compressed when they leave, so nobody knows yet how large they will be.
fn size(part: &Part, plain: bool) -> String {
    let layers = part.image.manifest.layers.len();
    let plural = if layers == 1 { "" } else { "s" };
    let size = units::bytes(part.image.layers_size());
    let how = if plain { "in the store" } else { "compressed" };
    format!("{size} {how}, {layers} layer{plural}")
}

/// What the image was spared.
fn against(part: &Part) -> String {
    let Some(builder) = part.builder else { return String::new() };
    let (base, files) = (units::bytes(builder.base), units::bytes(builder.files));
    let below = if builder.toolchain { "Go toolchain" } else { "compressed base image" };
    format!(" (its builder: {base} {below} + {files} of files on top)")
}
