//! Two keys to the parts in which they differ.

use std::collections::{BTreeMap, BTreeSet};

use store::builds::Step;

use super::{Kind, Reason, short};

/// The parts of two steps' keys that differ, as reasons. What is told file by file is left out: the content of COPY and
/// of mounted folders.
pub fn differences(was: &Step, now: &Step) -> Vec<Reason> {
    let (old, new) = (parts(was), parts(now));
    let mut reasons: Vec<Reason> = Vec::new();
    for name in changed(&old, &new) {
        let reason = of(name, was, now).map(|reason| reason.between(digest(&old, name), digest(&new, name)));
        reasons.extend(reason);
    }
    reasons
}

/// Mounted folders with other files than before.
pub fn contents_of_mounts(was: &Step, now: &Step) -> Vec<Reason> {
    let (old, new) = (parts(was), parts(now));
    let contents = changed(&old, &new).into_iter().filter(|name| is_content_of_mount(name));
    contents
        .filter_map(|name| {
            let path = mount_place(name, was, now)?;
            Some(Reason::at(Kind::Mount, path).between(digest(&old, name), digest(&new, name)))
        })
        .collect()
}

/// Whether nobody can see if the step uses the network: it runs without the filter that tells of it.
pub fn hides_network(step: &Step) -> bool {
    let is = |name: &str, value: &str| {
        parts(step).get(name) == Some(&short(blake3::hash(value.as_bytes()).to_hex().as_str()).as_str())
    };
    is("security", "insecure") && !is("network", "none")
}

type Parts<'a> = BTreeMap<&'a str, &'a str>;

fn parts(step: &Step) -> Parts<'_> {
    step.key.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn changed<'a>(old: &Parts<'a>, new: &Parts<'a>) -> Vec<&'a str> {
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names.into_iter().filter(|name| old.get(name) != new.get(name)).collect()
}

fn digest(parts: &Parts, name: &str) -> Option<String> {
    parts.get(name).map(|value| short(value))
}

fn is_content_of_mount(name: &str) -> bool {
    name.starts_with("mount.") && name.ends_with(".content")
}

/// What a part is about.
fn of(name: &str, was: &Step, now: &Step) -> Option<Reason> {
    let (kind, rest) = name.split_once('.').unwrap_or((name, ""));
    Some(match kind {
        "arg" => Reason::named(Kind::Arg, rest),
        "env" => Reason::named(Kind::Env, rest),
        "host" => Reason::named(Kind::Env, format!("host {rest}")),
        "mount" if is_content_of_mount(name) => return None,
        "mount" => Reason::at(Kind::Mount, mount_place(name, was, now)?),
        "script" => Reason::named(Kind::Command, "script"),
        "inline" => Reason::named(Kind::Command, format!("<<{rest}")),
        "content" | "from" => return None,
        _ => Reason::named(Kind::Command, kind),
    })
}

/// Where the mount is that `mount.N` and what follows it is about.
fn mount_place(name: &str, was: &Step, now: &Step) -> Option<String> {
    let number: usize = name.split('.').nth(1)?.parse().ok()?;
    let mount = now.mounts.get(number).or(was.mounts.get(number));
    mount.map(|mount| mount.place.clone())
}
