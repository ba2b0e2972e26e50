//! The arguments of each instruction: a logical line, cut into keyword, flags and text, to a `Kind`.
//!
//! Fed by `parse`. One function an instruction; messages are BuildKit's where people know them.

use crate::diagnostic::Problem;
use crate::duration;
use crate::expand::{Mode, expand};
use crate::flag::{Flags, Takes};
use crate::heredoc::Heredoc;
use crate::instruction::{
    Add, AddFlags, ArgDecl, Check, Command, Copy, CopyFlags, From, Healthcheck, KeyValue, Kind, Run,
    RunFlags, Timing,
};
use crate::json::{self, Array};
use crate::mount::Mount;
use crate::quote::quote;
use crate::sources::sources;
use crate::{device, signal, steps, suggest, words};

/// What an instruction is made of.
pub struct Parts<'a> {
    /// The keyword as written.
    pub keyword: &'a str,
    /// The flags, unquoted.
    pub flags: Vec<String>,
    /// What follows the flags.
    pub text: &'a str,
    /// The escape character.
    pub escape: char,
}

type Read = Result<Kind, Problem>;

/// Cuts a logical line.
pub fn cut(line: &str, escape: char) -> Parts<'_> {
    steps::note(line.len());
    let (keyword, rest) = words::cut(line.trim());
    let (flags, text) = words::flags(rest.unwrap_or_default(), escape);
    Parts { keyword, flags, text: text.trim(), escape }
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// The keyword that `text` is, in upper case.
pub fn keyword(text: &str) -> Option<&'static str> {
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(text))
}

/// Whether here-documents may follow the line: RUN, COPY or ADD, also behind ONBUILD, not in JSON form.
pub fn may_have_heredocs(parts: &Parts<'_>) -> bool {
    match keyword(parts.keyword) {
        Some("RUN" | "COPY" | "ADD") => !matches!(json::array(parts.text), Array::Strings(_) | Array::Long),
        // Looks one level deep, so that a line of nothing but ONBUILD is not looked at over and over.
        Some("ONBUILD") => {
            let inner = cut(parts.text, parts.escape);
            keyword(inner.keyword) != Some("ONBUILD") && may_have_heredocs(&inner)
        }
        _ => false,
    }
}

/// Reads every instruction but ONBUILD, which `parse` takes apart.
pub fn read(parts: &Parts<'_>, heredocs: Vec<Heredoc>) -> Read {
    match keyword(parts.keyword) {
        Some("FROM") => from(parts),
        Some("RUN") => run(parts, heredocs),
        Some("COPY") => copy(parts, heredocs),
        Some("ADD") => add(parts, heredocs),
        Some("CMD") => no_flags(parts).and_then(|()| command(parts.text)).map(Kind::Cmd),
        Some("ENTRYPOINT") => no_flags(parts).and_then(|()| command(parts.text)).map(Kind::Entrypoint),
        Some("ENV") => pairs(parts, "ENV").map(Kind::Env),
        Some("LABEL") => pairs(parts, "LABEL").map(Kind::Label),
        Some("ARG") => arg(parts),
        Some("WORKDIR") => one(parts, "WORKDIR").map(Kind::Workdir),
        Some("USER") => one(parts, "USER").map(Kind::User),
        Some("EXPOSE") => expose(parts),
        Some("VOLUME") => volume(parts),
        Some("HEALTHCHECK") => healthcheck(parts),
        Some("SHELL") => shell(parts),
        Some("STOPSIGNAL") => stopsignal(parts),
        Some("MAINTAINER") => one(parts, "MAINTAINER").map(Kind::Maintainer),
        _ => Err(unknown(parts.keyword)),
    }
}

fn unknown(keyword: &str) -> Problem {
    // A binary file is one long keyword; its beginning will do.
    let shown: String = keyword.chars().take(80).collect();
    Problem::new(format!("unknown instruction: {shown}")).suggest(suggest::nearest(keyword, KEYWORDS))
}

/// An error unless ONBUILD may have this trigger.
pub fn check_trigger(parts: &Parts<'_>) -> Result<(), Problem> {
    no_flags(parts)?;
    if parts.text.is_empty() {
        return Err("ONBUILD requires at least one argument".into());
    }
    match keyword(cut(parts.text, parts.escape).keyword) {
        Some("ONBUILD") => Err("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".into()),
        Some(keyword @ ("MAINTAINER" | "FROM")) => {
            Err(format!("{keyword} isn't allowed as an ONBUILD trigger").into())
        }
        _ => Ok(()),
    }
}

