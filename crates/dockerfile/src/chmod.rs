//! The value of `--chmod`: octal, or symbolic as in chmod(1) with umask 0.
//!
//! The symbolic part follows BSD's setmode, which BuildKit uses: `X` looks at the mode as it was before
//! all clauses, `u`, `g` and `o` copy from the mode as the clauses left it.

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const STICKY: u32 = 0o1000;
const ALL_BITS: u32 = 0o7777;
/// What `a` names. Sticky is nobody's.
const STANDARD: u32 = 0o6777;
const EXECUTE: u32 = 0o111;

/// A change of permission bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chmod(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Octal(u32),
    Symbolic(Vec<Step>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Set(u32),
    Clear(u32),
    /// Set if the file was executable or is a directory.
    Execute(u32),
    /// Copy one triple of bits to those in the mask: where from, how, to which.
    Copy {
        shift: u32,
        how: char,
        mask: u32,
    },
}

impl Chmod {
    /// Reads the value of the flag, variables filled in.
    pub fn parse(text: &str) -> Result<Chmod, String> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= ALL_BITS);
            return mode.map(|mode| Chmod(Kind::Octal(mode))).ok_or_else(|| {
                format!(
                    "invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
                )
            });
        }
        let steps = Reader { rest: text, steps: Vec::new(), equal_done: false }.read();
        steps.map(|steps| Chmod(Kind::Symbolic(steps))).ok_or_else(|| {
            format!("invalid chmod parameter: '{text}'. it should be octal or symbolic, like `0644` or `u=rwX,go=rX`")
        })
    }

    /// Whether the value is a number. It then counts for created parent directories too.
    pub fn is_octal(&self) -> bool {
        matches!(self.0, Kind::Octal(_))
    }

    /// The mode of a file or directory that has `mode` now. Bits above the permissions stay.
    pub fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        let changed = match &self.0 {
            Kind::Octal(bits) => *bits,
            Kind::Symbolic(steps) => {
                let was_executable = is_dir || mode & EXECUTE != 0;
                steps.iter().fold(mode & ALL_BITS, |now, step| step.apply(now, was_executable))
            }
        };
        mode & !ALL_BITS | changed
    }
}

impl Step {
    fn apply(self, now: u32, was_executable: bool) -> u32 {
        match self {
            Step::Set(bits) => now | bits,
            Step::Clear(bits) => now & !bits,
            Step::Execute(bits) => now | if was_executable { bits } else { 0 },
            Step::Copy { shift, how, mask } => copy(now, shift, how, mask),
        }
    }
}

fn copy(now: u32, shift: u32, how: char, mask: u32) -> u32 {
    let triple = now >> shift & 7;
    let bits = (triple * EXECUTE) & mask;
    match how {
        '+' => now | bits,
        '-' => now & !bits,
        // The triples that are named, set-id bits aside.
        _ => now & !(mask & 0o777) | bits,
    }
}

struct Reader<'a> {
    rest: &'a str,
    steps: Vec<Step>,
    equal_done: bool,
}

impl Reader<'_> {
    fn read(mut self) -> Option<Vec<Step>> {
        loop {
            self.clause()?;
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => return self.rest.is_empty().then_some(self.steps),
            }
        }
    }

    /// Who, and at least one operator with its permissions.
    fn clause(&mut self) -> Option<()> {
        let mut who = self.who();
        loop {
            let operator = self.rest.chars().next().filter(|c| matches!(c, '+' | '-' | '='))?;
            self.rest = &self.rest[1..];
            self.equal_done &= operator != '=';
            // Each operator begins without the sticky bit that an earlier `t` named.
            who &= !STICKY;
            who = self.permissions(who, operator);
            if self.rest.is_empty() || self.rest.starts_with(',') {
                return Some(());
            }
        }
    }

    fn who(&mut self) -> u32 {
        let rest = self.rest.trim_start_matches(['a', 'u', 'g', 'o']);
        let (names, rest) = self.rest.split_at(self.rest.len() - rest.len());
        self.rest = rest;
        names.chars().fold(0, |who, c| {
            who | match c {
                'a' => STANDARD,
                'u' => SETUID | 0o700,
                'g' => SETGID | 0o070,
                _ => 0o007,
            }
        })
    }

    fn permissions(&mut self, mut who: u32, operator: char) -> u32 {
        let (mut bits, mut execute) = (0, 0);
        while let Some(c) = self.rest.chars().next() {
            // Set-id and sticky mean nothing to others alone.
            let special = who == 0 || who & !0o007 != 0;
            match c {
                'r' => bits |= 0o444,
                'w' => bits |= 0o222,
                'x' => bits |= EXECUTE,
                'X' if operator == '-' => bits |= EXECUTE,
                'X' => execute |= EXECUTE,
                's' if special => bits |= SETUID | SETGID,
                't' if special => {
                    who |= STICKY;
                    bits |= STICKY;
                }
                's' | 't' => {}
                'u' | 'g' | 'o' => {
                    self.flush(operator, who, bits, execute);
                    (bits, execute) = (0, 0);
                    self.equal_done |= operator == '=';
                    self.copy(c, operator, who);
                }
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        if operator == '=' && !self.equal_done {
            self.equal_done = true;
            self.change(operator, who, bits);
            bits = 0;
        }
        self.flush(operator, who, bits, execute);
        who
    }

    fn flush(&mut self, operator: char, who: u32, bits: u32, execute: u32) {
        if bits != 0 {
            self.change(operator, who, bits);
        }
        if execute != 0 {
            self.steps.push(Step::Execute(masked(who) & execute));
        }
    }

    fn change(&mut self, operator: char, who: u32, bits: u32) {
        let mask = masked(who);
        match operator {
            '+' => self.steps.push(Step::Set(mask & bits)),
            '-' => self.steps.push(Step::Clear(mask & bits)),
            _ => {
                self.steps.push(Step::Clear(if who == 0 { STANDARD } else { who }));
                self.steps.push(Step::Set(mask & bits));
            }
        }
    }

    fn copy(&mut self, from: char, operator: char, who: u32) {
        let shift = match from {
            'u' => 6,
            'g' => 3,
            _ => 0,
        };
        self.steps.push(Step::Copy { shift, how: operator, mask: masked(who) & 0o777 });
    }
}

/// Nobody named is everybody, as the umask is 0.
fn masked(who: u32) -> u32 {
    if who == 0 { ALL_BITS } else { who }
}
