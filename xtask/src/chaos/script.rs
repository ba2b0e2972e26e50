//! Invented scripts: lines that look at files and change them, each in a way that shows in what the script leaves.
//!
//! A line may say anything but what differs between two runs: no times, since layers know none; no sizes and link
//! counts of directories, no inode numbers, which are no facts; no order but a sorted one, complaints about many files
//! included. None may read what it writes, for it would not end.

use super::dice::Dice;
use super::files::{Pool, join};

/// What stands before the lines: sizes of all but directories.
pub const HEAD: &str = "st() { if [ -d \"$1\" ] && [ ! -L \"$1\" ]; then stat -c '%A %u:%g %n' \"$1\"; \
                        else stat -c '%A %u:%g %s %n' \"$1\"; fi; }";

/// `{p}` and `{q}` are two paths that may be there, `{d}` and `{e}` two directories, `{n}` something new, `{o}` what
/// hasn't been in /out, `{w}` a word, `{m}` a mode, `{k}` a number.
const LINES: &[&str] = &[
    // Looks.
    "cat {p}",
    "cat {p} {q} {n}",
    "test -e {p} && echo there",
    "test -e {n} || echo absent",
    "test -x {p} && echo runs",
    "test -d {p} && echo dir",
    "test -L {p} && echo link",
    "test -f {p} && test -s {p} && echo full",
    "test -f {p} && echo plain",
    "[ -r {p} ] && [ -w {p} ] && echo mine",
    "[ {p} -ef {q} ] && echo same",
    "[ -k {p} ] || [ -u {p} ] && echo set",
    "st {p}",
    "st {d}",
    "stat -c %a {p}",
    "stat -L -c '%a %u' {p}",
    "ls -A {d}",
    "ls -d {p} {p}/",
    "ls -pA {d}",
    "ls -RA {d} 2>/dev/null",
    "ls -lnA {d} | awk '!/^total/ { print $1, $3, $4, /^d/ ? \"\" : $5 }'",
    "find {d} 2>/dev/null | sort",
    "find {d} -type f -exec wc -c {} + 2>/dev/null | sort",
    "find {d} -type l -exec readlink {} \\; 2>/dev/null | sort",
    "find {d} -perm -100 -type f 2>/dev/null | sort",
    "find {d} -name '*{w}*' 2>/dev/null | sort",
    "find {d} -maxdepth 1 -type d 2>/dev/null | sort",
    "find {d} -empty -type f 2>/dev/null | sort",
    "find -L {d} -maxdepth 3 -type f 2>/dev/null | sort",
    "find {d} -size +0 -type f 2>/dev/null | sort",
    "wc {p}",
    "wc -l <{p}",
    "readlink {p}",
    "readlink -f {p}",
    "realpath {p}",
    "grep -r {w} {d} 2>/dev/null | sort",
    "grep -rl {w} /src 2>/dev/null | sort",
    "grep -c {w} {p} {q}",
    "for f in {d}/*; do [ -f \"$f\" ] && head -c {k} \"$f\"; done",
    "for f in {d}/* {d}/.[a-z]*; do echo \"$f\"; done",
    "for f in */*; do [ -x \"$f\" ] && echo \"$f\"; done",
    "echo {d}/*.c *.go",
    "case {d}/*/x in *'*'*) echo none;; esac",
    "head -c {k} {p}",
    "tail -c {k} {p}",
    "tail -n 2 {p}",
    "dd if={p} bs=1 skip={k} count=9 2>/dev/null",
    "dd if={p} bs=512 skip=2 count=1 2>/dev/null | md5sum",
    "md5sum {p} {q}",
    "cmp {p} {q}",
    "diff {p} {q}",
    "diff -rq {d} {e} 2>/dev/null | sort",
    "sort {p} | uniq -c",
    "cat {d}/* 2>/dev/null | wc",
    "read -r line <{p} && echo \"$line\"",
    "while read -r a b; do echo \"$b\"; done <{p}",
    "awk 'NR == {k}' {p}",
    "sed -n '2p' {p}",
    "cut -c 1-3 {p} | sort -u",
    "head -n 3 {p} | xargs -n 1 ls -d",
    "find {d} -type f 2>/dev/null | sort | tar c -T - 2>/dev/null | tar xO 2>/dev/null | md5sum",
    "tar c {d} 2>/dev/null | tar t 2>/dev/null | sort",
    "(cd {d} && pwd -P && ls)",
    "(cd {p} && cat ../x)",
    "(cd {d}/.. && ls -A)",
    "cat {d}/../x {d}/./y",
    "hexdump -C {p} | head -2",
    // Runs.
    "{p}",
    "{p} {q}",
    "sh {p}",
    "(. {p})",
    "PATH={d}:$PATH tool",
    "(cd {d} && ./run.sh)",
    // Others look.
    "su -s /bin/sh nobody -c 'cat \"$0\"' {p}",
    "su -s /bin/sh nobody -c 'ls \"$0\"' {d}",
    "su -s /bin/sh nobody -c '[ -x \"$0\" ] && \"$0\"' {p}",
    "su -s /bin/sh nobody -c '[ -r \"$0\" ] && echo may' {p}",
    // Changes.
    "cp {p} {q}",
    "cp {p} {n}",
    "cp -p {p} /out/{o}",
    "cp -r {d} /out/{o} 2>/dev/null",
    "cp -a {d}/. /out/{o} 2>/dev/null",
    "cp -L {p} /out/{o}",
    "cp -r {d} {n} 2>/dev/null",
    "mv {p} {q} 2>/dev/null",
    "mv {p} {n} 2>/dev/null",
    "mv {d} {n} 2>/dev/null",
    "mv {d} /out/{o} 2>/dev/null",
    "rm {p}",
    "rm -f {p} {q}",
    "rm -rf {p} 2>/dev/null",
    "rm -rf {d} 2>/dev/null",
    "rm -rf {d}/* 2>/dev/null",
    "rmdir {d}",
    "find {d} -name 'x*' -delete 2>/dev/null",
    "ln {p} {n}",
    "ln -s {p} {n}",
    "ln -sf {q} {p}",
    "chmod {m} {p}",
    "chmod -R go-w {d} 2>/dev/null",
    "chmod a+x {p}",
    "chown 5:6 {p}",
    "chown -R 7:8 {d} 2>/dev/null",
    "chown -h 5:6 {p}",
    "chgrp -R 9 {d} 2>/dev/null",
    "sed -i s/alpha/ALPHA/ {p} 2>/dev/null",
    "sed -i s/nothing/else/ {p} 2>/dev/null",
    "touch {p}",
    "touch -c {p}",
    "touch {n}",
    ": >{p}",
    ": >>{p}",
    "echo {w} >{p}",
    "echo {w} >>{p}",
    "echo {w} >{n}; cat {n}",
    "head -c {k} {p} >>{q}",
    "cat {p} {q} >/out/{o}",
    "cp {p} /tmp/{o}; cat /tmp/{o} >{p}",
    "cp -p {p} /tmp/{o}; cp -p /tmp/{o} {p}",
    "cp -p {p} /tmp/{o}; rm {p}; mv /tmp/{o} {p} 2>/dev/null",
    "cp -a {d} /tmp/{o} 2>/dev/null; rm -rf {d} 2>/dev/null; cp -a /tmp/{o} {d} 2>/dev/null",
    "mv {p} /tmp/{o} 2>/dev/null; mv /tmp/{o} {p} 2>/dev/null",
    "chmod 700 {p}; chmod 644 {p}",
    "[ -e {p} ] || echo made >{n}",
    "[ -e {n} ] || mkdir {n}",
    "mkdir {n}",
    "mkdir -p {d}/new && ls -A {d}",
    "rm -rf {d} 2>/dev/null; mkdir -p {d}; ls -A {d}",
    "rm -rf {d} 2>/dev/null; mkdir -p {d}; echo {w} >{d}/new; find {d} | sort",
    "rm -f {p}; mkdir {p} && touch {p}/in",
    "rm -rf {p} 2>/dev/null; echo {w} >{p}",
    "rm -rf {p} 2>/dev/null; ln -s {q} {p}; cat {p}",
    "mkdir -p {n}/x; rm -r {n} 2>/dev/null",
    "echo {w} >{n}; rm {n}",
    "truncate -s {k} {p}",
    "truncate -s +0 {p}",
    "dd if=/dev/zero of={p} bs=1 seek={k} count=1 conv=notrunc 2>/dev/null",
    "exec 3<{p}; rm -f {p}; cat <&3; exec 3<&-",
    "(umask 077; cp {p} {n}; mkdir /out/{o})",
    "tar c {d} 2>/dev/null | tar x -C /tmp 2>/dev/null; ls -A /tmp",
    "find {d} -type f 2>/dev/null | sort | head -1 | xargs -r rm",
    "cat {p} >{n}; wc -c {n}",
    "cp /out/* /tmp/ 2>/dev/null; ls -A /tmp",
    "cat /out/[r-s]* 2>/dev/null | wc -c",
];

