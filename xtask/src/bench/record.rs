//! Sheets to JSON lines in bench/results, one file a workload, with the machine and the commit.
//!
//! ```text
//! {"workload":"w4-stages","scene":"cold","builder":"buildah","unit":"seconds","values":[6.5],"median":6.5,
//!  "cpu":[1.9],"peak_kb":0,"limit":{"what":"one sleep","value":1.0},"mode":"quick",
//!  "when":1795319152,"machine":"2 × AMD EPYC","commit":"9bd2959a0b1c"}
//! ```
//! `cpu` and `peak_kb` are as `meter` has them; `limit` stands only in tare's lines.

use super::mode::Mode;
use super::sheet::{OURS, Scene, Sheet, Unit, median};
use crate::{Result, place, shell};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// When, where and of what a measurement is.
pub struct Stamp {
    when: u64,
    machine: String,
    commit: String,
    mode: Mode,
}

impl Stamp {
    /// Of now.
    pub fn new(mode: Mode) -> Stamp {
        let when = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Stamp { when, machine: machine(), commit: commit(), mode }
    }

    /// For people.
    pub fn text(&self) -> String {
        format!("{}, {}, {}", self.machine, self.commit, self.mode.name())
    }

    /// A line: what was measured, and the stamp.
    pub fn line(&self, measured: Value) -> String {
        let mut line = measured;
        line["mode"] = self.mode.name().into();
        line["when"] = self.when.into();
        line["machine"] = self.machine.as_str().into();
        line["commit"] = self.commit.as_str().into();
        format!("{line}\n")
    }
}

/// Appends all that a sheet has to its file.
pub fn sheet(sheet: &Sheet, stamp: &Stamp) -> Result<()> {
    append(sheet.workload, &lines(sheet, stamp))
}

/// Appends lines to a file of results.
pub fn append(name: &str, lines: &str) -> Result<()> {
    let path = file(name)?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.append(true).create(true).open(&path);
    file.and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|e| format!("write `{}`: {e}", path.display()))
}

/// Where results of a name are.
pub fn file(name: &str) -> Result<PathBuf> {
    let dir = place::root().join("bench/results");
    shell::mkdir(&dir)?;
    Ok(dir.join(format!("{name}.jsonl")))
}

fn lines(sheet: &Sheet, stamp: &Stamp) -> String {
    let mut text = String::new();
    for scene in &sheet.scenes {
        for (builder, samples) in &scene.entries {
            let mut line = json!({
                "workload": sheet.workload, "scene": scene.name, "builder": builder, "unit": unit(scene),
                "values": samples.iter().map(|s| s.value).collect::<Vec<_>>(), "median": median(samples),
                "cpu": samples.iter().map(|s| (s.cpu * 100.0).round() / 100.0).collect::<Vec<_>>(),
                "peak_kb": samples.iter().map(|s| s.peak_kb).max(),
            });
            if let (&OURS, Some((what, value))) = (builder, &scene.limit) {
                line["limit"] = json!({"what": what, "value": value});
            }
            text += &stamp.line(line);
        }
    }
    text
}

fn unit(scene: &Scene) -> &'static str {
    match scene.unit {
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
    }
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map_or("?", |m| m.1);
    format!("{cpus} × {model}")
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(place::root());
    shell::capture(&mut git).map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::meter::Sample;
    use super::*;

    #[test]
    fn a_line_has_numbers_machine_and_commit() {
        let mut sheet = Sheet::new("w");
        sheet.scene("cold", &[]);
        sheet.add("cold", OURS, Sample { value: 2.0, cpu: 1.504, peak_kb: 9000 });
        sheet.limit("cold", "reading", 1.0);
        let stamp = Stamp { when: 7, machine: "2 × x".into(), commit: "abc".into(), mode: Mode::Quick };
        let want = r#"{"workload":"w","scene":"cold","builder":"tare","unit":"seconds","values":[2.0],"median":2.0,"cpu":[1.5],"peak_kb":9000,"limit":{"what":"reading","value":1.0},"mode":"quick","when":7,"machine":"2 × x","commit":"abc"}"#;
        assert_eq!(lines(&sheet, &stamp), format!("{want}\n"));
    }
}
