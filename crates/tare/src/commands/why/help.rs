//! The commonest surprises to what can be done about them.

use engine::why::{Explained, Kind, Outcome, Reason};
use store::builds::{Kind as Op, Step};

/// What to do about a step's reasons.
pub fn of(step: &Step, explained: &Explained) -> Vec<String> {
    let helps = [git, env_file, umask, argument, tag, secret, network, build_id, chance];
    helps.iter().filter_map(|help| help(step, explained)).collect()
}

/// What else there is to say of a step that was asked about by itself.
pub fn of_one(step: &Step, explained: &Explained) -> Vec<String> {
    let cached =
        explained.outcome == Outcome::Reused && step.mounts.iter().any(|mount| mount.kind == "cache");
    let cache =
        || format!("what is in a cache counts for nothing: --no-cache-filter {} runs it again", step.stage);
    cached.then(cache).into_iter().collect()
}

/// Whether some path has a name in it.
fn any_path(explained: &Explained, fits: impl Fn(&str) -> bool) -> bool {
    let paths = explained.reasons.iter().filter_map(|reason| reason.path.as_deref());
    explained.outcome != Outcome::Reused && paths.flat_map(|path| path.split('/')).any(fits)
}

fn git(_: &Step, explained: &Explained) -> Option<String> {
    any_path(explained, |name| name == ".git")
        .then(|| "`.git` changes with every commit: name it in .dockerignore".to_owned())
}

fn env_file(_: &Step, explained: &Explained) -> Option<String> {
    let is_template = |kind: &str| matches!(kind, "example" | "sample" | "template" | "dist");
    let has_values = |name: &str| name.strip_prefix(".env.").is_some_and(|kind| !is_template(kind));
    any_path(explained, |name| name == ".env" || has_values(name))
        .then(|| "a .env file belongs to the place where an image runs: name it in .dockerignore".to_owned())
}

/// 644 to 664, and nothing else.
fn umask(step: &Step, explained: &Explained) -> Option<String> {
    let is_umask = |reason: &Reason| reason.kind == Kind::Mode && differs_in_others(reason);
    let only =
        step.kind == Op::Copy && !explained.reasons.is_empty() && explained.reasons.iter().all(is_umask);
    only.then(|| {
        "a checkout's modes come from the umask, git keeps only who may execute: COPY --chmod sets them"
            .to_owned()
    })
}

fn differs_in_others(reason: &Reason) -> bool {
    let mode = |side: &Option<String>| u32::from_str_radix(side.as_deref()?, 8).ok();
    let Some((was, now)) = mode(&reason.was).zip(mode(&reason.now)) else { return false };
    (was ^ now) & !0o077 == 0
}

/// An argument that a step has only because it is declared above.
fn argument(step: &Step, explained: &Explained) -> Option<String> {
    let args = explained.reasons.iter().filter(|reason| reason.kind == Kind::Arg);
    let unused = |name: &&str| !step.instruction.contains(*name);
    let name = args.filter_map(|reason| reason.name.as_deref()).find(unused)?;
    Some(format!("it doesn't mention {name}: unless a program of it asks for that, declare the ARG below it"))
}

fn tag(step: &Step, explained: &Explained) -> Option<String> {
    let base = step.base.as_ref().filter(|base| !base.name.contains('@'))?;
    let moved = explained.reasons.iter().any(|reason| reason.kind == Kind::Base && reason.was.is_some());
    moved.then(|| format!("a tag can come to mean another image; FROM {}@{} can't", base.name, base.manifest))
}

fn secret(step: &Step, explained: &Explained) -> Option<String> {
    let secret = step.mounts.iter().find(|mount| mount.kind == "secret")?;
    (explained.outcome == Outcome::Reused).then(|| {
        format!(
            "a secret's value counts for nothing: if `{}` has another, --no-cache-filter {} runs it again",
            secret.place, step.stage
        )
    })
}

fn build_id(_: &Step, explained: &Explained) -> Option<String> {
    let path = explained.same_but_id.as_ref()?;
    Some(format!(
        "{path} differs from before by Go's build id alone; with -ldflags=-buildid= it would be the same"
    ))
}

fn network(_: &Step, explained: &Explained) -> Option<String> {
    let reason = explained.reasons.iter().find(|reason| reason.kind == Kind::Network)?;
    let help = match reason.name {
        None => "download in a step before, and give this one --network=none: then it goes by what it reads",
        Some(_) => "with --network=none besides --security=insecure it goes by what it reads",
    };
    Some(help.to_owned())
}

fn chance(_: &Step, explained: &Explained) -> Option<String> {
    explained.reasons.iter().any(|reason| reason.kind == Kind::Nondeterministic).then(|| {
        "it goes by the clock, by chance or by what is elsewhere: whoever reuses it gets what one of its runs made"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_umask_changes_what_group_and_others_may() {
        let reason = |was: &str, now: &str| Reason {
            was: Some(was.to_owned()),
            now: Some(now.to_owned()),
            ..Reason::of(Kind::Mode)
        };
        for (was, now, yes) in
            [("644", "664", true), ("755", "700", true), ("644", "755", false), ("0:0", "1:1", false)]
        {
            assert_eq!(differs_in_others(&reason(was, now)), yes, "{was} {now}");
        }
    }
}
