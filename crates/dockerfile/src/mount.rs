//! The value of `RUN --mount` to a mount: `type=cache,target=/x` to its fields, checked.
//!
//! A value is cut at its commas first and expanded field by field after that, so a comma in a variable
//! is part of its field. Where a mount ends up (WORKDIR, secret's default path) is the plan's affair.

use crate::csv;
use crate::diagnostic::Problem;
use crate::quote::quote;
use crate::suggest;

/// What a mount brings in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MountType {
    /// Files of the context, a stage or an image.
    #[default]
    Bind,
    /// A directory that outlives the build.
    Cache,
    /// An empty directory in memory.
    Tmpfs,
    /// A file or variable that the image never sees.
    Secret,
    /// The socket of an SSH agent.
    Ssh,
}

/// Who may use a cache at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Everybody.
    Shared,
    /// One each.
    Private,
    /// One after the other.
    Locked,
}

const TYPES: [(&str, MountType); 5] = [
    ("bind", MountType::Bind),
    ("cache", MountType::Cache),
    ("tmpfs", MountType::Tmpfs),
    ("secret", MountType::Secret),
    ("ssh", MountType::Ssh),
];

const SHARING: [(&str, Sharing); 3] =
    [("shared", Sharing::Shared), ("private", Sharing::Private), ("locked", Sharing::Locked)];

const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

/// A mount of RUN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// `type`
    pub kind: MountType,
    /// `from`: a stage, image or named context; without it, the build context.
    pub from: Option<String>,
    /// `source`
    pub source: Option<String>,
    /// `target`
    pub target: Option<String>,
    /// `readonly`; bind, secret and ssh are, unless told otherwise.
    pub readonly: bool,
    /// `size` of a tmpfs, in bytes; 0 is no limit.
    pub size: u64,
    /// `id` of a cache, secret or agent.
    pub id: Option<String>,
    /// `sharing` of a cache.
    pub sharing: Option<Sharing>,
    /// `required` secret or agent.
    pub required: bool,
    /// `env`: the variable that holds a secret.
    pub env: Option<String>,
    /// `mode` of a cache's directory, a secret's file or an agent's socket.
    pub mode: Option<u32>,
    /// `uid` of the same.
    pub uid: Option<u32>,
    /// `gid` of the same.
    pub gid: Option<u32>,
}

impl Mount {
    /// Reads a value that has no variables, or whose variables are filled in.
    pub fn parse(value: &str) -> Result<Mount, Problem> {
        Mount::parse_with(value, |field| Ok(field.to_owned()))
    }

