//! Instructions to JSON: names, flags and words as they are written, before any variable is filled in.
//!
//! Flags and words are cut once more from the logical line, because the typed instruction sorts and drops
//! what has no meaning to a build: `EXPOSE` is sorted there, `--from=` without a value is gone.
//! Fields are only ever added.

use dockerfile::instruction::{Command, Healthcheck, KeyValue};
use dockerfile::syntax::{self, Parts};
use dockerfile::{ArgDecl, Dockerfile, From, Heredoc, Instruction, Kind, words};
use serde::Serialize;

/// A Dockerfile.
#[derive(Serialize)]
pub struct Document<'a> {
    escape: char,
    syntax: Option<&'a str>,
    instructions: Vec<Shape<'a>>,
}

/// An instruction.
#[derive(Serialize)]
struct Shape<'a> {
    /// The keyword in lower case.
    name: String,
    line: u32,
    end_line: u32,
    /// Without their quotes.
    flags: Vec<String>,
    args: Vec<String>,
    /// The words come from a JSON array.
    exec_form: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    heredocs: Vec<Body<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<Box<Shape<'a>>>,
}

/// A here-document.
#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    content: &'a str,
    expand: bool,
    chomp: bool,
    fd: u32,
}

impl<'a> Document<'a> {
    /// What `dockerfile` says.
    pub fn of(dockerfile: &'a Dockerfile) -> Document<'a> {
        let directives = &dockerfile.directives;
        let shape = |instruction| shape(instruction, directives.escape);
        Document {
            escape: directives.escape,
            syntax: directives.syntax.as_deref(),
            instructions: dockerfile.instructions.iter().map(shape).collect(),
        }
    }
}

fn shape(instruction: &Instruction, escape: char) -> Shape<'_> {
    let parts = syntax::cut(&instruction.original, escape);
    let (args, exec_form) = args(&instruction.kind, &parts);
    let trigger = match &instruction.kind {
        Kind::Onbuild(trigger) => Some(trigger),
        _ => None,
    };
    // Those of a trigger are the trigger's.
    let heredocs = if trigger.is_some() { &[] } else { instruction.heredocs() };
    Shape {
        name: instruction.kind.keyword().to_lowercase(),
        line: instruction.line,
        end_line: instruction.end_line,
        flags: parts.flags,
        args,
        exec_form,
        heredocs: heredocs.iter().map(heredoc).collect(),
        trigger: trigger.map(|trigger| Box::new(shape(trigger, escape))),
    }
}

fn heredoc(heredoc: &Heredoc) -> Body<'_> {
    let Heredoc { name, content, expand, chomp, fd } = heredoc;
    Body { name, content, expand: *expand, chomp: *chomp, fd: *fd }
}

/// The words, and whether they come from a JSON array.
fn args(kind: &Kind, parts: &Parts<'_>) -> (Vec<String>, bool) {
    match kind {
        Kind::From(from) => (from_words(from), false),
        Kind::Run(run) => command(&run.command),
        Kind::Cmd(told) | Kind::Entrypoint(told) => command(told),
        Kind::Copy(_) | Kind::Add(_) | Kind::Volume(_) => list(parts.text),
        Kind::Env(pairs) | Kind::Label(pairs) => (pairs.iter().flat_map(triple).collect(), false),
        Kind::Arg(declared) => (declared.iter().map(declaration).collect(), false),
        Kind::Expose(_) => (words::split(parts.text), false),
        Kind::Workdir(text) | Kind::User(text) | Kind::Stopsignal(text) | Kind::Maintainer(text) => {
            (vec![text.clone()], false)
        }
        Kind::Healthcheck(healthcheck) => check(healthcheck),
        Kind::Shell(words) => (words.clone(), true),
        Kind::Onbuild(_) => (Vec::new(), false),
    }
}