/// A few lines, most of them of those that look.
pub fn lines(dice: &mut Dice, pool: &Pool) -> Vec<String> {
    (0..dice.range(1, 5)).map(|_| line(dice, pool)).collect()
}

fn line(dice: &mut Dice, pool: &Pool) -> String {
    let (mut out, mut rest) = (String::new(), *dice.pick(LINES));
    let p = pool.any(dice);
    let q = other(dice, &[&p], |dice| pool.any(dice));
    let (d, e) = (pool.dir(dice), pool.dir(dice));
    let n = other(dice, &[&p, &q], |dice| new(dice, pool));
    let (o, word) = (format!("o{}", dice.below(100_000)), *dice.pick(&["alpha", "beta", "a", "x", "ma"]));
    let mode = *dice.pick(&["600", "755", "4755", "777", "000", "u+x", "a-w"]);
    let (form, number) = (dice.below(4), dice.range(1, 30).to_string());
    while let Some((before, name, behind)) = placeholder(rest) {
        out += before;
        out += &match name {
            'p' => quote(form, &p),
            'q' => quote(form, &q),
            'd' => quote(form, &d),
            'e' => quote(form, &e),
            'n' => quote(0, &n),
            'o' => o.clone(),
            'w' => word.to_owned(),
            'm' => mode.to_owned(),
            _ => number.clone(),
        };
        rest = behind;
    }
    out + rest
}

