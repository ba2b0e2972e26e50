//! `RUN --mount` values: variables filled in, targets made absolute, sources found.

use dockerfile::mount::{Mount, MountType};

use crate::graph::From;
use crate::instruction::{Result, word};
use crate::lower::{Lower, Site};
use crate::state::State;

/// The `from` of a raw value; one that can't be read is complained about when the step is lowered.
pub fn from_option(value: &str) -> Option<String> {
    Mount::raw_from(value).ok().flatten()
}

/// Reads the mounts of a RUN.
pub fn read(lower: &mut Lower, site: &Site, state: &State, values: &[String]) -> Result<Vec<(Mount, From)>> {
    values.iter().map(|value| one(lower, site, state, value)).collect()
}

fn one(lower: &mut Lower, site: &Site, state: &State, value: &str) -> Result<(Mount, From)> {
    let raw_from = Mount::raw_from(value).map_err(|p| p.message)?;
    let mut mount = Mount::parse_with(value, |field| word(lower, state, field)).map_err(|p| p.message)?;
    mount.from = raw_from;
    mount.target = target(state, &mount)?;
    let from = match &mount.from {
        Some(name) => lower.mount_source(site, name)?,
        None => From::Context,
    };
    supported(&mount)?;
    Ok((mount, from))
}

/// Where it is mounted; bind, cache and tmpfs without a target are mounted on the working directory.
fn target(state: &State, mount: &Mount) -> Result<Option<String>> {
    let path = match (&mount.target, mount.kind) {
        (Some(target), _) => crate::path::join(state.cwd(), target),
        (None, MountType::Bind | MountType::Cache | MountType::Tmpfs) => state.cwd().to_owned(),
        (None, _) => return Ok(None),
    };
    if path == "/" {
        return Err(format!("invalid mount target \"/\" of a {} mount", mount.kind.name()));
    }
    Ok(Some(path))
}

fn supported(mount: &Mount) -> Result<()> {
    match mount.kind {
        MountType::Secret | MountType::Ssh => {
            Err(format!("`--mount=type={}` is not supported yet", mount.kind.name()))
        }
        MountType::Bind | MountType::Cache | MountType::Tmpfs => Ok(()),
    }
}
