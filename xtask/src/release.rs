//! The static binary that users get, in target/dist, and what has to be true of it.

use crate::place::{self, Profile};
use crate::{Result, shell};
use std::path::Path;
use std::process::Command;

/// More, and it is no longer a tool that one downloads without a thought.
const MOST_BYTES: u64 = 15_000_000;

/// The chore.
pub fn run(_: &[String]) -> Result<()> {
    let built = place::tare(Profile::Release)?;
    let dist = place::root().join("target/dist");
    shell::mkdir(&dist)?;
    let to = dist.join("tare");
    std::fs::copy(&built, &to).map_err(|e| format!("copy `{}`: {e}", built.display()))?;
    let size = check_size(&to)?;
    check_static(&to)?;
    let version = shell::capture(Command::new(&to).arg("--version"))?;
    println!("{}: {}, {:.1} MB, static", to.display(), version.trim(), size as f64 / 1e6);
    Ok(())
}

fn check_size(binary: &Path) -> Result<u64> {
    let size = std::fs::metadata(binary).map_err(|e| format!("look at `{}`: {e}", binary.display()))?.len();
    if size > MOST_BYTES {
        return Err(format!("`{}` has {size} bytes, more than {MOST_BYTES}", binary.display()));
    }
    Ok(size)
}

/// A program that asks for an interpreter doesn't start where there is none.
fn check_static(binary: &Path) -> Result<()> {
    let bytes = std::fs::read(binary).map_err(|e| format!("read `{}`: {e}", binary.display()))?;
    match has_interpreter(&bytes) {
        Some(false) => Ok(()),
        Some(true) => Err(format!("`{}` is linked dynamically", binary.display())),
        None => Err(format!("`{}` is no 64-bit ELF program", binary.display())),
    }
}

/// Whether one of the ELF program headers is a PT_INTERP.
fn has_interpreter(elf: &[u8]) -> Option<bool> {
    let number = |at: usize, len: usize| {
        let bytes = elf.get(at..at.checked_add(len)?)?;
        Some(bytes.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b)))
    };
    if elf.get(..5)? != b"\x7fELF\x02" {
        return None;
    }
    let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let mut found = false;
    for i in 0..count {
        found |= number(start + i * size, 4)? == 3;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_static_and_a_shell_is_not() {
        let ours = std::fs::read("/proc/self/exe").expect("our own program");
        assert_eq!(has_interpreter(&ours), Some(false));
        let mut dynamic = ours;
        let start =
            usize::try_from(u64::from_le_bytes(dynamic[32..40].try_into().expect("8 bytes"))).expect("small");
        dynamic[start] = 3;
        assert_eq!(has_interpreter(&dynamic), Some(true));
        assert_eq!(has_interpreter(b"#!/bin/sh"), None);
    }
}