    /// Reads a value whose fields `expand` fills in.
    pub fn parse_with(
        value: &str,
        mut expand: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<Mount, Problem> {
        let mut mount = Mount::default();
        let mut readonly = None;
        for field in fields(value)? {
            match field.split_once('=') {
                None => mount.take_word(&field, &mut readonly)?,
                Some((key, value)) => {
                    mount.take(&field, &key.to_lowercase(), expand(value)?, &mut readonly)?
                }
            }
        }
        mount.readonly = readonly.unwrap_or(!matches!(mount.kind, MountType::Cache | MountType::Tmpfs));
        mount.check()?;
        Ok(mount)
    }

    /// The `from` of a raw value, which may have no variables. An error if it has, or if the value is no list.
    pub fn raw_from(value: &str) -> Result<Option<String>, Problem> {
        let mut from = None;
        for field in fields(value)? {
            let Some((key, value)) = field.split_once('=') else { continue };
            if !key.eq_ignore_ascii_case("from") {
                continue;
            }
            if value.find('$').is_some_and(|at| at + 1 < value.len()) {
                let message = "'from' doesn't support variable expansion, define alias stage instead";
                return Err(
                    Problem::new(message).help("write `FROM $image AS name` above and use `from=name`")
                );
            }
            from = Some(value.to_owned());
        }
        Ok(from.filter(|from| !from.is_empty()))
    }

    fn take_word(&mut self, field: &str, readonly: &mut Option<bool>) -> Result<(), Problem> {
        match field.to_lowercase().as_str() {
            "readonly" | "ro" => *readonly = Some(true),
            "readwrite" | "rw" => *readonly = Some(false),
            key @ "required" => self.require(key, true)?,
            _ => return Err(format!("invalid field '{field}' must be a key=value pair").into()),
        }
        Ok(())
    }

    fn take(
        &mut self,
        field: &str,
        key: &str,
        value: String,
        readonly: &mut Option<bool>,
    ) -> Result<(), Problem> {
        match key {
            "type" => self.kind = choose(&TYPES, "mount type", &value)?,
            "from" => self.from = some(value),
            "source" | "src" => self.source = some(value),
            "target" | "dst" | "destination" => self.target = some(value),
            "readonly" | "ro" => *readonly = Some(bool_value(key, &value)?),
            "readwrite" | "rw" => *readonly = Some(!bool_value(key, &value)?),
            "required" => self.require(key, bool_value(key, &value)?)?,
            "size" if self.kind == MountType::Tmpfs => {
                self.size = bytes(&value).ok_or_else(|| format!("invalid value for size: {value}"))?;
            }
            "size" => return Err(self.unexpected(key)),
            "id" => self.id = some(value),
            "sharing" => self.sharing = Some(choose(&SHARING, "sharing value", &value)?),
            "mode" => self.mode = Some(number(key, &value, 8)?),
            "uid" => self.uid = Some(number(key, &value, 10)?),
            "gid" => self.gid = Some(number(key, &value, 10)?),
            "env" => self.env = Some(value),
            _ => {
                let problem = Problem::new(format!("unexpected key '{key}' in '{field}'"));
                return Err(problem.suggest(suggest::nearest(key, KEYS)));
            }
        }
        Ok(())
    }

    // The order of the fields matters, as in BuildKit: `type` has to come first.
    fn require(&mut self, key: &str, value: bool) -> Result<(), Problem> {
        if !matches!(self.kind, MountType::Secret | MountType::Ssh) {
            return Err(self.unexpected(key));
        }
        self.required = value;
        Ok(())
    }

    fn unexpected(&self, key: &str) -> Problem {
        Problem::new(format!("unexpected key '{key}' for mount type '{}'", self.kind.name()))
            .help("`type` has to come before it")
    }

    fn check(&self) -> Result<(), Problem> {
        let name = self.kind.name();
        let owned = [("mode", self.mode), ("uid", self.uid), ("gid", self.gid)];
        if matches!(self.kind, MountType::Bind | MountType::Tmpfs)
            && let Some((key, _)) = owned.iter().find(|(_, value)| value.is_some())
        {
            return Err(format!("{key} not allowed for \"{name}\" type mounts").into());
        }
        if self.kind == MountType::Secret {
            self.check_secret()?;
        }
        if self.kind == MountType::Ssh && self.source.is_some() {
            return Err("ssh does not support source".into());
        }
        if self.sharing.is_some() && self.kind != MountType::Cache {
            return Err(format!("invalid cache sharing set for {name} mount").into());
        }
        Ok(())
    }

    fn check_secret(&self) -> Result<(), Problem> {
        if self.from.is_some() {
            return Err("secret mount should not have a from".into());
        }
        if self.sharing.is_some() {
            return Err("secret mount should not define sharing".into());
        }
        match (&self.source, &self.target, &self.id) {
            (None, None, None) => Err("invalid secret mount. one of source, target required".into()),
            (Some(_), _, Some(_)) => Err("both source and id can't be set".into()),
            _ => Ok(()),
        }
    }
}

impl MountType {
    /// The name in `type=`.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

fn fields(value: &str) -> Result<Vec<String>, Problem> {
    csv::fields(value).map_err(|e| Problem::new(format!("failed to parse csv mounts: {e}")))
}

fn some(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty())
}

fn choose<T: Copy>(options: &[(&str, T)], what: &str, value: &str) -> Result<T, Problem> {
    let lower = value.to_lowercase();
    if let Some((_, found)) = options.iter().find(|(name, _)| *name == lower) {
        return Ok(*found);
    }
    let problem = Problem::new(format!("unsupported {what} {}", quote(value)));
    Err(problem.suggest(suggest::nearest(value, options.iter().map(|(name, _)| *name))))
}

/// A yes or no in any of Go's spellings.
pub(crate) fn bool_value(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("invalid value for {key}: {value}")),
    }
}

fn number(key: &str, value: &str, radix: u32) -> Result<u32, Problem> {
    // `from_str_radix` takes a sign, Go does not.
    let parsed = u32::from_str_radix(value, radix).ok().filter(|_| !value.starts_with('+'));
    parsed.ok_or_else(|| Problem::new(format!("invalid value {value} for {key}")))
}

/// A size like `64m`, `1.5GiB` or `100`, in bytes.
fn bytes(text: &str) -> Option<u64> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))? + 1;
    let (number, unit) = text.split_at(end);
    let number: f64 = number.strip_suffix(' ').unwrap_or(number).parse().ok()?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    let size = number * 1024f64.powi(factor);
    // Above 2^63 Go's conversion is undefined; nobody has that much memory.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..9e18).contains(&size).then_some(size as u64)
}
