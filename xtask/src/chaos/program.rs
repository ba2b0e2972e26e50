//! An invented Dockerfile: stages that see parts of a context in every way there is, and run scripts in them.
//!
//! All instructions have a number, so that they are the same ones whatever is taken out or swapped around them.

use super::dice::Dice;
use super::files::{FIXED, Pool};
use super::script;
use std::fmt::Write as _;

/// A Dockerfile.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    /// Stands in a comment.
    pub comment: usize,
    /// All but the last stage, which takes what they made.
    pub stages: Vec<Stage>,
}

/// A stage.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// What it starts from.
    pub base: String,
    /// What is done in it.
    pub steps: Vec<Step>,
}

/// An instruction.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Its number.
    pub id: usize,
    /// What it says.
    pub what: What,
}

/// What an instruction says.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// Itself, as it stands.
    Plain(String),
    /// RUN with flags and a script.
    Run(String, Vec<String>),
}

/// Starts from busybox, and has a folder that everybody may write to.
pub const BASE: &str = "base";

const IMAGE: &str = "busybox";

/// Invents one.
pub fn invent(dice: &mut Dice, pool: &Pool) -> Program {
    let mut inventor = Inventor { dice, pool, last: 0 };
    let mut stages = vec![inventor.base()];
    for number in 0..inventor.dice.range(28, 44) {
        let stage = inventor.stage(number, &stages);
        stages.push(stage);
    }
    Program { comment: 0, stages }
}

struct Inventor<'a> {
    dice: &'a mut Dice,
    pool: &'a Pool,
    last: usize,
}

impl Inventor<'_> {
    fn base(&mut self) -> Stage {
        let steps = vec![self.plain("RUN mkdir -m 1777 /out")];
        Stage { name: BASE.to_owned(), base: IMAGE.to_owned(), steps }
    }

    fn stage(&mut self, number: usize, before: &[Stage]) -> Stage {
        let name = format!("s{number}");
        let mut steps = Vec::new();
        let stacked = before.len() > 3 && self.dice.percent(12);
        let base = if stacked { self.dice.pick(&before[1..]).name.clone() } else { self.first_base() };
        if base == IMAGE {
            steps.push(self.plain("RUN mkdir /out"));
        }
        steps.push(self.plain("WORKDIR /src"));
        if !stacked {
            steps.extend(self.copies());
            steps.push(self.mounting());
        }
        for _ in 0..*self.dice.pick(&[0, 1, 1, 2, 2, 3]) {
            steps.extend(self.between(&before[1..]));
            steps.push(self.run(""));
        }
        Stage { name, base, steps }
    }

    fn first_base(&mut self) -> String {
        if self.dice.percent(25) { IMAGE.to_owned() } else { BASE.to_owned() }
    }

    fn copies(&mut self) -> Vec<Step> {
        let fixed = *self.dice.pick(&FIXED);
        let texts: Vec<String> = match self.dice.below(12) {
            0 => vec![format!("COPY {fixed} {fixed}/")],
            1 => vec!["COPY a a/".into(), "COPY b b/".into()],
            2 => vec![format!("COPY {fixed} ./")],
            3 => vec!["COPY . .".into(), format!("COPY {fixed} {fixed}")],
            4 => vec!["COPY --chmod=755 . .".into()],
            5 => vec!["COPY --chown=5:6 . .".into()],
            6 => vec!["COPY --chown=1000:1000 --chmod=750 a a".into()],
            7 => return Vec::new(),
            8 => vec!["COPY --link . /src/".into()],
            9 => vec!["COPY a a".into(), "COPY . .".into()],
            _ => vec!["COPY . .".into()],
        };
        texts.iter().map(|text| self.plain(text)).collect()
    }

    /// A RUN that sees what is copied, and the context besides. Once scripts have changed things a mount may find
    /// a file in its way.
    fn mounting(&mut self) -> Step {
        let flags = match self.dice.below(16) {
            0 => "--mount=type=bind,target=/src ".to_owned(),
            1 => format!("--mount=type=bind,source={0},target=/src/{0} ", self.dice.pick(&FIXED)),
            2 => "--mount=type=bind,target=/src,rw ".to_owned(),
            3 => "--mount=type=tmpfs,target=/src/n1/t ".to_owned(),
            4 => "--network=none ".to_owned(),
            _ => String::new(),
        };
        self.run(&flags)
    }

    /// What stands before a RUN, sometimes. Where it puts something, no script has been before.
    fn between(&mut self, before: &[Stage]) -> Option<Step> {
        let id = self.last;
        let text = match self.dice.below(24) {
            0 => "ENV WORD=alpha".into(),
            1 => format!("WORKDIR /src/w{id}"),
            2 => "WORKDIR /src".into(),
            3 => "USER 1000:1000".into(),
            4 => "USER nobody".into(),
            5 => "USER 0".into(),
            6 => format!("COPY {} ./more{id}/", self.dice.pick(&FIXED)),
            7 if !before.is_empty() => {
                format!("COPY --from={} /out ./from{id}/", self.dice.pick(before).name)
            }
            8 => "LABEL a=b".into(),
            9 => format!("COPY --from={IMAGE} /etc/passwd ./x{id}"),
            10 => format!("COPY . ./more{id}/"),
            _ => return None,
        };
        Some(self.plain(&text))
    }

    fn run(&mut self, flags: &str) -> Step {
        let lines = script::lines(self.dice, self.pool);
        self.step(What::Run(flags.to_owned(), lines))
    }

    fn plain(&mut self, text: &str) -> Step {
        self.step(What::Plain(text.to_owned()))
    }

    fn step(&mut self, what: What) -> Step {
        self.last += 1;
        Step { id: self.last, what }
    }
}