/// The text before a `{x}`, its letter, and the text behind.
fn placeholder(text: &str) -> Option<(&str, char, &str)> {
    let at = text.char_indices().map(|(at, _)| at).find(|&at| {
        let bytes = &text.as_bytes()[at..];
        bytes[0] == b'{' && bytes.get(2) == Some(&b'}') && b"pqdenowmk".contains(&bytes[1])
    })?;
    Some((&text[..at], char::from(text.as_bytes()[at + 1]), &text[at + 3..]))
}

/// What isn't one of those: a line that reads one path and writes another must come to its end.
fn other(dice: &mut Dice, not: &[&str], make: impl Fn(&mut Dice) -> String) -> String {
    let mut made = make(dice);
    while not.contains(&made.as_str()) {
        made = make(dice) + "2";
    }
    made
}

fn new(dice: &mut Dice, pool: &Pool) -> String {
    if dice.percent(40) {
        return pool.any(dice);
    }
    let dir = if dice.percent(30) { String::new() } else { pool.dir(dice) };
    join(&dir, dice.pick::<&str>(&["n1", "n2", "n3", "tool"]))
}

/// A path of the context in a script: relative, with a detour, or absolute.
fn quote(form: usize, path: &str) -> String {
    let before = ["./", "./", "/src/", "../src/"][form];
    format!("{before}'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled() {
        let mut dice = Dice::new(1);
        let pool = Pool::new(&mut dice);
        for _ in 0..1000 {
            for line in lines(&mut dice, &pool) {
                assert_eq!(placeholder(&line), None, "{line}");
                assert!(!line.contains("EOF"));
            }
        }
        assert_eq!(quote(2, "a/q'x"), "/src/'a/q'\\''x'");
        assert_eq!(placeholder("é {} {p} x"), Some(("é {} ", 'p', " x")));
    }
}
