//! Edits of a context and its Dockerfile, as people and programs make them.

use super::dice::Dice;
use super::files::{self, FIXED, File, Files, Pool};
use super::program::{Program, What};

/// A context and its Dockerfile.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// The context.
    pub files: Files,
    /// The Dockerfile.
    pub program: Program,
}

/// An edit's name, and the edit; it says whether it found something to do.
type Edit = (&'static str, fn(&mut Dice, &Pool, &mut State) -> bool);

const EDITS: &[Edit] = &[
    ("change bytes", change_bytes),
    ("change bytes", change_bytes),
    ("same size", same_size),
    ("same size and time", same_size_and_time),
    ("only the time", only_time),
    ("mode", mode),
    ("rename", rename),
    ("add", add),
    ("add", add),
    ("add a directory", add_dir),
    ("remove", remove),
    ("directory or not", dir_or_not),
    ("link elsewhere", link_elsewhere),
    ("link to the same bytes", link_to_same),
    ("swap two files", swap),
    ("target of a dangling link", dangling),
    ("empty a file", empty),
    ("copy over", copy_over),
    ("swap two RUNs", swap_runs),
    ("comment", comment),
];

/// Makes one or two, and names them. `earlier` are the states so far.
pub fn edit(dice: &mut Dice, pool: &Pool, earlier: &[State]) -> (String, State) {
    let mut state = earlier.last().expect("there is a first one").clone();
    if earlier.len() > 1 && dice.percent(15) {
        return ("an earlier state".to_owned(), dice.pick(&earlier[..earlier.len() - 1]).clone());
    }
    let mut name = one(dice, pool, &mut state).to_owned();
    if dice.percent(25) {
        name = format!("{name}, {}", one(dice, pool, &mut state));
    }
    (name, state)
}

fn one(dice: &mut Dice, pool: &Pool, state: &mut State) -> &'static str {
    loop {
        let (name, edit) = dice.pick(EDITS);
        let before = state.clone();
        if edit(dice, pool, state) && *state != before {
            return name;
        }
        *state = before;
    }
}

fn plain(dice: &mut Dice, files: &Files) -> Option<String> {
    paths(dice, files, |file| matches!(file, File::Plain { .. }))
}

/// A path that no Dockerfile names.
fn movable(dice: &mut Dice, files: &Files) -> Option<String> {
    let paths: Vec<String> = files.keys().filter(|path| !FIXED.contains(&path.as_str())).cloned().collect();
    dice.choose(&paths)
}

fn paths(dice: &mut Dice, files: &Files, which: impl Fn(&File) -> bool) -> Option<String> {
    let paths: Vec<String> =
        files.iter().filter(|(_, file)| which(file)).map(|(path, _)| path.clone()).collect();
    dice.choose(&paths)
}

/// Changes some file's text; with its time, unless `keep` says so.
fn change(dice: &mut Dice, state: &mut State, keep: bool, text: impl Fn(&mut Dice, &str) -> String) -> bool {
    let Some(path) = plain(dice, &state.files) else { return false };
    let Some(File::Plain { text: old, time, .. }) = state.files.get_mut(&path) else { return false };
    *old = text(dice, old);
    if !keep {
        *time = files::time(dice);
    }
    true
}

fn change_bytes(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    change(dice, state, false, |dice, old| match dice.below(3) {
        0 => format!("{old}gamma\n"),
        1 => old.lines().skip(1).map(|line| format!("{line}\n")).collect(),
        _ => files::lines(dice, 5),
    })
}

fn same_size(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    change(dice, state, false, |_, old| rotated(old))
}

fn same_size_and_time(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    change(dice, state, true, |_, old| rotated(old))
}

/// Other bytes, as many; what runs goes on running.
fn rotated(text: &str) -> String {
    let turn = |c: char| match c {
        'a' => 'e',
        'e' => 'o',
        'o' => 'a',
        other => other,
    };
    let (head, rest) =
        if text.starts_with("#!") { text.split_at(text.find('\n').unwrap_or(0)) } else { ("", text) };
    format!("{head}{}", rest.chars().map(turn).collect::<String>())
}

fn only_time(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    change(dice, state, false, |_, old| old.to_owned())
}

fn empty(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    change(dice, state, false, |_, _| String::new())
}

fn mode(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    let Some(path) = paths(dice, &state.files, |file| !matches!(file, File::Link(_))) else { return false };
    match state.files.get_mut(&path) {
        Some(File::Dir(mode)) => *mode = *dice.pick(&[0o755, 0o700, 0o775, 0o711, 0o750]),
        Some(File::Plain { mode, .. }) => *mode = *dice.pick(&[0o644, 0o600, 0o755, 0o700, 0o444, 0o4755]),
        _ => return false,
    }
    true
}

