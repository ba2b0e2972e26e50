//! `cargo xtask bench curves`: how tare's cost grows with what it is given, each as a line of JSON and a picture.
//!
//! tare alone, in sizes a factor of three apart. A slope above 1 means that twice as much costs more than twice as much.

use super::builders::{Job, Out, Target};
use super::curve::Curve;
use super::meter::Sample;
use super::record::{self, Stamp};
use super::room::Room;
use super::run::Run;
use super::work::{layer, steps};
use super::{Asked, inputs, svg};
use crate::{Result, place, shell};
use serde_json::json;
use std::path::Path;

/// A list of numbers for each curve of a picture.
type Measured = Vec<Vec<Sample>>;

/// A picture.
struct Picture {
    name: &'static str,
    title: &'static str,
    /// What the axis counts.
    sizes: &'static str,
    /// The sizes of `--tiny`, and how many of the others `--quick` takes.
    tiny: &'static [usize],
    full: &'static [usize],
    quick: usize,
    curves: &'static [&'static str],
    /// Measures at one size.
    play: fn(&Run, &mut Room, usize) -> Result<Measured>,
}

const PICTURES: &[Picture] = &[
    Picture {
        name: "files",
        title: "COPY . . of a context of small files",
        sizes: "files",
        tiny: &[20, 60],
        full: &[1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
        quick: 5,
        curves: &["cold", "no-op", "one byte changed"],
        play: files,
    },
    Picture {
        name: "steps",
        title: "a Dockerfile of small RUNs",
        sizes: "steps",
        tiny: &[1, 3],
        full: &[1, 3, 10, 30, 100, 200, 300, 1000],
        quick: 6,
        curves: &["cold", "no-op"],
        play: play_steps,
    },
    Picture {
        name: "layer",
        title: "a layer that a RUN writes",
        sizes: "megabytes",
        tiny: &[1, 2],
        full: &[1, 3, 10, 30, 100, 300, 1000, 3000, 10_000],
        quick: 7,
        curves: &["RUN, gzip archive", "RUN, zstd archive", "the RUN"],
        play: play_layer,
    },
    Picture {
        name: "builds",
        title: "builds that start together, each with a step of its own",
        sizes: "builds",
        tiny: &[1, 2],
        full: &[1, 2, 4, 8, 16, 32, 64],
        quick: 5,
        curves: &["new", "no-op"],
        play: at_once,
    },
];

/// Measures those that were asked for.
pub fn run(run: &Run, asked: &Asked) -> Result<()> {
    let stamp = Stamp::new(run.mode);
    for picture in PICTURES.iter().filter(|picture| asked.wants(picture.name)) {
        let mut curves: Vec<Curve> = picture.curves.iter().map(|name| Curve::new(name)).collect();
        let mut peaks = vec![Vec::new(); curves.len()];
        for &size in sizes(picture, run) {
            // A size that fails ends the picture, but what is drawn by then stays.
            if let Err(message) = measure(run, picture, size, &mut curves, &mut peaks) {
                shell::say(&format!("{} {size}: {message}", picture.name));
                break;
            }
        }
        curves.iter().for_each(|curve| println!("{:<7} {}", picture.name, svg::legend(curve)));
        if asked.records() {
            keep(picture, &curves, &peaks, &stamp)?;
        }
    }
    Ok(())
}

fn sizes(picture: &Picture, run: &Run) -> &'static [usize] {
    run.mode.of(picture.tiny, &picture.full[..picture.quick], picture.full)
}

fn measure(
    run: &Run,
    picture: &Picture,
    size: usize,
    curves: &mut [Curve],
    peaks: &mut [Vec<u64>],
) -> Result<()> {
    let mut room = run.room(run.choice.installed(run.mode)[0])?;
    let measured = (picture.play)(run, &mut room, size)?;
    for ((curve, peaks), samples) in curves.iter_mut().zip(peaks).zip(measured) {
        let peak = samples.iter().map(|s| s.peak_kb).max().unwrap_or(0);
        curve.push(size, samples.iter().map(|s| s.value).collect())?;
        let seconds = curve.points.last().map_or(0.0, |p| p.1);
        shell::say(&format!("{:<7} {size:>8} {:<18} {seconds:9.4} s {peak:>7} kB", picture.name, curve.name));
        peaks.push(peak);
    }
    Ok(())
}

