//! `--output` as buildx reads it: comma-separated `key=value`, or a bare path.

use std::path::PathBuf;

use engine::{Compress, Output};
use oci::media::Compression;

/// One `--output`, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Where to.
    pub output: Output,
    /// `name=`: more names for the image.
    pub names: Vec<String>,
    /// `compression=` and `compression-level=`.
    pub compress: Option<Compress>,
}

/// Reads a specification.
///
/// # Errors
/// With the part that is wrong.
pub fn parse(text: &str) -> Result<Spec, String> {
    if !text.contains('=') {
        return Ok(bare(text));
    }
    let mut fields = Fields::default();
    for part in split(text) {
        let (key, value) =
            part.split_once('=').ok_or_else(|| format!("`{part}` in `{text}` is not key=value"))?;
        fields.set(key.trim(), value, text)?;
    }
    fields.finish(text)
}

/// `-o FOLDER` and `-o -`.
fn bare(text: &str) -> Spec {
    let output = match text {
        "-" => Output::Tar { dest: None },
        path => Output::Local { dest: PathBuf::from(path) },
    };
    Spec { output, names: Vec::new(), compress: None }
}

/// At commas; a field in double quotes may hold some: `"name=a,b"`.
fn split(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("it starts with one").push(c),
        }
    }
    out
}

#[derive(Default)]
struct Fields {
    kind: Option<String>,
    /// `None` in it is `-`, standard output.
    dest: Option<Option<PathBuf>>,
    names: Vec<String>,
    push: bool,
    tar: Option<bool>,
    compression: Option<Compression>,
    level: Option<i32>,
}

impl Fields {
    fn set(&mut self, key: &str, value: &str, text: &str) -> Result<(), String> {
        match key {
            "type" => self.kind = Some(value.to_owned()),
            "dest" => self.dest = Some(Some(value).filter(|v| *v != "-").map(PathBuf::from)),
            "name" => self.names.extend(value.split(',').filter(|n| !n.is_empty()).map(str::to_owned)),
            "push" => self.push = flag(key, value)?,
            "tar" => self.tar = Some(flag(key, value)?),
            "compression" => self.compression = Some(compression(value)?),
            "compression-level" => {
                self.level =
                    Some(value.parse().map_err(|_| format!("compression-level `{value}` is not a number"))?);
            }
            // True without being asked for: nothing else is ever written.
            "oci-mediatypes" if flag(key, value)? => {}
            "unpack"
            | "store"
            | "dangling-name-prefix"
            | "name-canonical"
            | "oci-mediatypes"
            | "force-compression"
            | "rewrite-timestamp"
            | "buildinfo"
            | "push-by-digest"
            | "registry.insecure"
            | "platform-split" => {
                return Err(format!("`{key}={value}` in `--output {text}` is not supported yet"));
            }
            _ => return Err(format!("unknown key `{key}` in `--output {text}`")),
        }
        Ok(())
    }

    fn finish(self, text: &str) -> Result<Spec, String> {
        let kind = self.kind.as_deref().ok_or_else(|| format!("`--output {text}` needs a type"))?;
        let (named, dest) = (self.dest.is_some(), self.dest.flatten());
        let output = match kind {
            "image" => Output::Image { push: self.push },
            "registry" => Output::Image { push: true },
            "oci" => Output::Oci { dest, tar: self.tar.unwrap_or(true) },
            "docker" if named => Output::Docker { dest },
            "docker" => Output::Load,
            "tar" => Output::Tar { dest },
            "local" => {
                Output::Local { dest: dest.ok_or_else(|| format!("`--output {text}` needs dest=FOLDER"))? }
            }
            _ => {
                return Err(format!(
                    "unknown type `{kind}` in `--output {text}`: oci, docker, tar, local, image or registry"
                ));
            }
        };
        if self.push && !matches!(output, Output::Image { .. }) {
            return Err(format!("`push` in `--output {text}` goes with type=image only"));
        }
        let compress = compress(self.compression, self.level);
        Ok(Spec { output, names: self.names, compress })
    }
}

/// What was asked for; gzip, if that is a level and nothing else.
pub fn compress(format: Option<Compression>, level: Option<i32>) -> Option<Compress> {
    (format.is_some() || level.is_some()).then(|| Compress { format: format.unwrap_or_default(), level })
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("`{key}={value}`: true or false is wanted")),
    }
}

/// Reads a compression's name.
///
/// # Errors
/// If it is none that tare writes.
pub fn compression(name: &str) -> Result<Compression, String> {
    match name {
        "gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        "uncompressed" | "none" => Ok(Compression::None),
        _ => Err(format!("compression `{name}` is not supported: gzip, zstd or uncompressed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Output, &str>) {
        match (parse(text), expected) {
            (Ok(spec), Ok(output)) => assert_eq!(spec.output, output, "{text}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (got, expected) => panic!("{text}: {got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn kinds() {
        check("out", Ok(Output::Local { dest: "out".into() }));
        check("-", Ok(Output::Tar { dest: None }));
        check("type=oci,dest=x.tar", Ok(Output::Oci { dest: Some("x.tar".into()), tar: true }));
        check("type=oci,dest=x,tar=false", Ok(Output::Oci { dest: Some("x".into()), tar: false }));
        check("type=docker", Ok(Output::Load));
        check("type=docker,dest=-", Ok(Output::Docker { dest: None }));
        check("type=tar", Ok(Output::Tar { dest: None }));
        check("type=image,push=true", Ok(Output::Image { push: true }));
        check("type=registry,name=a/b", Ok(Output::Image { push: true }));
    }

    #[test]
    fn mistakes() {
        check("type=oops", Err("unknown type `oops`"));
        check("dest=x", Err("needs a type"));
        check("type=local", Err("needs dest"));
        check("type=oci,speed=1", Err("unknown key `speed`"));
        check("type=oci,dest=x,push=true", Err("type=image only"));
        check("type=image,push=maybe", Err("true or false"));
        check("type=oci,rewrite-timestamp=true", Err("not supported yet"));
    }

    #[test]
    fn a_quoted_field_may_hold_commas() {
        assert_eq!(parse("type=image,\"name=a,b\"").unwrap().names, ["a", "b"]);
    }
}