fn no_flags(parts: &Parts<'_>) -> Result<(), Problem> {
    Flags::read(&parts.flags, &[]).map(|_| ())
}

fn from(parts: &Parts<'_>) -> Read {
    let flags = Flags::read(&parts.flags, &[("platform", Takes::Text)])?;
    let mut words = words::blank(parts.text).map(String::from);
    let (image, as_text, alias_text) = (words.next(), words.next(), words.next());
    let is_as = as_text.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("as"));
    let image = match (image, words.next()) {
        (Some(image), None) if as_text.is_none() || (is_as && alias_text.is_some()) => image,
        _ => return Err("FROM requires either one or three arguments".into()),
    };
    let alias = alias_text.as_deref().map(stage_name).transpose()?;
    Ok(Kind::From(From {
        image,
        platform: flags.text("platform").filter(|p| !p.is_empty()),
        alias,
        alias_text,
        as_text,
    }))
}

fn stage_name(text: &str) -> Result<String, Problem> {
    let name = text.to_lowercase();
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if starts && name.chars().all(valid) {
        return Ok(name);
    }
    let name = quote(text);
    Err(format!("invalid name for build stage: {name}, name can't start with a number or contain symbols")
        .into())
}

fn run(parts: &Parts<'_>, heredocs: Vec<Heredoc>) -> Read {
    let known = [
        ("mount", Takes::Texts),
        ("network", Takes::Text),
        ("security", Takes::Text),
        ("device", Takes::Texts),
    ];
    let read = Flags::read(&parts.flags, &known)?;
    let flags = RunFlags {
        mounts: read.texts("mount").collect(),
        network: read.text("network"),
        security: read.text("security"),
        devices: read.texts("device").collect(),
    };
    check_run_flags(&flags)?;
    Ok(Kind::Run(Run { command: command(parts.text)?, flags, heredocs }))
}

fn check_run_flags(flags: &RunFlags) -> Result<(), Problem> {
    flags.mounts.iter().try_for_each(|mount| Mount::raw_from(mount).map(|_| ()))?;
    flags.devices.iter().try_for_each(|device| device::Device::parse(device).map(|_| ()))?;
    one_of(&flags.network, &["default", "none", "host"], |value| format!("invalid network mode {value}"))?;
    one_of(&flags.security, &["sandbox", "insecure"], |value| format!("security {value} is not valid"))
}

fn one_of(value: &Option<String>, known: &[&str], message: impl Fn(String) -> String) -> Result<(), Problem> {
    match value {
        Some(value) if !known.contains(&value.as_str()) => {
            Err(Problem::new(message(quote(value))).suggest(suggest::nearest(value, known.iter().copied())))
        }
        _ => Ok(()),
    }
}

fn copy(parts: &Parts<'_>, heredocs: Vec<Heredoc>) -> Read {
    let words = at_least_two(parts, "COPY")?;
    let known = [
        ("chown", Takes::Text),
        ("from", Takes::Text),
        ("chmod", Takes::Text),
        ("link", Takes::Bool),
        ("exclude", Takes::Texts),
        ("parents", Takes::Bool),
    ];
    let read = Flags::read(&parts.flags, &known)?;
    let flags = CopyFlags {
        from: read.text("from").filter(|from| !from.is_empty()),
        chown: read.text("chown").filter(|chown| !chown.is_empty()),
        chmod: read.text("chmod").filter(|chmod| !chmod.is_empty()),
        link: read.bool("link").unwrap_or(false),
        parents: read.bool("parents").unwrap_or(false),
        exclude: read.texts("exclude").collect(),
    };
    check_copy_from(flags.from.as_deref())?;
    let (sources, dest, heredocs) = sources(words, heredocs, "COPY")?;
    Ok(Kind::Copy(Copy { sources, dest, heredocs, flags }))
}

fn check_copy_from(from: Option<&str>) -> Result<(), Problem> {
    let Some(from) = from else { return Ok(()) };
    // An escape character of the directive's choice makes no difference: names have neither.
    let plain = expand(from, '\\', &(), Mode::WORD).map_err(|e| Problem::new(e.to_string()))?;
    if plain.text == from {
        return Ok(());
    }
    let message = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround";
    Err(message.into())
}

