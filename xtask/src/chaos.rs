//! `cargo xtask chaos`: invented scripts over invented files, and invented edits, to the proof that nothing is reused
//! wrongly, and to how much is run that need not have been.
//!
//! A round is a context and a Dockerfile of some forty stages, and a few edits of both, one after the other. After each
//! edit `tare build --verify` runs all that it would reuse and compares; in the end all is built once more from
//! scratch and without tracing. A seed is all that there is to a round; one that fails is made smaller and kept.

mod dice;
mod edit;
mod files;
mod play;
mod program;
mod script;
mod shrink;

use crate::place::Profile;
use crate::setup::{packages, user};
use crate::units::Count;
use crate::world::{self, Around};
use crate::{Result, case, shell};
use dice::Dice;
use edit::State;
use files::Pool;
use play::{Fault, Tally};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The first seeds of `cargo xtask test`, as root and as the test user: always the same, and no two the same.
const SEEDS: (u64, u64) = (1, 1001);

/// How many rounds that are: about a minute on two cores, for each takes twenty seconds of one.
const ROUNDS: (u64, u64) = (4, 2);

/// Builds wait for the disk as well.
const AT_ONCE: usize = 2;

/// Cases have had the numbers below, in the same folder.
const FIRST_ROOM: usize = 100_000;

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    rounds: u64,
    seed: u64,
    as_user: bool,
    keep: bool,
}

impl Asked {
    fn parse(args: &[String]) -> Result<Asked> {
        let mut asked = Asked { rounds: ROUNDS.0, seed: SEEDS.0, as_user: false, keep: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut number = || {
                let value = args.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("`{arg}` needs a number"))
            };
            match arg.as_str() {
                "--rounds" => asked.rounds = number()?,
                "--seed" => asked.seed = number()?,
                "--as-user" => asked.as_user = true,
                "--keep" => asked.keep = true,
                other => return Err(format!("no such argument: `{other}`")),
            }
        }
        Ok(asked)
    }

    fn to_args(&self) -> Vec<String> {
        let mut args =
            vec!["--rounds".into(), self.rounds.to_string(), "--seed".into(), self.seed.to_string()];
        args.extend(self.keep.then(|| "--keep".to_owned()));
        args
    }
}

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let world = world::start(packages::TEST, Profile::Dev)?;
    let count = if asked.as_user && shell::is_root() {
        run_as(&user::ensure()?, &asked, &world.around)?
    } else {
        rounds(&asked, &world.around)?
    };
    case::close(count)
}

/// The hidden chore: the rounds in a world that another process made.
pub fn run_prepared(args: &[String]) -> Result<()> {
    case::close(rounds(&Asked::parse(args)?, &Around::from_env()?)?)
}

/// The rounds that `cargo xtask test` has.
pub fn run_all(around: &Around) -> Result<Count> {
    rounds(&Asked::parse(&[])?, around)
}

/// Those that it has as the test user.
pub fn run_all_as(user: &user::User, around: &Around) -> Result<Count> {
    run_as(user, &Asked { rounds: ROUNDS.1, seed: SEEDS.1, ..Asked::parse(&[])? }, around)
}

fn run_as(user: &user::User, asked: &Asked, around: &Around) -> Result<Count> {
    let own = Around { scratch: around.scratch.join("user"), ..around.clone() };
    user.mkdir(&own.scratch)?;
    let mut command = user.command(&case::own_program(around)?);
    command.arg("__chaos").args(asked.to_args()).envs(own.to_env());
    case::follow(command)
}

fn rounds(asked: &Asked, around: &Around) -> Result<Count> {
    let next = AtomicU64::new(asked.seed);
    let total = Mutex::new((Count::default(), Tally::default(), 0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = take(&next, asked.seed + asked.rounds) {
                    let (count, tally, scripts) = round(seed, asked.keep, around);
                    let mut total = total.lock().expect("no thread panics");
                    total.0 += count;
                    total.1 += tally;
                    total.2 += scripts;
                }
            });
        }
    });
    let (count, tally, scripts) = total.into_inner().expect("no thread panics");
    let because: Vec<String> = tally.because.iter().map(|(look, count)| format!("{look} {count}")).collect();
    let (rate, because) = (tally.missed_rate(), because.join(", "));
    println!("      chaos: {scripts} scripts: {tally}: {rate:.1} % ({because})");
    Ok(count)
}

fn take(next: &AtomicU64, end: u64) -> Option<u64> {
    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end)
}

/// A context, a Dockerfile, and edits with their names.
struct Round {
    states: Vec<State>,
    edits: Vec<String>,
}

