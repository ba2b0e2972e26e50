//! `--call`: what a Dockerfile can build, and what that takes, instead of building it.
//!
//! Text and JSON have the form that `docker buildx build --call` gives them.

mod shape;

use engine::{Error, Event, Settings, Voice};
use plan::outline::{self, Asked, Outline, Target};

use super::images::table::table;
use super::lint;
use super::outside::Outside;
use crate::failure::Failure;

/// What to print instead of building.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    what: What,
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Check,
    Outline,
    Targets,
}

/// Reads `--call`; `None` means to build.
///
/// # Errors
/// If it is none that tare knows.
pub fn read(text: &str) -> Result<Option<Call>, Failure> {
    parse(text).map_err(|why| Failure::Usage(format!("`--call={text}`: {why}")))
}

fn parse(text: &str) -> Result<Option<Call>, String> {
    let (mut name, mut json) = ("build", false);
    for field in text.split(',') {
        match field.split_once('=') {
            None => name = field,
            Some(("format", "json")) => json = true,
            Some(("format", "text")) => json = false,
            Some(("format", other)) => return Err(format!("unknown format `{other}`, only json and text")),
            Some((key, _)) => return Err(format!("unknown option `{key}`, only format")),
        }
    }
    let what = match name {
        "build" => return Ok(None),
        "outline" => What::Outline,
        "targets" => What::Targets,
        "check" | "lint" => What::Check,
        _ => return Err(format!("unknown method `{name}`, only build, check, outline and targets")),
    };
    Ok(Some(Call { what, json }))
}

/// What to print. A context that is elsewhere is brought for its Dockerfile.
///
/// # Errors
/// If there is no Dockerfile, or it is wrong, or has no such target.
pub fn answer(
    call: Call,
    settings: &mut Settings,
    outside: Option<&Outside>,
    sink: &(dyn Fn(Event) + Sync),
) -> engine::Result<lint::Answer> {
    if let Some(outside) = outside {
        bring(outside, settings, sink)?;
    }
    match call.what {
        What::Check => lint::answer(settings, call.json),
        _ => Ok(lint::Answer { text: described(call, settings)?, problems: Vec::new(), is_clean: true }),
    }
}

fn described(call: Call, settings: &Settings) -> engine::Result<String> {
    let (source, problems) = dockerfile::parse(&settings.dockerfile);
    if !problems.is_empty() {
        return Err(Error::Dockerfile(problems));
    }
    let stages = dockerfile::stages(&source).map_err(Error::Dockerfile)?;
    Ok(match call.what {
        What::Check => String::new(),
        What::Targets => {
            let all = outline::targets(&stages);
            if call.json { shape::targets(&all, &settings.dockerfile) } else { targets(&all) }
        }
        What::Outline => {
            let found = outline::outline(&source, &stages, &settings.plan);
            let found = found.map_err(|problem| Error::Dockerfile(vec![problem]))?;
            if call.json { shape::outline(&found, &settings.dockerfile) } else { outlined(&found) }
        }
    })
}

fn bring(outside: &Outside, settings: &mut Settings, sink: &(dyn Fn(Event) + Sync)) -> engine::Result<()> {
    let plain = super::build::plain;
    crate::namespace::enter().map_err(plain)?;
    settings.may_work = true;
    let store = crate::home::store().map_err(plain)?;
    let _user = store.share()?;
    outside.bring(&store, settings, &Voice::new(sink))
}

fn targets(all: &[Target]) -> String {
    let row = |target: &Target| [name(target), target.description.clone().unwrap_or_default()];
    table(["TARGET", "DESCRIPTION"], &all.iter().map(row).collect::<Vec<_>>())
}

fn name(target: &Target) -> String {
    match (&target.name, target.is_default) {
        (Some(name), true) => format!("{name} (default)"),
        (None, true) => "(default)".to_owned(),
        (name, false) => name.clone().unwrap_or_default(),
    }
}

fn outlined(found: &Outline) -> String {
    let mut parts = Vec::new();
    if let Some(name) = &found.name {
        let description = found.description.iter().map(|text| format!("DESCRIPTION: {text}\n"));
        parts.push(format!("TARGET:      {name}\n{}", description.collect::<String>()));
    }
    if !found.args.is_empty() {
        let rows = found.args.iter().map(|arg| {
            let description = arg.description.clone().unwrap_or_default();
            [arg.name.clone(), arg.value.clone(), description]
        });
        parts.push(table(["BUILD ARG", "VALUE", "DESCRIPTION"], &rows.collect::<Vec<_>>()));
    }
    for (head, all) in [("SECRET", &found.secrets), ("SSH", &found.agents)] {
        if !all.is_empty() {
            parts.push(asked(head, all));
        }
    }
    parts.join("\n")
}

fn asked(head: &str, all: &[Asked]) -> String {
    let required = |asked: &Asked| if asked.required { "true".to_owned() } else { String::new() };
    let rows: Vec<[String; 2]> = all.iter().map(|asked| [asked.name.clone(), required(asked)]).collect();
    table([head, "REQUIRED"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Option<(What, bool)>, &str>) {
        match (parse(text), expected) {
            (Ok(call), Ok(expected)) => {
                assert_eq!(call, expected.map(|(what, json)| Call { what, json }), "{text}");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn methods_and_formats() {
        check("build", Ok(None));
        check("outline", Ok(Some((What::Outline, false))));
        check("targets,format=json", Ok(Some((What::Targets, true))));
        check("format=json,outline", Ok(Some((What::Outline, true))));
        check("targets,format=text", Ok(Some((What::Targets, false))));
        check("check", Ok(Some((What::Check, false))));
        check("lint,format=json", Ok(Some((What::Check, true))));
        check("", Err("unknown method ``"));
        check("outline,format=yaml", Err("unknown format `yaml`"));
        check("outline,colour=red", Err("unknown option `colour`"));
    }

    #[test]
    fn an_outline_has_only_the_tables_that_it_needs() {
        assert_eq!(outlined(&Outline::default()), "");
        let secrets = vec![Asked { name: "s".into(), required: true, lines: (1, 1) }];
        let found = Outline { name: Some("a".into()), secrets, ..Outline::default() };
        assert_eq!(outlined(&found), "TARGET:      a\n\nSECRET   REQUIRED\ns        true\n");
    }
}
