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
    mount.id = identity(&mount);
    mount.target = target(state, &mount)?;
    let from = match &mount.from {
        Some(name) => lower.mount_source(site, name)?,
        None => From::Context,
    };
    Ok((mount, from))
}

/// The id of a secret or agent: `id`, else the source, else the target's last name.
pub(crate) fn identity(mount: &Mount) -> Option<String> {
    let last = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    match mount.kind {
        MountType::Secret => mount.source.clone().or(mount.id.clone()).or(mount.target.as_ref().map(last)),
        MountType::Ssh => Some(mount.id.clone().unwrap_or_else(|| "default".to_owned())),
        MountType::Bind | MountType::Cache | MountType::Tmpfs => mount.id.clone(),
    }
}

/// Where it is mounted; bind, cache and tmpfs without a target are mounted on the working directory, a secret in
/// `/run/secrets` unless it is wanted as a variable only.
fn target(state: &State, mount: &Mount) -> Result<Option<String>> {
    let id = mount.id.as_deref().unwrap_or_default();
    let path = match (&mount.target, mount.kind) {
        (Some(target), _) => crate::path::join(state.cwd(), target),
        (None, MountType::Bind | MountType::Cache | MountType::Tmpfs) => state.cwd().to_owned(),
        (None, MountType::Secret) if mount.env.is_some() => return Ok(None),
        (None, MountType::Secret) => format!("/run/secrets/{}", id.rsplit('/').next().unwrap_or_default()),
        (None, MountType::Ssh) => format!("/run/buildkit/ssh_agent.{id}"),
    };
    if path == "/" {
        return Err(format!("invalid mount target \"/\" of a {} mount", mount.kind.name()));
    }
    Ok(Some(path))
}
