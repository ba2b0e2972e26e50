//! Docker's default system call filter as a BPF program.
//!
//! `syscalls` has the rules; here they become code. A filter that compares one number after the other has 1500
//! instructions, and the kernel runs it once for every number when it is loaded, which costs more than all
//! other set-up together. So runs of numbers with the same fate are the leaves of a balanced tree: about
//! seven comparisons to any of them.
//!
//! ```text
//! arch? ── x86-64 ── bit 30? ── x32 tree
//!   │                  └─────── x86-64 tree
//!   ├───── i386 ─────────────── i386 tree
//!   └───── any other: kill
//! ```
//! A number past the last one that the table knows gives ENOSYS, as runc has it, so that programs
//! fall back from calls newer than the profile.

use crate::sys::Insn;
use crate::syscalls::{NO, Rule, TABLE};

const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;
const X32_BIT: u32 = 0x4000_0000;

const KILL: u32 = 0;
const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0000 | libc::EPERM as u32;
const ENOSYS: u32 = 0x0005_0000 | libc::ENOSYS as u32;
/// The monitor is told, and lets the call through.
const TELL: u32 = 0x7fc0_0000;

/// Address families that stay on this machine: AF_UNIX and AF_NETLINK, through which one only asks.
const LOCAL: [u32; 2] = [1, 16];

/// Where things are in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARG0_LOW: u32 = 16;
const ARG0_HIGH: u32 = 20;

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
const NAMESPACES: u32 = 0x7e02_0000;

/// PER_LINUX, PER_LINUX32, both with UNAME26, and the question which one is set.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, u32::MAX];

/// Address families from which on the answer is another: the kernel dropped some, and AF_ALG (38) and
/// AF_VSOCK (40) reach further than a container should.
#[rustfmt::skip]
const FAMILIES: [(u32, Rule); 16] = [
    (0, Rule::Allow), (12, Rule::Refuse), (13, Rule::Allow), (19, Rule::Refuse), (21, Rule::Allow), (23, Rule::Refuse),
    (24, Rule::Allow), (25, Rule::Refuse), (26, Rule::Allow), (34, Rule::Refuse), (35, Rule::Allow), (37, Rule::Refuse),
    (39, Rule::Allow), (40, Rule::Refuse), (41, Rule::Allow), (46, Rule::Refuse),
];

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const JSET: u16 = 0x45;
const RETURN: u16 = 0x06;

/// What becomes of sockets that reach beyond this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// They are allowed.
    Free,
    /// They are allowed, and the monitor is told.
    Watched,
}

/// The filter for a step with Docker's default capabilities.
pub(crate) fn filter(sockets: Sockets) -> Vec<Insn> {
    let mut code = Code { sockets, reversed: Vec::new() };
    let i386 = code.by_number(&runs(column(|row| row.3), 0));
    let x32 = code.by_number(&runs(column(|row| row.2), X32_BIT));
    let native = code.by_number(&runs(column(|row| row.1), 0));
    let kill = code.ret(KILL);
    let other = code.test(JEQ, I386, i386, kill);
    let native = code.test(JGE, X32_BIT, x32, native);
    let native = code.load(NUMBER, native);
    let arch = code.test(JEQ, X86_64, native, other);
    code.load(ARCH, arch);
    code.reversed.reverse();
    code.reversed
}

fn column(number: impl Fn(&(&str, u16, u16, u16, Rule)) -> u16) -> Vec<(u32, Rule)> {
    let numbered = TABLE.iter().map(|row| (number(row), row.4)).filter(|(number, _)| *number != NO);
    let mut rules: Vec<(u32, Rule)> = numbered.map(|(number, rule)| (number.into(), rule)).collect();
    rules.sort_unstable_by_key(|(number, _)| *number);
    rules
}

/// Sorted numbers to the places where the rule changes. Holes are refused; past the end there is no call.
fn runs(rules: Vec<(u32, Rule)>, base: u32) -> Vec<(u32, Rule)> {
    let mut runs = Vec::new();
    let mut add = |start: u32, rule: Rule| {
        if runs.last().is_none_or(|(_, last)| *last != rule) {
            runs.push((base + start, rule));
        }
    };
    let mut next = 0;
    for (number, rule) in rules {
        if number > next {
            add(next, Rule::Refuse);
        }
        add(number, rule);
        next = number + 1;
    }
    add(next, Rule::Nosys);
    runs
}

