//! User and group names to numbers, by the `/etc/passwd` and `/etc/group` of an image.
//!
//! Two instructions, two sets of rules: [`chown`] is for `--chown` and `WORKDIR`, where a lone number
//! names the group too; [`run_user`] is for the process of a `RUN`, where the group comes from the files.

use std::io;

use crate::view::View;

/// Who owns a copied file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Names that the image doesn't know. An unknown user counts as root; Docker doesn't tell.
    pub unknown: Vec<String>,
}

/// Who a process runs as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// What `HOME` is unless it is set.
    pub home: String,
}

/// Its number is 0 also where no file says so.
const ROOT: &str = "root";

struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// The owner that `spec` means: `user`, `user:group`, by name or number.
pub fn chown(spec: &str, view: &View) -> io::Result<Owner> {
    let (user, group) = halves(spec);
    let mut owner = Owner::default();
    match number(user) {
        Some(id) => (owner.uid, owner.gid) = (id, id),
        None => match accounts(view)?.into_iter().find(|account| account.name == user) {
            Some(account) => (owner.uid, owner.gid) = (account.uid, account.gid),
            None => owner.unknown.extend(not_root(user)),
        },
    }
    let Some(group) = group else { return Ok(owner) };
    match number(group) {
        Some(id) => owner.gid = id,
        None => match groups(view)?.into_iter().find(|known| known.name == group) {
            Some(known) => owner.gid = known.gid,
            None if group == ROOT => owner.gid = 0,
            // Docker leaves it as the user has it.
            None => owner.unknown.push(group.to_owned()),
        },
    }
    Ok(owner)
}

/// The user that a process of `USER spec` runs as.
pub fn run_user(spec: &str, view: &View) -> io::Result<User> {
    let (user, group) = halves(if spec.is_empty() { "0" } else { spec });
    let accounts = accounts(view)?;
    let account = match number(user) {
        Some(id) => accounts.iter().find(|account| account.uid == id),
        None => accounts.iter().find(|account| account.name == user),
    };
    let uid = match account {
        Some(account) => account.uid,
        None => number_or_root(user).ok_or_else(|| unknown("user", user, "passwd"))?,
    };
    let (gid, groups) = match group {
        Some(group) => (run_group(group, view)?, Vec::new()),
        None => (account.map_or(0, |account| account.gid), memberships(account, view)?),
    };
    let home = account.map_or("", |account| &account.home);
    let home = if home.is_empty() { "/" } else { home }.to_owned();
    Ok(User { uid, gid, groups, home })
}

fn run_group(group: &str, view: &View) -> io::Result<u32> {
    if let Some(id) = number(group) {
        return Ok(id);
    }
    let known = groups(view)?.into_iter().find(|known| known.name == group).map(|known| known.gid);
    known.or_else(|| number_or_root(group)).ok_or_else(|| unknown("group", group, "group"))
}

/// The groups whose lines name the account.
fn memberships(account: Option<&Account>, view: &View) -> io::Result<Vec<u32>> {
    let Some(account) = account else { return Ok(Vec::new()) };
    let groups = groups(view)?.into_iter().filter(|group| group.members.contains(&account.name));
    Ok(groups.map(|group| group.gid).collect())
}

fn unknown(what: &str, name: &str, file: &str) -> io::Error {
    let text = format!("unable to find {what} {name}: no matching entries in {file} file");
    io::Error::new(io::ErrorKind::NotFound, text)
}

/// `user:group`, where a missing group is none and an empty user is root.
fn halves(spec: &str) -> (&str, Option<&str>) {
    let (user, group) = match spec.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (spec, None),
    };
    (if user.is_empty() { "0" } else { user }, group)
}

/// An unknown name, unless it is the one that every image has, files or not.
fn not_root(name: &str) -> Option<String> {
    (name != ROOT).then(|| name.to_owned())
}

fn number_or_root(text: &str) -> Option<u32> {
    if text == ROOT { Some(0) } else { number(text) }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn accounts(view: &View) -> io::Result<Vec<Account>> {
    Ok(lines(view, b"etc/passwd")?.iter().filter_map(|line| account(line)).collect())
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let (uid, gid) = (number(fields.nth(1)?)?, number(fields.next()?)?);
    Some(Account { name, uid, gid, home: fields.nth(1).unwrap_or_default().to_owned() })
}

fn groups(view: &View) -> io::Result<Vec<Group>> {
    Ok(lines(view, b"etc/group")?.iter().filter_map(|line| group(line)).collect())
}

fn group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let gid = number(fields.nth(1)?)?;
    let members = fields.next().unwrap_or_default().split(',').filter(|name| !name.is_empty());
    Some(Group { name, gid, members: members.map(str::to_owned).collect() })
}

fn lines(view: &View, path: &[u8]) -> io::Result<Vec<String>> {
    let bytes = view.read(path)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(|line| line.trim().to_owned()).collect())
}
