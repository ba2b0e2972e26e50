//! `tare sbom` and `tare build --sbom`: what an image's Go programs were made of, as a document.

use std::path::{Path, PathBuf};

use engine::{Built, Settings};
use oci::{Image, Platform};
use sbom::Subject;
use store::Store;

use super::images::table::print;
use crate::cli::{Sbom, SbomFormat};
use crate::failure::{Failure, Outcome, doing};

/// A document that a build is to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    format: SbomFormat,
    file: PathBuf,
}

/// Writes the document of a stored image.
pub fn run(args: &Sbom) -> Outcome {
    let store = crate::home::store()?;
    let _user = store.share()?;
    let stored = super::names::find(&store, &args.image)?;
    let image = store.load_image(&stored.manifest)?;
    let text = document(&store, &image, &super::names::display(&stored), args.format)?;
    match &args.output {
        Some(path) => write(path, &text)?,
        None => print(&text)?,
    }
    Ok(0)
}

/// Reads every `--sbom`.
///
/// # Errors
/// If one is no format, or the build makes files and no image.
pub fn wanted(specs: &[String], settings: &Settings) -> Result<Vec<Wanted>, Failure> {
    let wanted = read(specs)?;
    if !wanted.is_empty() && !settings.wants_blobs() && settings.tags.is_empty() {
        return Err(Failure::Usage("`--sbom` is about an image, and this build makes none".to_owned()));
    }
    Ok(wanted)
}

/// Docker's `false` asks for nothing.
fn read(specs: &[String]) -> Result<Vec<Wanted>, Failure> {
    let asked = specs.iter().filter(|spec| !["false", "0", "disabled=true"].contains(&spec.as_str()));
    asked.map(|spec| parse(spec)).collect()
}

fn parse(spec: &str) -> Result<Wanted, Failure> {
    let (format, file) = spec.split_once('=').map_or((spec, None), |(format, file)| (format, Some(file)));
    let (format, usual) = match format {
        "spdx" => (SbomFormat::Spdx, "sbom.spdx.json"),
        "cyclonedx" => (SbomFormat::Cyclonedx, "sbom.cdx.json"),
        _ => {
            return Err(Failure::Usage(format!(
                "`--sbom={spec}`: give spdx or cyclonedx, and a file as in --sbom=spdx=FILE; attestations are not \
                 supported yet"
            )));
        }
    };
    Ok(Wanted { format, file: PathBuf::from(file.filter(|f| !f.is_empty()).unwrap_or(usual)) })
}

/// Writes what a build was asked for; of several platforms each has files of its own.
///
/// # Errors
/// If an image can't be read or a file can't be written.
pub fn write_all(built: &Built, names: &[String], wanted: &[Wanted]) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let store = crate::home::store()?;
    let _user = store.share()?;
    let name = names.first().and_then(|name| name.parse::<oci::Reference>().ok());
    let name = name.map_or_else(|| "image".to_owned(), |name| name.familiar());
    for part in &built.parts {
        for one in wanted {
            let file = if built.parts.len() > 1 {
                for_platform(&one.file, &part.platform)
            } else {
                one.file.clone()
            };
            write(&file, &document(&store, &part.image, &name, one.format)?)?;
        }
    }
    Ok(())
}

/// `sbom.spdx.json` for linux/arm64 is `sbom.linux-arm64.spdx.json`.
fn for_platform(file: &Path, platform: &Platform) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (stem, rest) = name.split_once('.').map_or((&*name, String::new()), |(s, r)| (s, format!(".{r}")));
    file.with_file_name(format!("{stem}.{}{rest}", platform.to_string().replace('/', "-")))
}

fn document(store: &Store, image: &Image, name: &str, format: SbomFormat) -> Result<String, Failure> {
    let programs = engine::programs::programs(store, image)?;
    if programs.is_empty() {
        return Err(Failure::Other(format!("image `{name}` has no Go program with build info in it")));
    }
    let subject = subject(image, name);
    Ok(match format {
        SbomFormat::Spdx => sbom::spdx(&subject, &programs),
        SbomFormat::Cyclonedx => sbom::cyclonedx(&subject, &programs),
    })
}

/// The document's time is the image's, so that the same image has the same document.
fn subject(image: &Image, name: &str) -> Subject {
    let created = image.config.created.as_deref().and_then(oci::time::parse_rfc3339).unwrap_or(0);
    let digest = image.descriptor.digest.to_string();
    Subject { name: name.to_owned(), digest, created, platform: image.config.platform().to_string() }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(doing(format!("write `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_may_have_a_file() {
        let check = |spec: &str, want: &str| {
            let found = read(&[spec.to_owned()]);
            let files = found
                .map(|all| all.iter().map(|w| w.file.display().to_string()).collect::<Vec<_>>().join(","));
            assert_eq!(files.unwrap_or_else(|_| "error".to_owned()), want, "{spec}");
        };
        check("spdx", "sbom.spdx.json");
        check("cyclonedx=x.json", "x.json");
        check("false", "");
        check("true", "error");
        check("generator=x", "error");
    }

    #[test]
    fn platforms_have_files_of_their_own() {
        let platform: Platform = "linux/arm64".parse().unwrap();
        let check =
            |file: &str, want: &str| assert_eq!(for_platform(Path::new(file), &platform), Path::new(want));
        check("sbom.spdx.json", "sbom.linux-arm64.spdx.json");
        check("out/sbom", "out/sbom.linux-arm64");
    }
}
