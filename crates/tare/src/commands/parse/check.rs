//! What is wrong with a Dockerfile beyond its lines' syntax, as far as it can be told without its images.
//!
//! Whole-file mistakes: no stage, names of stages that don't fit, images that are none. And words that no
//! value of a variable could make right: an open `${`, a mount of an unknown type, a port that is none.

use std::borrow::Cow;
use std::collections::HashSet;

use dockerfile::expand::{Mode, Vars, expand};
use dockerfile::instruction::{Instruction, Kind};
use dockerfile::{Chmod, Diagnostic, Dockerfile, Mount, Stages, expose};
use plan::Options;

/// The one mistake that `dockerfile::parse` reports and that is no line's own.
const STRAY: &str = "no build stage in current context";

/// The mistakes that are a line's own.
pub fn syntax(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.into_iter().filter(|problem| problem.message != STRAY).collect()
}

/// All mistakes, by line. Where lines can't be read, what they mean together isn't asked.
pub fn all(dockerfile: &Dockerfile, read: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut problems = if read.is_empty() { stages(dockerfile) } else { read };
    let escape = dockerfile.directives.escape;
    for instruction in &dockerfile.instructions {
        problems.extend(words(instruction, escape).into_iter().map(|message| at(instruction, message)));
    }
    // Each stage complains about those it needs, too.
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert((problem.line, problem.message.clone())));
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// Every stage is asked as if it were the target, so that a stage nobody needs today is read as well. From the last one
/// on: where nothing is wrong with a stage, nothing is with those that it is built from.
fn stages(dockerfile: &Dockerfile) -> Vec<Diagnostic> {
    let stages = match dockerfile::stages(dockerfile) {
        Ok(stages) => stages,
        Err(problems) => return problems,
    };
    let mut sound = vec![false; stages.stages.len()];
    let mut problems = Vec::new();
    for index in (0..sound.len()).rev() {
        let options = Options { target: Some(index.to_string()), ..Options::here() };
        if sound[index] {
            continue;
        }
        match plan::wants(dockerfile, &stages, &options) {
            Ok(_) => mark(&stages, index, &mut sound),
            Err(problem) => problems.push(problem),
        }
    }
    problems.reverse();
    problems
}

fn mark(stages: &Stages, mut index: usize, sound: &mut [bool]) {
    while !sound[index] {
        sound[index] = true;
        let Some(parent) = stages.base(&stages.stages[index].from.image, index) else { return };
        index = parent;
    }
}

fn at(instruction: &Instruction, message: String) -> Diagnostic {
    let Instruction { line, end_line, span, .. } = *instruction;
    Diagnostic { line, end_line, span, message, help: None }
}

/// Every variable has a value here: whether `${a:?}` fails is the build's to say.
struct AllSet;

impl Vars for AllSet {
    fn get(&self, _: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("x"))
    }
}

fn words(instruction: &Instruction, escape: char) -> Vec<String> {
    let mut out: Vec<String> = expandable(&instruction.kind)
        .into_iter()
        .filter_map(|word| expand(word, escape, &AllSet, Mode::WORD).err())
        .map(|e| e.to_string())
        .collect();
    match &instruction.kind {
        Kind::Run(run) => out.extend(run.flags.mounts.iter().filter_map(|value| mount(value, escape))),
        Kind::Expose(ports) => out.extend(ports.iter().filter_map(|port| port_problem(port, escape))),
        Kind::Copy(copy) => out.extend(copy.flags.chmod.iter().filter_map(|mode| chmod(mode, escape))),
        Kind::Add(add) => out.extend(add.flags.chmod.iter().filter_map(|mode| chmod(mode, escape))),
        Kind::Onbuild(trigger) => return words(trigger, escape),
        _ => {}
    }
    out
}

fn mount(value: &str, escape: char) -> Option<String> {
    // With a variable in it, only the build can tell.
    let is_final = !value.contains('$');
    let plain =
        |field: &str| expand(field, escape, &(), Mode::WORD).map(|e| e.text).map_err(|e| e.to_string());
    is_final.then(|| Mount::parse_with(value, plain).err()).flatten().map(|problem| problem.message)
}

