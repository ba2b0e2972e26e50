//! A stage's platform to whether this machine can run its programs: natively, by a handler, or not at all.
//!
//! The kernel's binfmt_misc gives programs of another architecture to a handler such as qemu. Its handlers are files
//! in a folder; each says which first bytes of a program it takes, so what is asked is what the kernel would ask, of
//! the header that such a program has. Where the folder isn't mounted nothing is known beforehand, and the step is
//! tried. See the kernel's admin-guide/binfmt-misc.

use std::path::Path;

use oci::Platform;

use crate::error::{Error, Result, StepError};

/// Where the kernel shows its handlers.
const HANDLERS: &str = "/proc/sys/fs/binfmt_misc";

/// What is known of an architecture's programs: Go's name of it, 32 or 64 bits, byte order, ELF's number of it.
#[rustfmt::skip]
const ARCHITECTURES: [(&str, u8, Order, u16); 14] = [
    ("386",      1, Order::Little, 3),
    ("amd64",    2, Order::Little, 62),
    ("arm",      1, Order::Little, 40),
    ("arm64",    2, Order::Little, 183),
    ("loong64",  2, Order::Little, 258),
    ("mips",     1, Order::Big,    8),
    ("mipsle",   1, Order::Little, 8),
    ("mips64",   2, Order::Big,    8),
    ("mips64le", 2, Order::Little, 8),
    ("ppc64",    2, Order::Big,    21),
    ("ppc64le",  2, Order::Little, 21),
    ("riscv64",  2, Order::Little, 243),
    ("s390x",    2, Order::Big,    22),
    ("sparc64",  2, Order::Big,    43),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

/// How programs of a platform fare here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runs {
    /// They are this machine's own, or as good as.
    Natively,
    /// The kernel knows what to do with them.
    Handled,
    /// The kernel knows what to do with them, but looks for that in the step's own files.
    HandledWithin,
    /// Trying will tell.
    Unknown,
    /// They don't.
    No,
}

/// How programs of a platform fare here.
pub fn runs(platform: &Platform) -> Runs {
    runs_on(&Platform::host(), platform, Path::new(HANDLERS))
}

fn runs_on(host: &Platform, platform: &Platform, handlers: &Path) -> Runs {
    let (own, other) = (host.architecture.as_str(), platform.architecture.as_str());
    match (own, other) {
        _ if platform.os != host.os => Runs::No,
        _ if own == other => Runs::Natively,
        ("amd64", "386") => Runs::Natively,
        // Some of these machines can, and some can't.
        ("arm64", "arm") => found(other, handlers).filter(|runs| *runs != Runs::No).unwrap_or(Runs::Unknown),
        _ => found(other, handlers).unwrap_or(Runs::Unknown),
    }
}

/// What the kernel's folder says; nothing if it isn't mounted, or the architecture isn't in our table.
fn found(architecture: &str, handlers: &Path) -> Option<Runs> {
    let program = header(architecture)?;
    if std::fs::read_to_string(handlers.join("status")).ok()?.trim() != "enabled" {
        return Some(Runs::No);
    }
    let entries = std::fs::read_dir(handlers).ok()?.flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let taking = texts.filter_map(|text| Handler::parse(&text)).filter(|handler| handler.takes(&program));
    // One that is at hand is what will be said to be missing last.
    let all: Vec<bool> = taking.map(|handler| handler.is_open).collect();
    Some(match all.iter().max() {
        Some(true) => Runs::Handled,
        Some(false) => Runs::HandledWithin,
        None => Runs::No,
    })
}

/// The first bytes of an architecture's programs, as ELF has them.
fn header(architecture: &str) -> Option<Vec<u8>> {
    let known = ARCHITECTURES.iter().find(|(name, ..)| *name == architecture);
    let &(_, class, order, machine) = known?;
    let number = |value: u16| match order {
        Order::Little => value.to_le_bytes(),
        Order::Big => value.to_be_bytes(),
    };
    let mut bytes = vec![0x7f, b'E', b'L', b'F', class, if order == Order::Little { 1 } else { 2 }, 1];
    bytes.resize(16, 0);
    // An executable file of that machine, in the version that there is.
    bytes.extend(number(2));
    bytes.extend(number(machine));
    bytes.extend(match order {
        Order::Little => 1u32.to_le_bytes(),
        Order::Big => 1u32.to_be_bytes(),
    });
    // What comes after that is no handler's concern.
    bytes.resize(128, 0);
    Some(bytes)
}