fn keep(picture: &Picture, curves: &[Curve], peaks: &[Vec<u64>], stamp: &Stamp) -> Result<()> {
    let lines: String =
        curves.iter().zip(peaks).map(|(curve, peaks)| line(picture, curve, peaks, stamp)).collect();
    record::append("curves", &lines)?;
    let dir = place::root().join("bench/curves");
    shell::mkdir(&dir)?;
    let text = svg::text(picture.title, picture.sizes, &stamp.text(), curves);
    shell::write(&dir.join(format!("{}.svg", picture.name)), text)
}

fn line(picture: &Picture, curve: &Curve, peaks: &[u64], stamp: &Stamp) -> String {
    stamp.line(json!({
        "curve": picture.name, "scene": curve.name, "sizes": picture.sizes, "points": curve.points,
        "peak_kb": peaks, "slope": curve.slope(), "end_slope": curve.end_slope(),
    }))
}

/// Removes what a size needed: the next one is three times as large.
fn removed<T>(dir: &Path, measured: Result<T>) -> Result<T> {
    let removed = std::fs::remove_dir_all(dir).map_err(|e| format!("remove `{}`: {e}", dir.display()));
    measured.and_then(|measured| removed.map(|()| measured))
}

fn files(run: &Run, room: &mut Room, count: usize) -> Result<Measured> {
    let context = inputs::folder(run.around, "curve", "FROM scratch\nCOPY . .\n")?;
    inputs::files(&context, count, count * 400, false)?;
    inputs::settle();
    let job = Job::new(&context, "curve");
    let measured = (|| {
        let cold = vec![room.build(&job)?];
        let again = (0..5).map(|_| room.build(&job)).collect::<Result<_>>()?;
        let byte = |_| {
            inputs::change_byte(&context.join("keep/d0/e0/f0"))?;
            room.build(&job)
        };
        Ok(vec![cold, again, (0..3).map(byte).collect::<Result<_>>()?])
    })();
    removed(&context, measured)
}

fn play_steps(run: &Run, room: &mut Room, count: usize) -> Result<Measured> {
    let context = inputs::folder(run.around, "curve", &steps::dockerfile(count))?;
    inputs::base_only(&context, "busybox:1.35")?;
    let job = Job::new(&context, "curve");
    let measured = (|| {
        room.build(&Job::new(&context, "base").file(inputs::BASE_ONLY))?;
        let cold = vec![room.build(&job)?];
        Ok(vec![cold, (0..5).map(|_| room.build(&job)).collect::<Result<_>>()?])
    })();
    removed(&context, measured)
}

/// Three times from nothing: the largest would need three times the disk otherwise.
fn play_layer(run: &Run, room: &mut Room, megabytes: usize) -> Result<Measured> {
    let context = layer::context(run, megabytes)?;
    let mut export = |compression| {
        let file = room.dir.join(compression);
        let sample =
            room.export(&layer::job(&context, 1), &Out { compression, to: Target::Archive(file) })?;
        room.wipe()?;
        sample.ok_or_else(|| "tare exports".to_owned())
    };
    let measured = export("gzip").and_then(|gzip| Ok((gzip, export("zstd")?)));
    let measured = measured.and_then(|(gzip, zstd)| {
        let built = room.build(&layer::job(&context, 1))?;
        Ok(vec![vec![gzip], vec![zstd], vec![built]])
    });
    removed(&context, measured)
}

fn at_once(run: &Run, room: &mut Room, count: usize) -> Result<Measured> {
    let dockerfile = "FROM busybox:1.35\nCOPY . /src\nARG N\nRUN echo $N >/n\nRUN cp /n /m\n";
    let context = inputs::folder(run.around, "curve", dockerfile)?;
    inputs::base_only(&context, "busybox:1.35")?;
    shell::write(&context.join("file"), "text\n")?;
    let measured = (|| {
        room.build(&Job::new(&context, "base").file(inputs::BASE_ONLY))?;
        let jobs = |round: usize| -> Vec<Job> {
            (0..count)
                .map(|n| Job::new(&context, &format!("curve-{n}")).arg(format!("N={round}.{n}")))
                .collect()
        };
        let new = (0..3).map(|round| room.build_at_once(&jobs(round))).collect::<Result<_>>()?;
        let again = (0..5).map(|_| room.build_at_once(&jobs(2))).collect::<Result<_>>()?;
        Ok(vec![new, again])
    })();
    removed(&context, measured)
}
