//! One case to its outcome: blocks are done in order, what they expect is compared with what came out.

use super::accept::Edit;
use super::image::{self, Image};
use super::parse::{Block, Case, Kind, Section};
use super::room::Room;
use super::{diff, normal, put, steps};
use crate::world::Around;
use crate::{Result, shell};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// What became of a case.
#[derive(Default)]
pub struct Outcome {
    /// For people; none means that it passed.
    pub faults: Vec<String>,
    /// What `accept` would write.
    pub edits: Vec<Edit>,
}

/// A body that is to be filled by `accept`.
const UNKNOWN: &str = "?\n";
/// Flags that must not be repeated when the image is exported.
const ONCE: &[&str] = &["--no-cache", "--pull"];

/// Runs a case in a room of its own; `number` tells rooms apart.
pub fn run(case: &Case, number: usize, around: &Around) -> Outcome {
    let mut outcome = Outcome::default();
    let room = match Room::new(number, around) {
        Ok(room) => room,
        Err(message) => return Outcome { faults: vec![message], ..outcome },
    };
    for section in &case.sections {
        let mut part = Part { room: &room, section, build: None, image: None, outcome: &mut outcome };
        if let Err(message) = part.run() {
            // What follows builds on this section, so its faults would be noise.
            outcome.faults.push(format!("   {}: {message}", place(case, section)));
            break;
        }
    }
    outcome.faults.extend(room.leftovers());
    outcome
}

fn place(case: &Case, section: &Section) -> String {
    if section.title.is_empty() { case.name.clone() } else { format!("{}, \"{}\"", case.name, section.title) }
}

/// A section while it runs.
struct Part<'a> {
    room: &'a Room,
    section: &'a Section,
    /// The flags of the section's last build.
    build: Option<Vec<String>>,
    image: Option<Image>,
    outcome: &'a mut Outcome,
}