/// One of the kernel's handlers that goes by first bytes.
struct Handler {
    offset: usize,
    magic: Vec<u8>,
    mask: Vec<u8>,
    /// Flag F: the kernel has the handler's program open, so it needs to be in no image.
    is_open: bool,
}

impl Handler {
    /// Reads what the kernel shows of it; none if it is off, or goes by a file's ending.
    fn parse(text: &str) -> Option<Handler> {
        let mut lines = text.lines();
        if lines.next()?.trim() != "enabled" {
            return None;
        }
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(' ')).collect();
        let field =
            |name: &str| fields.iter().find(|(key, _)| key.trim_end_matches(':') == name).map(|f| f.1.trim());
        let magic = hex(field("magic")?)?;
        let mask = match field("mask") {
            Some(mask) => hex(mask)?,
            None => vec![0xff; magic.len()],
        };
        let offset = field("offset").unwrap_or("0").parse().ok()?;
        let is_open = field("flags").is_some_and(|flags| flags.contains('F'));
        (mask.len() == magic.len()).then_some(Handler { offset, magic, mask, is_open })
    }

    fn takes(&self, program: &[u8]) -> bool {
        let end = self.offset.saturating_add(self.magic.len());
        let Some(bytes) = program.get(self.offset..end) else { return false };
        let same = |((byte, magic), mask): ((&u8, &u8), &u8)| byte & mask == magic & mask;
        bytes.iter().zip(&self.magic).zip(&self.mask).all(same)
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair.filter(|p| p.len() == 2)?, 16).ok()).collect()
}

/// Refuses a step that is known not to run here.
///
/// # Errors
/// If it is.
pub fn check(step: &plan::Step) -> Result<()> {
    match runs(&step.platform) {
        Runs::No => Err(refused(step)),
        Runs::Natively | Runs::Handled | Runs::HandledWithin | Runs::Unknown => Ok(()),
    }
}

fn refused(step: &plan::Step) -> Error {
    let (message, help) = explain(&step.platform);
    Error::Step(Box::new(StepError {
        line: step.line,
        text: step.text.clone(),
        message,
        help: Some(help),
        tail: Vec::new(),
        log: None,
    }))
}

/// What is wrong and what helps if a step's program could not be started since it is for another machine.
pub fn translate(platform: &Platform, failure: &sandbox::Error) -> Option<(String, String)> {
    let sandbox::Error::Exec { source, interpreter, .. } = failure else { return None };
    match runs(platform) {
        Runs::Natively | Runs::Handled => None,
        // The handler's program is looked for in the image, and that is what isn't there.
        Runs::HandledWithin if *interpreter => Some(no_program(platform)),
        Runs::Unknown | Runs::No | Runs::HandledWithin => (source.raw_os_error()
            == Some(rustix::io::Errno::NOEXEC.raw_os_error()))
        .then(|| explain(platform)),
    }
}

fn explain(platform: &Platform) -> (String, String) {
    let host = Platform::host();
    let architecture = &platform.architecture;
    let start = format!("RUN for {platform}: this machine runs {host} programs");
    let elsewhere =
        "build on a machine of that kind, or let the stage run here with FROM --platform=$BUILDPLATFORM";
    match platform.os == host.os {
        true => (
            format!("{start}, and no binfmt_misc handler for {architecture} is registered"),
            format!("install qemu-user-static, or {elsewhere}"),
        ),
        false => (format!("{start} only"), elsewhere.to_owned()),
    }
}

fn no_program(platform: &Platform) -> (String, String) {
    let architecture = &platform.architecture;
    (
        format!(
            "RUN for {platform}: the binfmt_misc handler for {architecture} is registered without the flag F, and its \
             program is not in the image"
        ),
        "register it with that flag, as the package qemu-user-static does".to_owned(),
    )
}

#[cfg(test)]
mod tests;
