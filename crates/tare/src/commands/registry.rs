//! `tare push` and `tare pull`: images between the store and registries.

use std::time::Instant;

use engine::Voice;
use engine::fetch::{self, Want};
use engine::origin::Origins;
use oci::{Blobs, Digest, Image, Platform, Published, Reference, Tagged};
use store::{Resolution, Store, Stored};
use transport::Registry;

use super::images::table::print;
use super::leaving::Leaving;
use super::names;
use crate::cli::{Progress, Pull, Push};
use crate::failure::{Failure, Outcome};
use crate::{progress, units};

/// Sends an image.
pub fn push(args: &Push) -> Outcome {
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    let stored = names::find(&store, &args.image)?;
    let target = target(args, &stored)?;
    let (parts, what) = (Leaving::new(&store), store.load(&stored)?);
    let (registry, started) = (Origins::default().registry()?, Instant::now());
    let (what, done) = shown(args.quiet, |voice| {
        let what = parts.packed(&stored, what, parts.to(&registry, &target), voice)?;
        let done = parts.ended(send(&registry, &parts, &what, &target, voice))?;
        Ok((what, done))
    })?;
    note(args.quiet, &summary("sent", done.sent, done.skipped, started));
    print(&format!("{}\n", pinned(&target, what.descriptor().digest)))?;
    Ok(0)
}

fn target(args: &Push, stored: &Stored) -> Result<Reference, Failure> {
    if let Some(name) = &args.name {
        return name.parse().map_err(Failure::Usage);
    }
    let nameless =
        || Failure::Usage(format!("image `{}` has no name: say which one to send it under", args.image));
    names::reference(stored).ok_or_else(nameless)
}

fn send(
    registry: &Registry,
    parts: &dyn Blobs,
    what: &Tagged,
    target: &Reference,
    voice: &Voice,
) -> Result<Published, Failure> {
    let task = voice.task(format!("push {}", target.familiar()));
    let result = registry.push(what, parts, target, &task).map_err(engine::Error::from);
    task.close(&result);
    Ok(result?)
}

/// `NAME@DIGEST`, what to write where it must be this image and no other.
fn pinned(target: &Reference, digest: Digest) -> String {
    Reference { digest: Some(digest), ..target.clone() }.familiar()
}

/// Fetches an image.
pub fn pull(args: &Pull) -> Outcome {
    let name: Reference = args.image.parse().map_err(Failure::Usage)?;
    let platform = platform(args.platform.as_deref())?;
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    let started = Instant::now();
    let fetched = shown(args.quiet, |voice| receive(&store, &name, &platform, voice))?;
    note(args.quiet, &summary("fetched", fetched.moved, fetched.skipped, started));
    check_platform(args, &platform, &fetched.image)?;
    keep(&store, &name, &platform, &fetched)?;
    print(&format!("{name}\n"))?;
    Ok(0)
}

fn platform(text: Option<&str>) -> Result<Platform, Failure> {
    text.map_or_else(|| Ok(Platform::host()), |text| text.parse().map_err(Failure::Usage))
}

/// Without an index there is no choice, and the one image that there is may be for something else.
fn check_platform(args: &Pull, wanted: &Platform, image: &Image) -> Result<(), Failure> {
    let offered = image.config.platform();
    if offered.architecture.is_empty() || wanted.accepts(&offered) {
        return Ok(());
    }
    let text = format!("image `{}` is for {offered}, not for {wanted}", args.image);
    if args.platform.is_some() {
        return Err(Failure::Other(text));
    }
    eprintln!("warning: {text}");
    Ok(())
}

fn receive(
    store: &Store,
    name: &Reference,
    platform: &Platform,
    voice: &Voice,
) -> Result<fetch::Fetched, Failure> {
    let source = Origins::default().registry()?.source(name);
    let doing = format!("pull {}", name.familiar());
    Ok(fetch::fetch(store, &Want { doing: &doing, from: &source, platform }, voice)?)
}

/// The image under its name, and what the name means now for builds that stand on it.
fn keep(
    store: &Store,
    name: &Reference,
    platform: &Platform,
    fetched: &fetch::Fetched,
) -> Result<(), Failure> {
    let manifest = fetched.image.descriptor.clone();
    let (index, at) = (fetched.index.clone(), engine::clock::now());
    store.put_resolution(platform, &Resolution { name: name.to_string(), manifest, index, at })?;
    Ok(fetch::name(store, &fetched.image, &name.to_string(), "as pulled")?)
}

/// Does something that takes time, and shows how it goes.
pub fn shown<T>(quiet: bool, work: impl FnOnce(&Voice) -> Result<T, Failure>) -> Result<T, Failure> {
    let progress = progress::start(if quiet { Progress::Quiet } else { Progress::Auto });
    let result = work(&Voice::new(&|event| progress.hear(event)));
    progress.finish();
    result
}

fn note(quiet: bool, text: &str) {
    if !quiet {
        eprintln!("{text}");
    }
}

fn summary(verb: &str, bytes: u64, skipped: usize, started: Instant) -> String {
    let took = started.elapsed();
    let there =
        if skipped > 0 { format!("; {skipped} {} there already", parts(skipped)) } else { String::new() };
    let rate = (bytes as f64 / took.as_secs_f64().max(0.001)) as u64;
    format!("{verb} {} in {} ({}/s){there}", units::bytes(bytes), units::duration(took), units::bytes(rate))
}

fn parts(count: usize) -> &'static str {
    if count == 1 { "part was" } else { "parts were" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_what_needed_no_transfer() {
        let text = |skipped| summary("sent", 0, skipped, Instant::now());
        assert!(text(0).ends_with("(0 B/s)"), "{}", text(0));
        assert!(text(1).ends_with("; 1 part was there already"));
        assert!(text(2).ends_with("; 2 parts were there already"));
    }

    #[test]
    fn a_platform_may_be_named() {
        assert_eq!(platform(None).ok(), Some(Platform::host()));
        assert_eq!(platform(Some("linux/arm64")).ok(), Some(Platform::linux("arm64")));
        assert!(matches!(platform(Some("arm64")), Err(Failure::Usage(_))));
    }

    #[test]
    fn another_platform_than_the_one_that_was_asked_for_is_refused() {
        let config =
            oci::ImageConfig { os: "plan9".into(), architecture: "mips".into(), ..Default::default() };
        let check = |asked: Option<&str>| {
            let args = Pull { image: "x".to_owned(), platform: asked.map(str::to_owned), quiet: true };
            check_platform(&args, &platform(asked).ok().unwrap(), &Image::new(config.clone(), vec![])).is_ok()
        };
        assert_eq!([check(None), check(Some("plan9/mips")), check(Some("linux/arm64"))], [true, true, false]);
    }

    #[test]
    fn a_pushed_image_is_named_by_tag_and_digest() {
        let (target, digest) = ("r.example/app:1".parse().unwrap(), Digest::of(b"x"));
        assert_eq!(pinned(&target, digest), format!("r.example/app:1@{digest}"));
    }
}