/// A program written from its end to its beginning, so that every jump knows how far it goes.
struct Code {
    sockets: Sockets,
    reversed: Vec<Insn>,
}

/// An instruction, by how many there are from it to the end.
type Label = usize;

impl Code {
    fn by_number(&mut self, runs: &[(u32, Rule)]) -> Label {
        let tree = self.tree(runs);
        self.load(NUMBER, tree)
    }

    /// Decides by the value that is loaded.
    fn tree(&mut self, runs: &[(u32, Rule)]) -> Label {
        if let [(_, rule)] = runs {
            return self.leaf(*rule);
        }
        let (low, high) = runs.split_at(runs.len() / 2);
        let above = self.tree(high);
        let below = self.tree(low);
        self.test(JGE, high[0].0, above, below)
    }

    fn leaf(&mut self, rule: Rule) -> Label {
        match rule {
            Rule::Allow => self.ret(ALLOW),
            Rule::Refuse => self.ret(EPERM),
            Rule::Nosys => self.ret(ENOSYS),
            Rule::NoNamespaces => {
                let (allow, refuse) = (self.ret(ALLOW), self.ret(EPERM));
                let test = self.test(JSET, NAMESPACES, refuse, allow);
                self.load(ARG0_LOW, test)
            }
            Rule::Personality => {
                let (allow, refuse) = (self.ret(ALLOW), self.ret(EPERM));
                let any = PERSONALITIES.iter().fold(refuse, |next, &one| self.test(JEQ, one, allow, next));
                self.with_32_bits(any, refuse)
            }
            Rule::Socket => {
                let families = match self.sockets {
                    Sockets::Free => self.tree(&FAMILIES),
                    Sockets::Watched => self.watched_families(),
                };
                let refuse = self.ret(EPERM);
                self.with_32_bits(families, refuse)
            }
            Rule::SocketCall => self.ret(match self.sockets {
                Sockets::Free => ALLOW,
                // All sockets of 32-bit programs go through one call, whose arguments are in memory.
                Sockets::Watched => TELL,
            }),
        }
    }

    /// The same families are refused; of the others all but the local ones are told of.
    fn watched_families(&mut self) -> Label {
        let tell = self.ret(TELL);
        let allow = self.ret(ALLOW);
        let others = LOCAL.iter().fold(tell, |next, &one| self.test(JEQ, one, allow, next));
        let refuse = self.ret(EPERM);
        let mut next = others;
        for (i, &(start, rule)) in FAMILIES.iter().enumerate().rev() {
            if rule == Rule::Refuse {
                let end = FAMILIES.get(i + 1).map(|&(end, _)| end);
                let inside = end.map_or(refuse, |end| self.test(JGE, end, next, refuse));
                next = self.test(JGE, start, inside, next);
            }
        }
        next
    }

    /// Goes on with the lower half of the first argument loaded if the upper half is zero.
    fn with_32_bits(&mut self, next: Label, otherwise: Label) -> Label {
        let low = self.load(ARG0_LOW, next);
        let test = self.test(JEQ, 0, low, otherwise);
        self.load(ARG0_HIGH, test)
    }

    fn ret(&mut self, value: u32) -> Label {
        self.push(RETURN, 0, 0, value)
    }

    fn load(&mut self, from: u32, next: Label) -> Label {
        if next != self.reversed.len() {
            self.jump(next);
        }
        self.push(LOAD, 0, 0, from)
    }

    fn test(&mut self, code: u16, value: u32, yes: Label, no: Label) -> Label {
        let yes = self.within_reach(yes);
        let no = self.within_reach(no);
        let (yes, no) = (self.distance(yes), self.distance(no));
        self.push(code, yes as u8, no as u8, value)
    }

    /// Conditional jumps have one byte for the distance, the other kind has four.
    fn within_reach(&mut self, label: Label) -> Label {
        // One less than fits: the way to the other branch may need a stop as well.
        if self.distance(label) < 255 { label } else { self.jump(label) }
    }

    fn jump(&mut self, to: Label) -> Label {
        let distance = self.distance(to) as u32;
        self.push(JUMP, 0, 0, distance)
    }

