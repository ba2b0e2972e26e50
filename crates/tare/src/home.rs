//! Where tare keeps what it keeps.

use std::path::PathBuf;

use store::Store;

use crate::failure::{Failure, doing};

/// The folder of the store: `TARE_HOME`, else `tare` under XDG's data home.
///
/// # Errors
/// If neither it nor `HOME` is set.
pub fn folder() -> Result<PathBuf, Failure> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("TARE_HOME")
        .or_else(|| from("XDG_DATA_HOME").map(|d| d.join("tare")))
        .or_else(|| from("HOME").map(|h| h.join(".local/share/tare")))
        .ok_or_else(|| {
            Failure::Other("neither TARE_HOME nor HOME is set: where is the store to be?".to_owned())
        })
}

/// Opens the store.
///
/// # Errors
/// If it can't be made or is another version's.
pub fn store() -> Result<Store, Failure> {
    let folder = folder()?;
    // Relative paths would mean something else inside the sandbox's monitor.
    let absolute = std::path::absolute(&folder).map_err(doing(format!("open `{}`", folder.display())))?;
    Ok(Store::open(&absolute)?)
}
