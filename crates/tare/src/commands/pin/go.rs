//! A Go project without a Dockerfile: the toolchain to what its zip hashes to.

use std::path::Path;

use engine::Voice;
use oci::Platform;
use plan::lock::{Entry, Kind, Lock, NAME};

use super::Mode;
use crate::cli::Pin;
use crate::failure::{Failure, Outcome};
use crate::progress;

/// Pins.
pub fn pin(args: &Pin, mode: Mode) -> Outcome {
    let folder = &args.folder;
    if args.write {
        return Err(Failure::Usage(format!(
            "there is no Dockerfile in `{}` to write into",
            folder.display()
        )));
    }
    let recipe = super::super::recipe::read(&args.go, folder, args.platform.as_deref())?;
    let path = folder.join(NAME);
    let mut lock = super::super::lock::read(Some(&path))?;
    let platform = Platform::host();
    let version = &recipe.go.version;
    let name = goproxy::toolchain(version, &platform.os, &platform.architecture).to_string();
    let old = lock.digest(Kind::Go, &name).map(str::to_owned);
    match (&old, mode) {
        (Some(_), Mode::Add) => {
            println!("{name} is pinned already");
            return Ok(0);
        }
        (None, Mode::Check) => {
            println!("{name} is not in tare.lock");
            return Ok(1);
        }
        _ => {}
    }
    let digest = if args.offline { known(version, &platform)? } else { sum(version, &platform)? };
    match &old {
        Some(old) if *old == digest => println!("{name} is what it was"),
        Some(old) => println!("{name}  {old} → {digest}"),
        None => println!("pinned {name} to {digest}"),
    }
    if mode == Mode::Check || old.as_ref() == Some(&digest) {
        return Ok(i32::from(old.as_ref() != Some(&digest)));
    }
    keep(&mut lock, version, name, digest);
    super::super::lock::write(Path::new(&path), &lock)?;
    Ok(0)
}

/// Toolchains that the project has left behind mean nothing any more; those of other platforms do.
fn keep(lock: &mut Lock, version: &str, name: String, digest: String) {
    let release = format!("-go{version}.");
    lock.entries.retain(|(kind, name), _| *kind != Kind::Go || name.contains(&release));
    lock.entries.insert((Kind::Go, name), Entry { digest, date: super::today() });
}

fn known(version: &str, platform: &Platform) -> Result<String, Failure> {
    let toolchain = super::super::recipe::toolchain(version, &Lock::default());
    let image = toolchain.known(&crate::home::store()?, platform);
    let sum = image.as_ref().and_then(engine::toolchain::sum).map(str::to_owned);
    sum.ok_or_else(|| {
        Failure::Other(format!("the store has no Go {version}\nhelp: build once, or pin without --offline"))
    })
}

/// Makes the toolchain's image, as the next build needs it anyway; it knows what the zip hashed to.
fn sum(version: &str, platform: &Platform) -> Result<String, Failure> {
    let toolchain = super::super::recipe::toolchain(version, &Lock::default());
    crate::namespace::enter()?;
    let store = crate::home::store()?;
    let _user = store.share()?;
    let progress = progress::start(crate::cli::Progress::Auto);
    let sink = |event| progress.hear(event);
    let made = toolchain.make(&store, platform, &Voice::new(&sink));
    progress.finish();
    let image = made?;
    Ok(engine::toolchain::sum(&image).unwrap_or_default().to_owned())
}
