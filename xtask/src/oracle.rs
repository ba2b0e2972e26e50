//! Small Dockerfiles to two images, tare's and buildah's, and to what tells them apart.
//!
//! buildah is another program by other people: where both agree, that is hardly a mistake of ours. Where they are
//! known not to, the check says in which lines, and why; so it shows when either side changes.
//! tests/oracle/README.md is the format's page. Feeds `check`; reads Markdown with `case::parse`.

mod buildah;
mod check;
mod compare;
mod image;
mod tree;

use crate::place::{self, Profile};
use crate::setup::packages;
use crate::setup::user::{self, User};
use crate::units::Count;
use crate::world::{self, Around};
use crate::{Result, case, shell};
use buildah::Storage;
use check::Check;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// As many as the smallest machine that CI has cores.
const AT_ONCE: usize = 2;
const DIR: &str = "tests/oracle";

/// What being an ordinary user could change: owners, and what steps leave. All of it would take too long in `test`.
const AS_USER: [&str; 3] = ["add:", "owner:", "run:"];
const USER_FLAG: &str = "--as-user";

/// The chore.
pub fn run(args: &[String]) -> Result<()> {
    let filters: Vec<String> = args.iter().filter(|arg| *arg != USER_FLAG).cloned().collect();
    if let Some(flag) = filters.iter().find(|arg| arg.starts_with('-')) {
        return Err(format!("no such flag: `{flag}`"));
    }
    let world = world::start(packages::TEST, Profile::Dev)?;
    if filters.len() < args.len() && shell::is_root() {
        return case::close(hand_over(&user::ensure()?, &filters, &world.around)?);
    }
    case::close(run_all(&filters, &world.around)?)
}

/// The hidden chore: as `run`, in a world that another process made.
pub fn run_prepared(filters: &[String]) -> Result<()> {
    let (around, dir) = case::taken_over()?;
    case::close(run_checks(&find(&dir, filters)?, &around))
}

/// Runs the checks in whose name one of the filters is; all if there are none.
pub fn run_all(filters: &[String], around: &Around) -> Result<Count> {
    let start = Instant::now();
    let count = run_checks(&find(&place::root().join(DIR), filters)?, around);
    shell::say(&format!("compared with buildah in {:.0} s", start.elapsed().as_secs_f32()));
    Ok(count)
}

/// Runs some of the checks in a process of `user`.
pub fn run_as(user: &User, around: &Around) -> Result<Count> {
    hand_over(user, &AS_USER.map(String::from), around)
}

fn hand_over(user: &User, filters: &[String], around: &Around) -> Result<Count> {
    case::hand_over(user, ("__oracle", DIR), filters, around)
}

fn run_checks(checks: &[Check], around: &Around) -> Count {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Count::default());
    std::thread::scope(|scope| {
        for number in 0..AT_ONCE.min(checks.len()) {
            let (next, total) = (&next, &total);
            scope.spawn(move || {
                let count = work(next, checks, &Storage::new(number, around));
                *total.lock().expect("no thread panics") += count;
            });
        }
    });
    total.into_inner().expect("no thread panics")
}

fn work(next: &AtomicUsize, checks: &[Check], storage: &Storage) -> Count {
    let mut count = Count::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(check) = checks.get(number) else { return count };
        count += Count::of(&format!("as buildah: {}", check.name), check.run(number, storage));
    }
}

fn find(dir: &Path, filters: &[String]) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for case in case::find(dir, &[])? {
        checks.extend(check::of(case)?);
    }
    checks.retain(|check| filters.is_empty() || filters.iter().any(|f| check.name.contains(f.as_str())));
    if checks.is_empty() { Err(format!("no check is named so: `{}`", filters.join(" "))) } else { Ok(checks) }
}