fn rename(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let Some(from) = movable(dice, &state.files) else { return false };
    let to = pool.any(dice);
    if FIXED.contains(&to.as_str())
        || to.starts_with(&format!("{from}/"))
        || from.starts_with(&format!("{to}/"))
    {
        return false;
    }
    let moved = files::remove(&mut state.files, &from);
    files::remove(&mut state.files, &to);
    moved.into_iter().all(|(path, file)| {
        let path = format!("{to}{}", &path[from.len()..]);
        files::put(&mut state.files, &path, file)
    })
}

fn add(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let (path, file) = (dice.pick(&pool.names).clone(), pool.file(dice));
    !state.files.contains_key(&path) && files::put(&mut state.files, &path, file)
}

fn add_dir(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let path = pool.any(dice);
    !state.files.contains_key(&path) && files::put(&mut state.files, &path, File::Dir(0o755))
}

fn remove(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    movable(dice, &state.files).is_some_and(|path| !files::remove(&mut state.files, &path).is_empty())
}

fn dir_or_not(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let Some(path) = movable(dice, &state.files) else { return false };
    match files::remove(&mut state.files, &path).remove(&path) {
        Some(File::Dir(_)) => {
            let file = pool.file(dice);
            files::put(&mut state.files, &path, file)
        }
        _ => {
            let (below, file) = (files::join(&path, "x"), pool.file(dice));
            files::put(&mut state.files, &below, file)
        }
    }
}

fn link_elsewhere(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let Some(path) = paths(dice, &state.files, |file| matches!(file, File::Link(_))) else { return false };
    state.files.insert(path, File::Link(pool.target(dice)));
    true
}

/// A file moves, and leaves a link to it behind.
fn link_to_same(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    let Some(path) = plain(dice, &state.files) else { return false };
    let (to, name) = (format!("{path}.real"), path.rsplit('/').next().unwrap_or_default());
    let link = File::Link(format!("{name}.real"));
    let Some(file) = state.files.insert(path.clone(), link) else { return false };
    files::put(&mut state.files, &to, file)
}

fn swap(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    let (one, other) = (plain(dice, &state.files), plain(dice, &state.files));
    let Some((one, other)) = one.zip(other) else { return false };
    let (a, b) = (state.files[&one].clone(), state.files[&other].clone());
    state.files.insert(one, b);
    state.files.insert(other, a);
    true
}

fn dangling(dice: &mut Dice, pool: &Pool, state: &mut State) -> bool {
    let target = |(path, file): (&String, &File)| {
        let File::Link(to) = file else { return None };
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let above = dir.rsplit_once('/').map_or("", |(dir, _)| dir);
        let to = match to.strip_prefix("../") {
            Some(rest) => files::join(above, rest),
            None => to.strip_prefix("/src/").map_or_else(|| files::join(dir, to), str::to_owned),
        };
        (!to.starts_with('/') && !to.contains("//") && !state.files.contains_key(&to)).then_some(to)
    };
    let targets: Vec<String> = state.files.iter().filter_map(target).collect();
    let Some(target) = dice.choose(&targets) else { return false };
    let file = pool.file(dice);
    files::put(&mut state.files, &target, file)
}

fn copy_over(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    let (from, to) = (plain(dice, &state.files), movable(dice, &state.files));
    let Some((from, to)) = from.zip(to) else { return false };
    let file = state.files[&from].clone();
    files::put(&mut state.files, &to, file)
}

fn swap_runs(dice: &mut Dice, _: &Pool, state: &mut State) -> bool {
    let is_run = |at: &crate::chaos::program::Step| matches!(at.what, What::Run(..));
    let mut places = Vec::new();
    for (s, stage) in state.program.stages.iter().enumerate() {
        let pairs = stage.steps.windows(2).enumerate().filter(|(_, pair)| pair.iter().all(is_run));
        places.extend(pairs.map(|(at, _)| (s, at)));
    }
    let Some((stage, at)) = dice.choose(&places) else { return false };
    state.program.stages[stage].steps.swap(at, at + 1);
    true
}

fn comment(_: &mut Dice, _: &Pool, state: &mut State) -> bool {
    state.program.comment += 1;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::program;

    #[test]
    fn files_stay_a_tree_and_what_is_named_stays() {
        let mut dice = Dice::new(5);
        let pool = Pool::new(&mut dice);
        let files = pool.files(&mut dice);
        let mut states = vec![State { files, program: program::invent(&mut dice, &pool) }];
        for _ in 0..300 {
            let (name, state) = edit(&mut dice, &pool, &states);
            for path in state.files.keys() {
                let above = path.rsplit_once('/').map(|(dir, _)| dir);
                assert!(
                    above.is_none_or(|dir| matches!(state.files.get(dir), Some(File::Dir(_)))),
                    "{name}: {path}"
                );
            }
            assert!(FIXED.iter().all(|dir| matches!(state.files.get(*dir), Some(File::Dir(_)))), "{name}");
            states.push(state);
        }
    }
}
