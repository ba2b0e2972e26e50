//! Programs that cases call and no package has, compiled once with the machine's Go from folders of `fixtures`.
//!
//! | program | what it is for |
//! |---|---|
//! | `oci-validate` | the image-spec's own schemas, against which a case checks what tare writes |
//! | `reader`, `reader-386` | reads a file by system calls that no applet makes, and by those of another architecture |

use super::bases;
use crate::{Result, place, shell};
use std::path::PathBuf;
use std::process::Command;

/// A program and where it comes from.
struct Program {
    name: &'static str,
    source: &'static str,
    arch: &'static str,
}

const PROGRAMS: [Program; 3] = [
    Program { name: "oci-validate", source: "oci-validate", arch: "amd64" },
    Program { name: "reader", source: "reader", arch: "amd64" },
    Program { name: "reader-386", source: "reader", arch: "386" },
];

/// Compiles those that haven't been, and says what they are called and where they are.
pub fn ensure() -> Result<Vec<(&'static str, PathBuf)>> {
    PROGRAMS.iter().map(|program| Ok((program.name, compiled(program)?))).collect()
}

fn compiled(program: &Program) -> Result<PathBuf> {
    let source = place::root().join("fixtures").join(program.source);
    let stamp = bases::hash_of(&source.join("main.go"))?;
    let made = place::bases().join("tools").join(format!("{}-{stamp:016x}", program.name));
    if made.is_file() {
        return Ok(made);
    }
    let go = shell::which("go").ok_or("no `go` on PATH: programs for the tests are compiled with it")?;
    shell::say(&format!("compiling {}", program.name));
    shell::mkdir(&place::bases().join("tools"))?;
    let mut command = Command::new(go);
    command.args(["build", "-ldflags=-s -w", "-o"]).arg(&made).arg(".").current_dir(source);
    shell::capture(command.env("CGO_ENABLED", "0").env("GOARCH", program.arch))?;
    Ok(made)
}
