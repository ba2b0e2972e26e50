//! Flags of instructions: `--name`, `--name=value`, each with its kind.
//!
//! Fed by `words::flags`, used by `syntax`, which names the flags an instruction knows.

use crate::diagnostic::Problem;
use crate::suggest;
use crate::words::MOST_FLAGS;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, `true` or `false`.
    Bool,
    /// One value; once.
    Text,
    /// One value; as often as you like.
    Texts,
}

/// The flags of one instruction, read.
#[derive(Debug, Default)]
pub struct Flags {
    values: Vec<(&'static str, String)>,
}

impl Flags {
    /// Reads flags as `words::flags` found them.
    pub fn read(flags: &[String], known: &[(&'static str, Takes)]) -> Result<Flags, Problem> {
        if flags.len() > MOST_FLAGS {
            return Err(format!("more than {MOST_FLAGS} flags").into());
        }
        let mut read = Flags::default();
        for flag in flags {
            let (name, value) = flag.split_once('=').map_or((flag.as_str(), None), |(n, v)| (n, Some(v)));
            let (name, takes) = look_up(name, known)?;
            if takes != Takes::Texts && read.text(name).is_some() {
                return Err(format!("duplicate flag specified: --{name}").into());
            }
            read.values.push((name, check(name, takes, value)?));
        }
        Ok(read)
    }

    /// The value of a flag that is given at most once.
    pub fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    /// The values of a flag, in order.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// Whether a flag is given and what it says.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "true")
    }
}

fn look_up(name: &str, known: &[(&'static str, Takes)]) -> Result<(&'static str, Takes), Problem> {
    let bare = name.strip_prefix("--").unwrap_or(name);
    if let Some(found) = known.iter().find(|(known, _)| *known == bare) {
        return Ok(*found);
    }
    let near = suggest::nearest(bare, known.iter().map(|(name, _)| *name));
    Err(Problem::new(format!("unknown flag: {name}")).suggest(near.map(|near| format!("--{near}"))))
}

fn check(name: &str, takes: Takes, value: Option<&str>) -> Result<String, Problem> {
    let missing = || Problem::new(format!("missing a value on flag: --{name}"));
    if takes != Takes::Bool {
        return value.map(String::from).ok_or_else(missing);
    }
    match value.map(str::to_lowercase).as_deref() {
        None => Ok("true".to_owned()),
        Some("") => Err(missing()),
        Some(value @ ("true" | "false")) => Ok(value.to_owned()),
        Some(value) => Err(format!("expecting boolean value for flag --{name}, not: {value}").into()),
    }
}