fn from_words(from: &From) -> Vec<String> {
    [Some(&from.image), from.as_text.as_ref(), from.alias_text.as_ref()]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn command(command: &Command) -> (Vec<String>, bool) {
    match command {
        Command::Shell(text) => (vec![text.clone()], false),
        Command::Exec(words) => (words.clone(), true),
    }
}

/// The word that says which kind of check goes first: `NONE` alone is none, behind `CMD` it is a program.
fn check(healthcheck: &Healthcheck) -> (Vec<String>, bool) {
    let Healthcheck::Check(check) = healthcheck else { return (vec!["NONE".to_owned()], false) };
    let (words, exec_form) = command(&check.command);
    (["CMD".to_owned()].into_iter().chain(words).collect(), exec_form)
}

fn list(text: &str) -> (Vec<String>, bool) {
    let json = text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten();
    json.map_or_else(|| (words::split(text), false), |words| (words, true))
}

/// Key, value, and what stands between them.
fn triple(pair: &KeyValue) -> [String; 3] {
    let between = if pair.old_form { "" } else { "=" };
    [pair.key.clone(), pair.value.clone(), between.to_owned()]
}

fn declaration(arg: &ArgDecl) -> String {
    match &arg.default {
        Some(default) => format!("{}={default}", arg.name),
        None => arg.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn instructions(text: &str) -> Vec<Value> {
        let (dockerfile, problems) = dockerfile::parse(format!("FROM a\n{text}").as_bytes());
        assert_eq!(problems, []);
        let Value::Object(mut document) = serde_json::to_value(Document::of(&dockerfile)).unwrap() else {
            panic!("no object")
        };
        let Some(Value::Array(all)) = document.remove("instructions") else { panic!("no array") };
        all.into_iter().skip(1).collect()
    }

    fn words(text: &str) -> Value {
        instructions(text)[0]["args"].clone()
    }

    #[test]
    fn words_are_raw() {
        assert_eq!(words("EXPOSE 90 80"), json!(["90", "80"]));
        assert_eq!(words("COPY \"$a\" b /c"), json!(["\"$a\"", "b", "/c"]));
        assert_eq!(words("ENV A=\"b c\" D=$E"), json!(["A", "\"b c\"", "=", "D", "$E", "="]));
        assert_eq!(words("LABEL a b  c"), json!(["a", "b  c", ""]));
        assert_eq!(words("ARG a b='c d'"), json!(["a", "b='c d'"]));
        assert_eq!(words("FROM b as C"), json!(["b", "as", "C"]));
        assert_eq!(words("HEALTHCHECK NONE"), json!(["NONE"]));
        assert_eq!(words("HEALTHCHECK --retries=2 CMD a b"), json!(["CMD", "a b"]));
    }

    #[test]
    fn the_json_form_is_told_from_the_other() {
        for text in ["CMD [\"a\", \"b c\"]", "COPY [\"a\", \"b c\"]", "VOLUME [\"a\", \"b c\"]"] {
            let one = &instructions(text)[0];
            assert_eq!((&one["args"], &one["exec_form"]), (&json!(["a", "b c"]), &json!(true)), "{text}");
        }
        let one = &instructions("CMD [a, b c]")[0];
        assert_eq!((&one["args"], &one["exec_form"]), (&json!(["[a, b c]"]), &json!(false)));
    }

    #[test]
    fn flags_stay_in_order() {
        let one = &instructions("RUN --network=none --mount=type=tmpfs,target=/t true")[0];
        assert_eq!(one["flags"], json!(["--network=none", "--mount=type=tmpfs,target=/t"]));
    }

    #[test]
    fn a_trigger_has_its_own_flags_and_documents() {
        let one = &instructions("ONBUILD COPY --link <<-'E' /x\n\tbody\nE\n")[0];
        assert_eq!((&one["args"], &one["flags"], one.get("heredocs")), (&json!([]), &json!([]), None));
        let trigger = &one["trigger"];
        assert_eq!(trigger["args"], json!(["<<-'E'", "/x"]));
        assert_eq!(trigger["flags"], json!(["--link"]));
        let document = json!({"name": "E", "content": "\tbody\n", "expand": false, "chomp": true, "fd": 0});
        assert_eq!(trigger["heredocs"], json!([document]));
        assert_eq!((&trigger["line"], &trigger["end_line"]), (&json!(2), &json!(4)));
    }
}