    fn distance(&self, to: Label) -> usize {
        self.reversed.len() - to
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(Insn { code, jt, jf, k });
        self.reversed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel would: `data` is `struct seccomp_data` in words of 32 bits.
    fn interpret(code: &[Insn], data: &[u32; 16]) -> u32 {
        let (mut at, mut value) = (0, 0);
        loop {
            let Insn { code, jt, jf, k } = code[at];
            let yes = match code {
                LOAD => {
                    value = data[k as usize / 4];
                    at += 1;
                    continue;
                }
                JUMP => {
                    at += 1 + k as usize;
                    continue;
                }
                RETURN => return k,
                JEQ => value == k,
                JGE => value >= k,
                JSET => value & k != 0,
                other => panic!("instruction {other:#x}"),
            };
            at += 1 + usize::from(if yes { jt } else { jf });
        }
    }

    fn answer(arch: u32, number: u32, arg0: u64) -> u32 {
        let mut data = [0; 16];
        (data[0], data[1]) = (number, arch);
        (data[4], data[5]) = (arg0 as u32, (arg0 >> 32) as u32);
        interpret(&filter(Sockets::Free), &data)
    }

    /// What the table says, found the slow way, for arguments that are all zero.
    fn expected(rules: &[(u32, Rule)], number: u32) -> u32 {
        let last = rules.iter().map(|(number, _)| *number).max().expect("rules");
        match rules.iter().find(|(known, _)| *known == number) {
            Some((_, Rule::Refuse)) => EPERM,
            Some((_, Rule::Nosys)) => ENOSYS,
            Some(_) => ALLOW,
            None if number > last => ENOSYS,
            None => EPERM,
        }
    }

    fn check_all(arch: u32, base: u32, rules: &[(u32, Rule)]) {
        let code = filter(Sockets::Free);
        for number in 0..1100 {
            let mut data = [0; 16];
            (data[0], data[1]) = (base + number, arch);
            assert_eq!(interpret(&code, &data), expected(rules, number), "{arch:#x}: {number}");
        }
    }

    #[test]
    fn every_number_has_the_fate_that_the_table_gives_it() {
        check_all(X86_64, 0, &column(|row| row.1));
        check_all(X86_64, X32_BIT, &column(|row| row.2));
        check_all(I386, 0, &column(|row| row.3));
        assert_eq!(answer(0xc000_00b7, 0, 0), KILL);
    }

    #[test]
    fn arguments_decide_where_they_should() {
        let number = |name| TABLE.iter().find(|row| row.0 == name).expect("a row").1.into();
        let check = |name, arg0, expected| {
            assert_eq!(answer(X86_64, number(name), arg0), expected, "{name} {arg0:#x}")
        };
        check("clone", libc::SIGCHLD as u64, ALLOW);
        check("clone", (libc::CLONE_NEWUSER | libc::SIGCHLD) as u64, EPERM);
        check("clone", libc::CLONE_NEWCGROUP as u64, EPERM);
        for allowed in PERSONALITIES {
            check("personality", allowed.into(), ALLOW);
        }
        check("personality", 0x4_0000, EPERM);
        check("personality", 1 << 32, EPERM);
        for family in 0..64 {
            let refused = matches!(family, 12 | 19 | 20 | 23 | 25 | 34 | 37 | 38 | 40 | 46..);
            check("socket", family, if refused { EPERM } else { ALLOW });
        }
        check("socket", 1 << 32 | 2, EPERM);
    }

    #[test]
    fn sockets_that_reach_further_are_told_of() {
        let code = filter(Sockets::Watched);
        let socket = |arch, number, family: u32| {
            let mut data = [0; 16];
            (data[0], data[1], data[4]) = (number, arch, family);
            interpret(&code, &data)
        };
        for family in 0..64 {
            let expected = match answer(X86_64, 41, family.into()) {
                ALLOW if !LOCAL.contains(&family) => TELL,
                other => other,
            };
            assert_eq!(socket(X86_64, 41, family), expected, "{family}");
        }
        assert_eq!(socket(I386, 102, 0), TELL);
        assert_eq!(answer(I386, 102, 0), ALLOW);
    }

    #[test]
    fn the_program_is_short() {
        let code = filter(Sockets::Watched);
        assert!(code.len() < 800, "{}", code.len());
    }

    #[test]
    fn no_number_is_given_twice() {
        for rules in [column(|row| row.1), column(|row| row.2), column(|row| row.3)] {
            assert!(rules.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
