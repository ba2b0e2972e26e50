//! `tare pin`: what the names in a build stand for today, into `tare.lock`.

use engine::Voice;
use oci::Platform;
use plan::lock::{Entry, Kind, Lock};

use crate::cli::Pin;
use crate::failure::{Failure, Outcome, doing};
use crate::progress;

/// Pins.
pub fn run(args: &Pin) -> Outcome {
    let folder = &args.folder;
    if let Some(path) = super::source::found_dockerfile(folder) {
        return Err(Failure::Usage(format!(
            "`{}`: images in a Dockerfile can't be pinned yet, only the toolchain of a Go project without one",
            path.display()
        )));
    }
    let recipe = super::recipe::read(&args.go, folder, None)?;
    let path = folder.join(plan::lock::NAME);
    let mut lock = super::lock::read(Some(&path))?;
    let platform = Platform::host();
    let name = goproxy::toolchain(&recipe.go.version, &platform.os, &platform.architecture).to_string();
    if lock.digest(Kind::Go, &name).is_some() {
        println!("{name} is pinned already");
        return Ok(0);
    }
    let digest = sum(&recipe.go.version, &platform)?;
    println!("pinned {name} to {digest}");
    let date = oci::time::rfc3339(engine::clock::now(), 0)[..10].to_owned();
    // Toolchains that the project has left behind mean nothing any more; those of other platforms do.
    let release = format!("-go{}.", recipe.go.version);
    lock.entries.retain(|(kind, name), _| *kind != Kind::Go || name.contains(&release));
    lock.entries.insert((Kind::Go, name), Entry { digest, date });
    write(&path, &lock)
}

/// Makes the toolchain's image, as the next build needs it anyway; it knows what the zip hashed to.
fn sum(version: &str, platform: &Platform) -> Result<String, Failure> {
    let toolchain = super::recipe::toolchain(version, &Lock::default());
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

fn write(path: &std::path::Path, lock: &Lock) -> Outcome {
    let part = path.with_extension(format!("lock.part-{}", std::process::id()));
    let written = std::fs::write(&part, lock.to_string()).and_then(|()| std::fs::rename(&part, path));
    written.map_err(doing(format!("write `{}`", path.display())))?;
    Ok(0)
}