fn add(parts: &Parts<'_>, heredocs: Vec<Heredoc>) -> Read {
    let words = at_least_two(parts, "ADD")?;
    let known = [
        ("chown", Takes::Text),
        ("chmod", Takes::Text),
        ("link", Takes::Bool),
        ("keep-git-dir", Takes::Bool),
        ("checksum", Takes::Text),
        ("unpack", Takes::Bool),
        ("exclude", Takes::Texts),
    ];
    let read = Flags::read(&parts.flags, &known)?;
    let flags = AddFlags {
        chown: read.text("chown").filter(|chown| !chown.is_empty()),
        chmod: read.text("chmod").filter(|chmod| !chmod.is_empty()),
        link: read.bool("link").unwrap_or(false),
        exclude: read.texts("exclude").collect(),
        checksum: read.text("checksum").filter(|checksum| !checksum.is_empty()),
        keep_git_dir: read.bool("keep-git-dir"),
        unpack: read.bool("unpack"),
    };
    let (sources, dest, heredocs) = sources(words, heredocs, "ADD")?;
    Ok(Kind::Add(Add { sources, dest, heredocs, flags }))
}

fn at_least_two(parts: &Parts<'_>, keyword: &str) -> Result<Vec<String>, Problem> {
    let words = list(parts.text)?;
    if words.len() >= 2 {
        return Ok(words);
    }
    let problem = format!(
        "{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"
    );
    Err(problem.into())
}

/// The elements of a JSON array of strings; `None` if the text is no JSON array. Other elements than
/// strings are an error, which is BuildKit's one exception to "what is no JSON is for the shell".
fn json(text: &str) -> Result<Option<Vec<String>>, Problem> {
    match json::array(text) {
        Array::None => Ok(None),
        Array::Strings(words) => Ok(Some(words)),
        Array::Long => Err(too_many()),
        Array::Mixed => Err("when using JSON array syntax, arrays must be comprised of strings only".into()),
    }
}

fn too_many() -> Problem {
    Problem::new(format!("more than {} words", words::MOST))
}

fn command(text: &str) -> Result<Command, Problem> {
    Ok(json(text)?.map_or_else(|| Command::Shell(text.to_owned()), Command::Exec))
}

fn list(text: &str) -> Result<Vec<String>, Problem> {
    json(text)?.map_or_else(|| split(text), Ok)
}

fn split(text: &str) -> Result<Vec<String>, Problem> {
    if words::blank(text).nth(words::MOST).is_some() { Err(too_many()) } else { Ok(words::split(text)) }
}

/// Words with their quotes, each read as it comes.
fn quoted<T>(parts: &Parts<'_>, read: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    let words = words::quoted(parts.text, parts.escape).enumerate();
    words.map(|(index, word)| if index < words::MOST { read(&word) } else { Err(too_many()) }).collect()
}

fn pairs(parts: &Parts<'_>, keyword: &str) -> Result<Vec<KeyValue>, Problem> {
    no_flags(parts)?;
    let first = words::quoted(parts.text, parts.escape).next().ok_or_else(|| at_least_one(keyword))?;
    if !first.contains('=') {
        return old_pair(parts.text, keyword).map(|pair| vec![pair]);
    }
    quoted(parts, |word| pair(word, keyword))
}

fn old_pair(text: &str, keyword: &str) -> Result<KeyValue, Problem> {
    let (key, value) = words::cut(text);
    let value = value.ok_or_else(|| Problem::new(format!("{keyword} must have two arguments")))?;
    Ok(KeyValue { key: key.to_owned(), value: value.to_owned(), old_form: true })
}

fn pair(word: &str, keyword: &str) -> Result<KeyValue, Problem> {
    let (key, value) = word.split_once('=').ok_or_else(|| {
        let word = quote(&word.chars().take(200).collect::<String>());
        Problem::new(format!("Syntax error - can't find = in {word}. Must be of the form: name=value"))
    })?;
    if key.is_empty() {
        return Err(format!("{keyword} names can not be blank").into());
    }
    Ok(KeyValue { key: key.to_owned(), value: value.to_owned(), old_form: false })
}

fn arg(parts: &Parts<'_>) -> Read {
    no_flags(parts)?;
    let declared = quoted(parts, declaration)?;
    if declared.is_empty() {
        return Err(at_least_one("ARG"));
    }
    Ok(Kind::Arg(declared))
}

fn declaration(word: &str) -> Result<ArgDecl, Problem> {
    match word.split_once('=') {
        Some(("", _)) => Err("ARG names can not be blank".into()),
        Some((name, default)) => Ok(ArgDecl { name: name.to_owned(), default: Some(default.to_owned()) }),
        None => Ok(ArgDecl { name: word.to_owned(), default: None }),
    }
}

