//! `cargo xtask test`: prepares the machine, runs all that there is, ends with `N passed, N failed`.
//!
//! As root everything runs twice, the second time as an ordinary user: that is what most people are. But for long
//! cases, of which most of the time goes into compiling Go: those run as that user only.

use crate::place::Profile;
use crate::setup::{packages, user};
use crate::units::{self, Count};
use crate::world::{self, World};
use crate::{Result, case, chaos, docs, oracle, shell, tidy};

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    if let Some(word) = args.first() {
        return Err(format!("`test` takes no arguments: `{word}`; `case` runs a part"));
    }
    let world = world::start(packages::TEST, Profile::Release)?;
    let count = all(&world);
    drop(world);
    let count = count?;
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed == 0 { Ok(()) } else { Err("there are failures, see above".into()) }
}

fn all(world: &World) -> Result<Count> {
    let user = if shell::is_root() { Some(user::ensure()?) } else { None };
    if user.is_none() {
        shell::say("not root: everything runs once, as the user that you are");
    }
    let mut count = tidy::check();
    count += Count::of("docs/cli and docs/rules are fresh", docs::check(&world.around.tare));
    let programs = units::build(&world.around)?;
    count += units::run(&programs, None, &world.around)?;
    count += units::run_docs()?;
    if let Some(user) = &user {
        count += units::run(&programs, Some(user), &world.around)?;
    }
    count += match &user {
        Some(_) => case::run_short(&world.around)?,
        None => case::run_all(&[], &world.around)?,
    };
    if let Some(user) = &user {
        count += case::run_as(user, &[], &world.around)?;
    }
    count += chaos::run_all(&world.around)?;
    if let Some(user) = &user {
        count += chaos::run_all_as(user, &world.around)?;
    }
    count += oracle::run_all(&[], &world.around)?;
    if let Some(user) = &user {
        count += oracle::run_as(user, &world.around)?;
    }
    Ok(count)
}
