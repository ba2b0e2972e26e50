//! The image-spec's own schemas as a program, for the cases that check what tare writes: compiled once from
//! `fixtures/oci-validate` with the machine's Go.

use crate::{Result, place, shell};
use std::path::PathBuf;
use std::process::Command;

/// Compiles it if that hasn't been done, and says where it is.
pub fn ensure() -> Result<PathBuf> {
    let source = place::root().join("fixtures/oci-validate");
    let stamp = super::bases::hash_of(&source.join("main.go"))?;
    let program = place::bases().join("tools").join(format!("oci-validate-{stamp:016x}"));
    if program.is_file() {
        return Ok(program);
    }
    let go = shell::which("go").ok_or("no `go` on PATH: a validator for the tests is compiled with it")?;
    shell::say("compiling the image-spec's validator");
    shell::mkdir(&place::bases().join("tools"))?;
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(&program).arg(".").current_dir(source).env("CGO_ENABLED", "0");
    shell::capture(&mut command)?;
    Ok(program)
}
