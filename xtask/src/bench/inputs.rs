//! What is built, made anew in each run from fixed seeds: folders with a Dockerfile, the same bytes each time.

use crate::world::Around;
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Marsaglia's xorshift: from a number to the next, and never 0.
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = count.div_ceil(8);
        let mut bytes: Vec<u8> = (0..words).flat_map(|_| self.roll().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}

/// A new folder with a Dockerfile.
pub fn folder(around: &Around, name: &str, dockerfile: &str) -> Result<PathBuf> {
    let dir = around.scratch.join("in").join(name);
    shell::mkdir(&dir)?;
    shell::write(&dir.join("Dockerfile"), dockerfile)?;
    Ok(dir)
}

/// A Dockerfile that only fetches a base.
pub const BASE_ONLY: &str = "Dockerfile.base";

/// Puts one into a folder, where no COPY takes it along.
pub fn base_only(dir: &Path, base: &str) -> Result<()> {
    // The RUN is for builders that fetch layers only when they need them.
    shell::write(&dir.join(BASE_ONLY), format!("FROM {base}\nRUN true\n"))?;
    shell::write(&dir.join(".dockerignore"), format!("{BASE_ONLY}\nDockerfile\n"))
}

/// So many files of `bytes` in all, a thousand below a folder; those in `skip` are ignored, every other one.
pub fn files(dir: &Path, count: usize, bytes: usize, ignored: bool) -> Result<()> {
    let mut dice = Dice(7 << 32);
    let pool = dice.bytes(1 << 20);
    let line = b"the same words stand in many a file of a program\n";
    for number in 0..count {
        let half = if ignored && number % 2 == 1 { "skip" } else { "keep" };
        let folder = dir.join(half).join(format!("d{}/e{}", number / 1000, number / 50 % 20));
        if number % 50 < 2 {
            shell::mkdir(&folder)?;
        }
        let size = spread(&mut dice, bytes / count);
        let at = dice.roll() as usize % (pool.len() / 2);
        let mut text = pool[at..at + (size / 2).min(pool.len() / 2)].to_vec();
        text.extend(line.iter().cycle().take(size.saturating_sub(text.len())));
        shell::write(&folder.join(format!("f{number}")), text)?;
    }
    if ignored {
        shell::write(&dir.join(".dockerignore"), "skip\n**/*.tmp\n.git\n")?;
    }
    Ok(())
}

/// Sizes around one that is meant: many small ones, a few that are eight times as large.
fn spread(dice: &mut Dice, mean: usize) -> usize {
    let sizes = [1, 1, 2, 2, 3, 4, 6, 8, 8, 8, 8, 8, 10, 12, 14, 33];
    mean * sizes[dice.roll() as usize % sizes.len()] / 8
}

/// A stat cache can't trust a file that was written in the second of its scan: nobody's edits are that fast.
pub fn settle() {
    std::thread::sleep(Duration::from_millis(2100));
}

/// Changes a byte in the middle of a file.
pub fn change_byte(file: &Path) -> Result<()> {
    let mut bytes = std::fs::read(file).map_err(|e| format!("read `{}`: {e}", file.display()))?;
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle).ok_or_else(|| format!("`{}` is empty", file.display()))?;
    *byte = byte.wrapping_add(1);
    shell::write(file, bytes)
}

/// Adds text to a file.
pub fn append(path: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    shell::write(path, old + text)
}

/// The program of bench/fill.rs, compiled into a folder.
pub fn compile_fill(dir: &Path) -> Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let program = dir.join("fill");
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "-O", "-C", "strip=symbols", "-C", "target-feature=+crt-static", "-o"]);
    command.arg(&program).arg(crate::place::root().join("bench/fill.rs"));
    shell::capture(&mut command)?;
    Ok(program)
}

/// Runs it, and names the files that it made: first noise, then text, then a table, and so on.
pub fn filled(fill: &Path, dir: &Path, megabytes: usize) -> Result<Vec<PathBuf>> {
    let mut command = Command::new(fill);
    shell::capture(command.arg(dir).args([&megabytes.to_string(), "1"]))?;
    let mut files = Vec::new();
    super::limits::files(dir, &mut |file| files.push(file.to_path_buf()))?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_each_time() {
        assert_eq!(Dice(7).bytes(13), Dice(7).bytes(13));
        assert_ne!(Dice(7).bytes(13), Dice(8).bytes(13));
        let sizes: Vec<usize> = (0..4000).scan(Dice(7), |dice, _| Some(spread(dice, 8000))).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((7000..9000).contains(&mean), "{mean}");
    }
}