impl Program {
    /// The Dockerfile.
    pub fn text(&self) -> String {
        let mut out = format!("# {}\n", self.comment);
        for stage in &self.stages {
            writeln!(out, "FROM {} AS {}", stage.base, stage.name).expect("a String takes it");
            stage.steps.iter().for_each(|step| out += &step.text(&stage.name));
        }
        out += "FROM scratch\n";
        for Stage { name, .. } in &self.stages {
            writeln!(out, "COPY --from={name} /out /{name}").expect("a String takes it");
        }
        out
    }

    /// How many scripts there are.
    pub fn scripts(&self) -> usize {
        let steps = self.stages.iter().flat_map(|stage| &stage.steps);
        steps.filter(|step| matches!(step.what, What::Run(..))).count()
    }
}

impl Step {
    fn text(&self, stage: &str) -> String {
        let (flags, lines) = match &self.what {
            What::Plain(text) => return format!("{text}\n"),
            What::Run(flags, lines) => (flags, lines),
        };
        // In brackets of its own a line may fail, even where a failure ends the shell.
        let lines: String = lines.iter().map(|line| format!("( {line} )\n")).collect();
        // The first line is what records call the step, so it has the number.
        let (id, head) = (self.id, script::HEAD);
        format!(
            "RUN {flags}<<'E{id}'\n{head}\n{{\n{lines}}} >/out/{stage}-{id} 2>&1 </dev/null\nexit 0\nE{id}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_the_last_one() {
        let run = Step { id: 2, what: What::Run("--network=none ".into(), vec!["ls".into()]) };
        let copy = Step { id: 1, what: What::Plain("COPY . .".into()) };
        let stage = Stage { name: "s0".into(), base: "busybox".into(), steps: vec![copy, run] };
        let text = Program { comment: 3, stages: vec![stage] }.text();
        let (head, rest) = text.split_once(script::HEAD).expect("it is there");
        assert_eq!(head, "# 3\nFROM busybox AS s0\nCOPY . .\nRUN --network=none <<'E2'\n");
        let tail = "\n{\n( ls )\n} >/out/s0-2 2>&1 </dev/null\nexit 0\nE2\n";
        assert_eq!(rest, format!("{tail}FROM scratch\nCOPY --from=s0 /out /s0\n"));
    }
}