fn at_least_one(keyword: &str) -> Problem {
    Problem::new(format!("{keyword} requires at least one argument"))
}

fn one(parts: &Parts<'_>, keyword: &str) -> Result<String, Problem> {
    no_flags(parts)?;
    if parts.text.is_empty() {
        return Err(format!("{keyword} requires exactly one argument").into());
    }
    Ok(parts.text.to_owned())
}

fn expose(parts: &Parts<'_>) -> Read {
    no_flags(parts)?;
    let mut words = split(parts.text)?;
    if words.is_empty() {
        return Err(at_least_one("EXPOSE"));
    }
    words.sort();
    Ok(Kind::Expose(words))
}

fn volume(parts: &Parts<'_>) -> Read {
    no_flags(parts)?;
    let words = list(parts.text)?;
    let volumes: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    if volumes.is_empty() {
        return Err(at_least_one("VOLUME"));
    }
    if volumes.iter().any(String::is_empty) {
        return Err("VOLUME specified can not be an empty string".into());
    }
    Ok(Kind::Volume(volumes))
}

fn shell(parts: &Parts<'_>) -> Read {
    no_flags(parts)?;
    match command(parts.text)? {
        Command::Exec(words) if !words.is_empty() => Ok(Kind::Shell(words)),
        Command::Shell(text) if !text.is_empty() => {
            let help = format!(
                "write it like `SHELL [\"{}\"]`",
                text.split_whitespace().collect::<Vec<_>>().join("\", \"")
            );
            Err(Problem::new("SHELL requires the arguments to be in JSON form").help(help))
        }
        _ => Err(at_least_one("SHELL")),
    }
}

fn stopsignal(parts: &Parts<'_>) -> Read {
    let word = one(parts, "STOPSIGNAL")?;
    // With a variable in it, only the build can tell.
    if !word.contains('$') {
        let plain = expand(&word, parts.escape, &(), Mode::WORD).map_err(|e| Problem::new(e.to_string()))?;
        signal::parse(&plain.text)?;
    }
    Ok(Kind::Stopsignal(word))
}

fn healthcheck(parts: &Parts<'_>) -> Read {
    let known =
        ["interval", "timeout", "start-period", "start-interval", "retries"].map(|name| (name, Takes::Text));
    let flags = Flags::read(&parts.flags, &known)?;
    if parts.text.is_empty() {
        return Err(at_least_one("HEALTHCHECK"));
    }
    let kind = parts.text.split(char::is_whitespace).next().unwrap_or_default();
    let rest = parts.text[kind.len()..].trim_start();
    match kind.to_uppercase().as_str() {
        "NONE" if rest.is_empty() => Ok(Kind::Healthcheck(Healthcheck::None)),
        "NONE" => Err("HEALTHCHECK NONE takes no arguments".into()),
        "CMD" => check(rest, &flags).map(Healthcheck::Check).map(Kind::Healthcheck),
        kind => Err(format!("Unknown type {} in HEALTHCHECK (try CMD)", quote(kind)).into()),
    }
}

fn check(text: &str, flags: &Flags) -> Result<Check, Problem> {
    let command = match command(text)? {
        Command::Shell(text) if text.is_empty() => return Err(no_check()),
        Command::Exec(words) if words.is_empty() => return Err(no_check()),
        command => command,
    };
    Ok(Check {
        interval: timing(flags, "interval")?,
        timeout: timing(flags, "timeout")?,
        start_period: timing(flags, "start-period")?,
        start_interval: timing(flags, "start-interval")?,
        retries: retries(flags)?,
        command,
    })
}

fn no_check() -> Problem {
    Problem::new("Missing command after HEALTHCHECK CMD")
}

fn timing(flags: &Flags, name: &str) -> Result<Option<Timing>, Problem> {
    let Some(text) = flags.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let nanoseconds = duration::parse(&text)?;
    if nanoseconds != 0 && nanoseconds < 1_000_000 {
        return Err(format!("Interval \"{name}\" cannot be less than 1ms").into());
    }
    Ok(Some(Timing { text, nanoseconds }))
}

fn retries(flags: &Flags) -> Result<Option<u32>, Problem> {
    let Some(text) = flags.text("retries").filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse::<i32>() {
        Ok(retries) => u32::try_from(retries)
            .map(Some)
            .map_err(|_| Problem::new(format!("--retries cannot be negative ({retries})"))),
        Err(_) => Err(format!("invalid value for --retries: `{text}` is no number").into()),
    }
}
