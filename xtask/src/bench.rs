//! `cargo xtask bench`: tare and the builders that are installed, side by side on the same inputs, and what the machine
//! itself could do.
//!
//! The workloads are in `work`, the builders in `builders`, the limits in `limits`; a run ends with `table`, and each
//! number goes to bench/results with the machine and the commit, so that a claim about speed can link to it.
//! `curves` and `instructions` are about tare alone. bench/README.md is for those who read the numbers.

mod mode;
mod work;
mod inputs;
mod builders;
mod room;
mod meter;
mod run;
mod limits;
mod sheet;
mod table;
mod record;
mod curve;
mod curves;
mod svg;
mod instructions;

use crate::Result;
use crate::place::Profile;
use crate::setup::packages;
use crate::world::{self, Around};
use builders::Choice;
use meter::Sample;
use mode::Mode;
use record::Stamp;
use run::Run;
use sheet::{Aim, OURS, Sheet};
use std::time::{Duration, Instant};
use work::{WORKLOADS, Workload};

/// Seconds after which `--quick` stops the peers of any workload: what then remains is tare's.
const QUICK: u64 = 570;

/// What was asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    what: What,
    mode: Mode,
    accept: bool,
    patient: bool,
    choice: Choice,
    filters: Vec<String>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum What {
    Workloads,
    Curves,
    Instructions,
}

impl Asked {
    fn parse(args: &[String]) -> Result<Asked> {
        let mut asked = Asked {
            what: What::Workloads,
            mode: Mode::Quick,
            accept: false,
            patient: false,
            choice: Choice::default(),
            filters: Vec::new(),
        };
        let mut args = args.iter().enumerate();
        while let Some((number, arg)) = args.next() {
            match arg.as_str() {
                "curves" if number == 0 => asked.what = What::Curves,
                "instructions" if number == 0 => asked.what = What::Instructions,
                "--tiny" => asked.mode = Mode::Tiny,
                "--quick" => asked.mode = Mode::Quick,
                "--full" => asked.mode = Mode::Full,
                "--patient" => asked.patient = true,
                "--with" => {
                    let name = args.next().ok_or("`--with` needs a part of a builder's name")?;
                    asked.choice.names.push(name.1.to_owned());
                }
                "--accept" if asked.what == What::Instructions => asked.accept = true,
                flag if flag.starts_with('-') => return Err(format!("`bench` has no such flag: `{flag}`")),
                filter => asked.filters.push(filter.to_owned()),
            }
        }
        Ok(asked)
    }

    fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Tiny numbers say nothing.
    fn records(&self) -> bool {
        self.mode != Mode::Tiny
    }
}

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let world = world::start(packages::TEST, Profile::Release)?;
    let around = &world.around;
    // tare has the time that it needs, here.
    let run = Run {
        around,
        mode: asked.mode,
        choice: &asked.choice,
        ends: Instant::now() + Duration::from_secs(86400),
    };
    match asked.what {
        What::Workloads => workloads(around, &asked),
        What::Curves => curves::run(&run, &asked),
        What::Instructions => instructions::run(&run, &asked),
    }
}

fn workloads(around: &Around, asked: &Asked) -> Result<()> {
    let (stamp, start) = (Stamp::new(asked.mode), Instant::now());
    asked.choice.say_missing(asked.mode);
    let (mut sheets, mut failed) = (Vec::new(), Vec::new());
    for workload in wanted(asked) {
        let mut sheet = Sheet::new(workload.name);
        if let Err(message) = play(workload, around, asked, start, &mut sheet) {
            failed.push(format!("{}: {message}", workload.name));
        }
        // At once: a run that is broken off in its tenth minute leaves nine of numbers.
        if asked.records() {
            record::sheet(&sheet, &stamp)?;
        }
        sheets.push(sheet);
    }
    let memory = memory(&sheets);
    if asked.records() {
        record::sheet(&memory, &stamp)?;
    }
    sheets.push(memory);
    println!("{}", table::text(&sheets));
    println!("{}; {:.0} s in all; the aims are those of --full", stamp.text(), start.elapsed().as_secs_f32());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn wanted(asked: &Asked) -> impl Iterator<Item = &'static Workload> {
    let fits = |w: &&Workload| w.tiny || asked.mode != Mode::Tiny;
    WORKLOADS.iter().filter(fits).filter(|w| asked.wants(w.name))
}