impl Part<'_> {
    fn run(&mut self) -> Result<()> {
        let blocks = &self.section.blocks;
        for (i, block) in blocks.iter().enumerate() {
            let next = blocks.get(i + 1);
            let before = i.checked_sub(1).map(|i| blocks[i].kind);
            match block.kind {
                Kind::Dockerfile => self.put(block.args.first().map_or("Dockerfile", |a| a), block)?,
                Kind::Ignore => self.put(".dockerignore", block)?,
                Kind::File => self.put(block.args.first().ok_or("`file` needs a path")?, block)?,
                Kind::Rm => self.remove(block)?,
                Kind::Build => self.build(block, next.filter(|n| n.kind == Kind::Error))?,
                Kind::Error if before == Some(Kind::Build) => {}
                Kind::Error => self.fail(&[], block).map(drop)?,
                Kind::Sh => self.sh(block, next.filter(|n| n.kind == Kind::Output))?,
                Kind::Output if before == Some(Kind::Sh) => {}
                Kind::Output => return Err("`output` stands behind `sh`".into()),
                Kind::Tree => self.tree(block)?,
                Kind::Layer => self.layer(block)?,
                Kind::Config => self.config(block)?,
                Kind::History => self.history(block)?,
                Kind::Why => self.why(block)?,
                Kind::Differs => return Err("`differs` is for tests/oracle".into()),
            }
        }
        Ok(())
    }

    fn put(&self, name: &str, block: &Block) -> Result<()> {
        put::file(&self.room.context(), name, block)
    }

    fn remove(&self, block: &Block) -> Result<()> {
        for name in block.body.lines() {
            let path = self.room.context().join(name);
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(|e| format!("remove `{name}`: {e}"))?;
        }
        Ok(())
    }

    fn build(&mut self, block: &Block, error: Option<&Block>) -> Result<()> {
        let output = match error {
            Some(error) => self.fail(&block.args, error)?,
            None => self.succeed(&block.args)?,
        };
        if block.body.is_empty() {
            return Ok(());
        }
        let got = normal::names(&steps::list(&all_text(&output)), &self.room.names());
        self.compare(block, &got);
        Ok(())
    }

    fn tare_build(&self, args: &[String], more: &[String]) -> Result<Output> {
        let mut command = self.room.tare();
        command.args(["build", "--progress", "plain"]).args(args).args(more).arg(".");
        shell::output(&mut command)
    }

    fn succeed(&mut self, args: &[String]) -> Result<Output> {
        let output = self.tare_build(args, &["-t".into(), "case/it".into()])?;
        if !output.status.success() {
            return Err(format!("the build failed: {}\n{}", output.status, all_text(&output)));
        }
        self.build = Some(args.to_vec());
        self.image = None;
        Ok(output)
    }

    fn fail(&mut self, args: &[String], error: &Block) -> Result<Output> {
        let output = self.tare_build(args, &["-t".into(), "case/it".into()])?;
        let want = error.setting("exit").unwrap_or("1");
        let got = output.status.code().map_or_else(|| output.status.to_string(), |c| c.to_string());
        if got != want {
            return Err(format!("the build should exit with {want}, not {got}\n{}", all_text(&output)));
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let message: String =
            text.lines().filter(|l| !is_progress(l)).map(|l| format!("{}\n", l.trim_end())).collect();
        let message = self.room.normal(message.trim_matches('\n'));
        self.compare(error, &message);
        Ok(output)
    }

    /// Builds again, which is all cached, for an export; the section's own build comes first.
    fn export(&mut self, kind: &str, name: &str) -> Result<PathBuf> {
        if self.build.is_none() {
            self.succeed(&[])?;
        }
        let args = self.build.as_deref().unwrap_or_default();
        let args: Vec<String> = args.iter().filter(|a| !ONCE.contains(&a.as_str())).cloned().collect();
        let dest = self.room.beside(name);
        let output =
            self.tare_build(&args, &["--output".into(), format!("type={kind},dest={}", dest.display())])?;
        if output.status.success() {
            Ok(dest)
        } else {
            Err(format!("the export failed\n{}", all_text(&output)))
        }
    }

    fn image(&mut self) -> Result<&Image> {
        if self.image.is_none() {
            self.image = Some(image::read(&self.export("oci", "image.tar")?)?);
        }
        Ok(self.image.as_ref().expect("it was read above"))
    }

    fn tree(&mut self, block: &Block) -> Result<()> {
        let got = image::tree(&self.export("tar", "root.tar")?, &block.args)?;
        self.compare(block, &got);
        Ok(())
    }

    fn layer(&mut self, block: &Block) -> Result<()> {
        let number = block.args.first().and_then(|n| n.parse().ok()).ok_or("`layer` needs a number")?;
        let got = self.image()?.layer(number, block.has("times"))?;
        self.compare(block, &got);
        Ok(())
    }

    fn history(&mut self, block: &Block) -> Result<()> {
        let got = self.image()?.history();
        let got = normal::names(&got, &self.room.names());
        self.compare(block, &got);
        Ok(())
    }

    fn why(&mut self, block: &Block) -> Result<()> {
        let output = shell::output(self.room.tare().arg("why").args(&block.args))?;
        let got = self.room.normal(&all_text(&output));
        self.compare(block, &got);
        Ok(())
    }

    /// The keys of the body only; with an unknown body, all.
    fn config(&mut self, block: &Block) -> Result<()> {
        let image = self.image()?;
        if block.body == UNKNOWN {
            let got = pretty(&image.config["config"]);
            self.compare(block, &got);
            return Ok(());
        }
        let want: Value = serde_json::from_str(&block.body).map_err(|e| format!("the config block: {e}"))?;
        let want = want.as_object().ok_or("the config block is no object")?;
        let got: serde_json::Map<String, Value> =
            want.iter().map(|(key, want)| (key.clone(), project(want, image.setting(key)))).collect();
        if *want != got {
            let got = pretty(&Value::Object(got));
            self.differ(block, &pretty(&Value::Object(want.clone())), &got);
        }
        Ok(())
    }

    fn sh(&mut self, block: &Block, expected: Option<&Block>) -> Result<()> {
        let mut command = self.room.command("timeout");
        command.args(["-k", "10", "900", "sh", "-euc"]).arg(format!("umask 022\n{}", block.body));
        let output = shell::output(&mut command)?;
        let want = block.setting("exit").unwrap_or("0");
        let got = output.status.code().map_or_else(|| output.status.to_string(), |c| c.to_string());
        if got != want {
            return Err(format!("`sh` should exit with {want}, not {got}\n{}", all_text(&output)));
        }
        if let Some(expected) = expected {
            self.compare(
                expected,
                &normal::names(&String::from_utf8_lossy(&output.stdout), &self.room.names()),
            );
        }
        Ok(())
    }

    fn compare(&mut self, block: &Block, got: &str) {
        if block.body.trim_end() != got.trim_end() {
            self.differ(block, &block.body, got);
        }
    }

    fn differ(&mut self, block: &Block, want: &str, got: &str) {
        self.outcome.faults.push(format!("   line {}:\n{}", block.start + 1, diff::lines(want, got)));
        let body = if got.is_empty() { String::new() } else { format!("{}\n", got.trim_end_matches('\n')) };
        self.outcome.edits.push(Edit { start: block.start, lines: block.lines(), body });
    }
}

/// Of an object, the keys that are wanted; anything else whole.
fn project(want: &Value, got: &Value) -> Value {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            let keys = want.iter().map(|(k, w)| (k.clone(), project(w, got.get(k).unwrap_or(&Value::Null))));
            Value::Object(keys.collect())
        }
        _ => got.clone(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value is JSON") + "\n"
}

/// `#3 0.1 output`: everything else is for people.
fn is_progress(line: &str) -> bool {
    let digits = line.strip_prefix('#').map_or(0, |l| l.bytes().take_while(u8::is_ascii_digit).count());
    digits > 0
}

fn all_text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_wanted_keys_are_compared() {
        let got = json!({"a": 1, "b": {"c": 2, "d": 3}});
        assert_eq!(project(&json!({"b": {"c": 0, "x": 0}}), &got), json!({"b": {"c": 2, "x": null}}));
    }

    #[test]
    fn progress_is_told_from_messages() {
        assert!(is_progress("#12 DONE") && !is_progress("# a comment") && !is_progress("error: x"));
    }
}
