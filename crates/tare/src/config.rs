//! tare's own settings file: `TARE_CONFIG`, else `tare/config.toml` under XDG's config home.
//!
//! ```toml
//! reproducible = true     # as if every build had --reproducible
//! max-cache = "20GB"      # as if every build had --max-cache
//! ```

use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::{Failure, doing};

/// What the file may say; anything else in it is an error, so that a slip of the pen is seen.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Every build is reproducible.
    #[serde(default)]
    pub reproducible: bool,
    /// The store's size cap.
    pub max_cache: Option<String>,
}

/// Reads the file; without one everything is as by default.
///
/// # Errors
/// If there is one and it can't be understood.
pub fn read() -> Result<Config, Failure> {
    let Some(path) = path() else { return Ok(Config::default()) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(e) => return Err(doing(format!("read `{}`", path.display()))(e)),
    };
    toml::from_str(&text).map_err(|e| Failure::Usage(format!("`{}`: {e}", path.display())))
}

fn path() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("TARE_CONFIG")
        .or_else(|| from("XDG_CONFIG_HOME").map(|d| d.join("tare/config.toml")))
        .or_else(|| from("HOME").map(|h| h.join(".config/tare/config.toml")))
}