fn play(
    workload: &Workload,
    around: &Around,
    asked: &Asked,
    start: Instant,
    sheet: &mut Sheet,
) -> Result<()> {
    let after = |start: Instant, seconds| start + Duration::from_secs(seconds);
    let ends = match asked.patient || asked.mode == Mode::Full {
        true => after(Instant::now(), 7200),
        false => after(Instant::now(), workload.quick_seconds).min(after(start, QUICK)),
    };
    let run = Run { around, mode: asked.mode, choice: &asked.choice, ends };
    let played = (workload.run)(&run, sheet);
    // What the next workload finds in the page cache and on the disk is its own.
    let _ = std::fs::remove_dir_all(around.scratch.join("in"));
    played
}

/// The largest process of tare's in each workload.
fn memory(sheets: &[Sheet]) -> Sheet {
    let mut memory = Sheet::new("memory");
    for sheet in sheets {
        let ours = sheet.scenes.iter().flat_map(|s| &s.entries).filter(|entry| entry.0 == OURS);
        let peak = ours.flat_map(|entry| &entry.1).map(|sample| sample.peak_kb).max().unwrap_or(0);
        if peak > 0 {
            memory.size(sheet.workload, &[Aim::Under(64e6)]);
            memory.add(sheet.workload, OURS, Sample::of(peak as f64 * 1000.0));
        }
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &str) -> Result<Asked> {
        Asked::parse(&args.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_filter_is_a_part_of_a_name() {
        let asked = asked("--full w4 w5").expect("arguments");
        assert_eq!((asked.what, asked.mode), (What::Workloads, Mode::Full));
        let names: Vec<_> = wanted(&asked).map(|w| w.name).collect();
        assert_eq!(names, ["w4-stages", "w5-steps"]);
    }

    #[test]
    fn what_comes_first() {
        assert_eq!(asked("curves --quick files").expect("arguments").what, What::Curves);
        assert!(asked("instructions --accept").expect("arguments").accept);
        assert_eq!(asked("--with kaniko w4").expect("arguments").choice.names, ["kaniko"]);
        assert!(asked("--accept").is_err() && asked("--with").is_err());
        assert!(asked("--fast").is_err());
    }

    #[test]
    fn the_last_workload_has_minutes() {
        let (last, others) = WORKLOADS.split_last().expect("there are workloads");
        assert!(others.iter().map(|w| w.quick_seconds).sum::<u64>() + 200 < QUICK);
        assert_eq!(last.quick_seconds, QUICK);
    }

    /// In `cargo xtask test`, which has the registries and the binary; as root and as an ordinary user.
    #[test]
    fn tiny_workloads_have_a_number_in_every_scene() {
        let Ok(around) = Around::from_env() else { return };
        let scratch = std::env::temp_dir().join(format!("tare-bench-{}", std::process::id()));
        let around = Around { scratch, ..around };
        let asked = asked("--tiny w2 w4 w5 w6 w7").expect("arguments");
        for workload in wanted(&asked) {
            let mut sheet = Sheet::new(workload.name);
            play(workload, &around, &asked, Instant::now(), &mut sheet).expect("tare builds");
            assert!(!sheet.scenes.is_empty() && sheet.scenes.iter().all(|scene| scene.ours().is_some()));
        }
        std::fs::remove_dir_all(&around.scratch).expect("nothing is left in it");
    }

    #[test]
    fn memory_is_the_largest_of_a_workload() {
        let mut sheet = Sheet::new("w");
        sheet.scene("cold", &[]);
        for (builder, peak_kb) in [("tare", 9000), ("tare", 12_000), ("buildah", 90_000)] {
            sheet.add("cold", builder, Sample { value: 1.0, cpu: 0.0, peak_kb });
        }
        assert_eq!(memory(&[sheet]).scenes[0].ours(), Some(12e6));
    }
}