fn port_problem(word: &str, escape: char) -> Option<String> {
    expose::parse(&final_text(word, escape)?).err()
}

fn chmod(word: &str, escape: char) -> Option<String> {
    Chmod::parse(&final_text(word, escape)?).err()
}

/// The word without its quotes, unless a variable in it leaves it to the build.
fn final_text(word: &str, escape: char) -> Option<String> {
    let expanded = (!word.contains('$')).then(|| expand(word, escape, &(), Mode::WORD).ok());
    expanded.flatten().map(|expanded| expanded.text)
}

/// The words whose variables are filled in.
fn expandable(kind: &Kind) -> Vec<&String> {
    match kind {
        Kind::From(from) => [&from.image].into_iter().chain(&from.platform).collect(),
        Kind::Copy(copy) => {
            let words = copy.sources.iter().chain([&copy.dest]);
            words.chain(&copy.flags.chown).chain(&copy.flags.chmod).collect()
        }
        Kind::Add(add) => {
            let words = add.sources.iter().chain([&add.dest]);
            words.chain(&add.flags.chown).chain(&add.flags.chmod).chain(&add.flags.checksum).collect()
        }
        Kind::Env(pairs) | Kind::Label(pairs) => {
            pairs.iter().flat_map(|pair| [&pair.key, &pair.value]).collect()
        }
        Kind::Arg(declared) => declared.iter().filter_map(|arg| arg.default.as_ref()).collect(),
        Kind::Workdir(word) | Kind::User(word) | Kind::Stopsignal(word) => vec![word],
        Kind::Expose(words) | Kind::Volume(words) => words.iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<u32> {
        let (dockerfile, problems) = dockerfile::parse(text.as_bytes());
        all(&dockerfile, problems).iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn a_sound_file_has_no_mistakes() {
        let text = "ARG V=1\nFROM a:$V AS b\nFROM b\nARG X\nCOPY --from=b $X ${X:?no} /x/\nENV A=${X:-y}\nEXPOSE \"80\" $X\n";
        assert_eq!(lines(text), [0; 0]);
    }

    #[test]
    fn names_of_stages_are_checked_in_every_stage() {
        let text = "FROM scratch AS a\nCOPY --from=b x /\nFROM scratch AS b\nCOPY --from=7 x /\nFROM scratch\nCOPY --from=2 x /\n";
        assert_eq!(lines(text), [2, 4, 6]);
    }

    #[test]
    fn a_long_chain_of_stages_is_asked_once() {
        let steps = |links: usize| {
            let link = |i: usize| format!("FROM s{i} AS s{}\nLABEL a{i}=1\n", i + 1);
            let text: String = (0..links).map(link).collect();
            let before = dockerfile::steps::taken();
            assert_eq!(lines(&format!("FROM scratch AS s0\n{text}")), [0; 0]);
            dockerfile::steps::taken() - before
        };
        let (once, twice) = (steps(1000), steps(2000));
        assert!(twice < 3 * once, "{once} {twice}");
    }

    #[test]
    fn mounts_words_and_modes_are_checked() {
        let text = "FROM scratch\nRUN --mount=type=nosuch true\nRUN --mount=type=$T true\nENV A=${b\nEXPOSE 99999999\nCOPY --chmod=9 a b\nONBUILD ENV A=${b\n";
        assert_eq!(lines(text), [2, 4, 5, 6, 7]);
    }

    #[test]
    fn a_file_without_stage_is_no_mistake_of_a_line() {
        let (dockerfile, problems) = dockerfile::parse(b"RUN true\n");
        assert_eq!(dockerfile.instructions.len(), 1);
        assert_eq!(syntax(problems.clone()), []);
        assert_eq!(all(&dockerfile, problems).len(), 1);
        assert_eq!(lines("ARG a\n"), [1]);
    }
}
