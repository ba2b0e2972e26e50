//! A block to a file of the context, with a mode that our umask has no say in.

use super::parse::Block;
use crate::{Result, shell};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes the block's body to `name` below `context`.
pub fn file(context: &Path, name: &str, block: &Block) -> Result<()> {
    let path = context.join(name);
    make_folders(path.parent().expect("it is below the context"))?;
    let body = if block.has("raw") { block.body.trim_end_matches('\n') } else { &block.body };
    shell::write(&path, body)?;
    let mode = block.setting("mode").unwrap_or("644");
    chmod(&path, u32::from_str_radix(mode, 8).map_err(|_| format!("no mode: `{mode}`"))?)
}

/// Modes are in expectations, so our umask must not be.
fn make_folders(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    make_folders(dir.parent().expect("the context is there"))?;
    std::fs::create_dir(dir).map_err(|e| format!("make `{}`: {e}", dir.display()))?;
    chmod(dir, 0o755)
}

fn chmod(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|e| format!("chmod `{}`: {e}", path.display()))
}