fn invent(seed: u64) -> Round {
    let mut dice = Dice::new(seed);
    let pool = Pool::new(&mut dice);
    let files = pool.files(&mut dice);
    let mut states = vec![State { files, program: program::invent(&mut dice, &pool) }];
    let mut edits = Vec::new();
    for _ in 0..dice.range(3, 6) {
        let (name, state) = edit::edit(&mut dice, &pool, &states);
        edits.push(name);
        states.push(state);
    }
    Round { states, edits }
}

/// Plays one and prints what came of it.
fn round(seed: u64, keep: bool, around: &Around) -> (Count, Tally, usize) {
    let (start, round) = (Instant::now(), invent(seed));
    let scripts = round.states[0].program.scripts();
    let result = tried(seed, keep, &round, around);
    let time = start.elapsed().as_secs_f32();
    let name = format!("chaos {seed}");
    let line = format!("{name:<12} {time:5.1} s  {scripts} scripts, {} edits", round.edits.len());
    match result {
        Ok(tally) => {
            println!("ok    {line}: {tally}");
            (Count { passed: 1, failed: 0 }, tally, scripts)
        }
        Err(message) => {
            println!("FAIL  {line}\n{message}");
            (Count { passed: 0, failed: 1 }, Tally::default(), scripts)
        }
    }
}

fn tried(seed: u64, keep: bool, round: &Round, around: &Around) -> Result<Tally> {
    if keep {
        shell::say(&format!("seed {seed} is in `{}`", kept(&format!("{seed}"), &round.states)?.display()));
    }
    let number = FIRST_ROOM + seed as usize;
    match play::play(&round.states, number, around)? {
        Ok(tallies) => {
            let mut sum = Tally::default();
            tallies.into_iter().for_each(|tally| sum += tally);
            Ok(sum)
        }
        Err(fault) => Err(explained(seed, number, round, fault, around)),
    }
}

/// What went wrong, and a small example of it.
fn explained(seed: u64, number: usize, round: &Round, fault: Fault, around: &Around) -> String {
    let edit = fault.state.checked_sub(1).map_or("no edit", |at| round.edits[at].as_str());
    let (states, small) = shrink::shrink(&round.states, fault.clone(), number, around);
    let place = kept(&format!("{seed}-fault"), &states);
    let place = place.map_or_else(|e| e, |dir| format!("`{}`", dir.display()));
    let last = states.last().map(|state| state.program.text()).unwrap_or_default();
    format!(
        "   {} after {edit} (state {} of seed {seed}): {}\n   {} states that show it are in {place}: {}\n{last}\n{}",
        fault.kind.text(),
        fault.state,
        fault.message,
        states.len(),
        small.message,
        differences(&states),
    )
}

/// The files of the first state, and what is other in the later ones.
fn differences(states: &[State]) -> String {
    let mut out = String::new();
    for (at, state) in states.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &states[at].files);
        let other = |path: &String| before.is_none_or(|before| before.get(path) != state.files.get(path));
        for (path, file) in state.files.iter().filter(|(path, _)| other(path)) {
            out += &format!("   {at}: {path:?} is {}\n", shown(file));
        }
        let gone = before.into_iter().flatten().filter(|(path, _)| !state.files.contains_key(*path));
        gone.for_each(|(path, _)| out += &format!("   {at}: {path:?} is gone\n"));
    }
    out
}

fn shown(file: &files::File) -> String {
    match file {
        files::File::Dir(mode) => format!("a directory {mode:o}"),
        files::File::Plain { text, mode, .. } => {
            let head: String = text.chars().take(60).collect();
            format!("a file {mode:o} of {} bytes {head:?}", text.len())
        }
        files::File::Link(target) => format!("a link to {target:?}"),
    }
}

/// Writes states to a folder that stays.
fn kept(name: &str, states: &[State]) -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("tare-chaos-{name}-{}", std::process::id()));
    // One of before has the same name if the machine gave out the same number again.
    let _ = std::fs::remove_dir_all(&dir);
    play::keep(&dir, states)?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_all_there_is_to_a_round() {
        assert_eq!(invent(3).states, invent(3).states);
        assert_ne!(invent(3).states, invent(4).states);
        assert!((3..=6).contains(&invent(3).edits.len()));
    }

    #[test]
    fn arguments_come_back() {
        let args: Vec<String> = ["--seed", "7", "--keep"].map(str::to_owned).to_vec();
        let asked = Asked::parse(&args).expect("arguments");
        assert_eq!((asked.seed, asked.rounds, asked.keep), (7, ROUNDS.0, true));
        assert_eq!(Asked::parse(&asked.to_args()).expect("the same"), asked);
        assert!(Asked::parse(&["--seed".into()]).is_err());
        assert!(Asked::parse(&["x".into()]).is_err());
    }
}
