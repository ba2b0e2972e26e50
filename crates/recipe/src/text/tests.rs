//! Whole Dockerfiles, and what of settings can't be one.

use std::path::Path;

use crate::scratch::Scratch;
use crate::{Ask, Recipe};

const GO_MOD: &str = "module example.com/shop\ngo 1.26.0\ntoolchain go1.26.8\nrequire example.com/x v1.0.0\n";
const MAIN: &str = "package main\n\nfunc main() {}\n";

fn made(scratch: &Scratch, ask: &Ask) -> Recipe {
    crate::go(&scratch.path, ask).expect("a recipe")
}

/// Against a file in `tests/golden`; what tare is told about lines has to be true of the lines.
fn check(scratch: &Scratch, ask: &Ask, name: &str) -> Recipe {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let recipe = made(scratch, ask);
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(recipe.dockerfile, expected, "{name}\n{}", recipe.dockerfile);
    let lines: Vec<&str> = recipe.dockerfile.lines().collect();
    let command = |line: usize| lines[line - 1..].iter().find(|l| !l.ends_with('\\')).map(|l| l.trim());
    let runs: Vec<usize> = (1..=lines.len()).filter(|n| lines[n - 1].starts_with("RUN ")).collect();
    let known: Vec<usize> = recipe.download_line.into_iter().chain(recipe.offline.iter().copied()).collect();
    assert_eq!(runs, known);
    assert!(recipe.download_line.is_none_or(|n| command(n) == Some("[\"go\", \"mod\", \"download\"]")));
    assert!(recipe.offline.iter().all(|n| command(*n).is_some_and(|c| c.contains("\"go\", \"build\", "))));
    assert!(recipe.dockerfile.contains(&format!("$BUILDPLATFORM {} AS build\n", recipe.base)));
    assert_eq!(made(scratch, ask), recipe, "the same twice");
    recipe
}

#[test]
fn one_program() {
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("go.sum", ""), ("main.go", MAIN)]);
    let recipe = check(&scratch, &Ask::default(), "one.Dockerfile");
    assert_eq!((recipe.notes.len(), recipe.base.as_str()), (0, "golang:1.26.8-alpine3.23"));
}

#[test]
fn vendored() {
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("cmd/a/main.go", MAIN), ("vendor/modules.txt", "")]);
    assert_eq!(check(&scratch, &Ask::default(), "vendored.Dockerfile").download_line, None);
}

#[test]
fn a_workspace_with_a_replaced_module() {
    let replace = "require example.com/y v0.0.0\nreplace example.com/y => ../lib y\n"
        .replace("../lib y", "\"../lib y\"");
    let scratch = Scratch::new(&[
        ("go.work", "go 1.26.0\nuse (\n\t./api\n\t./web\n)\n"),
        ("go.work.sum", ""),
        ("api/go.mod", &format!("{GO_MOD}{replace}")),
        ("api/go.sum", ""),
        ("api/main.go", MAIN),
        ("web/go.mod", "module example.com/web/v2\ngo 1.25.0\n"),
        ("web/main.go", MAIN),
        ("lib y/go.mod", "module example.com/y\n"),
    ]);
    let ask = Ask { mains: vec!["./...".into()], ..Ask::default() };
    let recipe = check(&scratch, &ask, "workspace.Dockerfile");
    assert_eq!(recipe.mains.iter().map(|m| &*m.name).collect::<Vec<_>>(), ["shop", "web"]);
    assert_eq!(
        recipe.notes,
        [
            "the image has 2 programs and no entrypoint: its user names one, as in `docker run IMAGE shop`; `--entrypoint shop` chooses"
        ]
    );
}

#[test]
fn everything_set() {
    let settings = "main = [\"./cmd/api\", \"example.com/x/cmd/tool\"]\ntags = \"netgo,osusergo\"\n\
        ldflags = \"-s -w -X 'main.name=a \\\"b\\\"'\"\ninclude = [\"assets:/srv/assets\", \"my $file:/srv/it's\"]\n\
        entrypoint = [\"api\", \"--name=$x y\"]\ncmd = [\"serve\"]\nuser = 1000\nexpose = [8080, \"53/udp\"]\n\
        [env]\nGREETING = \"say \\\"$hi\\\"\"\nPATH = \"/usr/local/bin:/opt\"\n[labels]\na = \"b\"\n";
    let scratch = Scratch::new(&[
        ("go.mod", GO_MOD),
        ("tare.toml", settings),
        ("cmd/api/main.go", MAIN),
        ("assets/x", ""),
        ("my $file", ""),
    ]);
    let platforms =
        ["linux/arm/v6", "linux/arm/v7", "linux/amd64/v3"].map(|p| p.parse().expect("a platform"));
    let ask = Ask { platforms: platforms.into(), ..Ask::default() };
    let recipe = check(&scratch, &ask, "everything.Dockerfile");
    assert_eq!(recipe.labels, [("a".to_owned(), "b".to_owned())].into());
}

#[test]
fn one_of_several_is_called_as_the_module() {
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("cmd/shop/main.go", MAIN), ("cmd/tool/main.go", MAIN)]);
    let ask = Ask { mains: vec!["./cmd/...".into()], ..Ask::default() };
    assert!(made(&scratch, &ask).dockerfile.ends_with("\nENTRYPOINT [\"/usr/local/bin/shop\"]\n"));
}

#[test]
fn what_an_image_of_before_offers_stays() {
    let settings = "entrypoint = [\"x\"]\ncmd = \"y\"\n";
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("main.go", MAIN), ("tare.toml", settings)]);
    let interface = crate::Interface {
        programs: vec!["/usr/bin/app".into()],
        keeps_start: true,
        workdir: Some("/srv".into()),
        ..crate::Interface::default()
    };
    let ask = Ask { cmd: vec!["app".into(), "-v".into()], interface: Some(interface), ..Ask::default() };
    let recipe = made(&scratch, &ask);
    let image = recipe.dockerfile.split("/empty/ /\n").nth(1).unwrap_or_default();
    let expected = "COPY --from=build /out/shop /usr/bin/app\n\
        ENV PATH=/usr/bin ZONEINFO=/usr/share/zoneinfo.zip\nWORKDIR /srv\nUSER 65534:65534\nCMD [\"app\", \"-v\"]\n";
    assert_eq!((image, recipe.notes.len()), (expected, 0));
}

fn refused(settings: &str, message: &str) {
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("main.go", MAIN), ("x", ""), ("tare.toml", settings)]);
    let problem = crate::go(&scratch.path, &Ask::default()).expect_err("refused");
    assert_eq!(problem.message, message);
}

#[test]
fn what_no_dockerfile_can_hold() {
    refused("tags = \"a;b\"", "tags: `a;b` is not a build tag");
    refused("ldflags = \"a\\u0000\"", "ldflags: a NUL character can't be part of an argument");
    refused("cmd = \"a\\u0000\"", "cmd: a NUL character can't be part of an argument");
    refused("expose = \"http\"", "expose: `http` is not a port");
    refused("expose = 65536", "expose: `65536` is not a port");
    refused("expose = \"+80\"", "expose: `+80` is not a port");
    refused("user = \"a b\"", "user: \"a b\" is not a user");
    refused("[env]\n\"a b\" = 1", "env: `a b` is not the name of a variable");
    let broken = "env: `A`: \"x\\ny\" has a control character, which a Dockerfile can't hold";
    refused("[env]\nA = \"x\\ny\"", broken);
    refused("include = \"x:srv\"", "include: `x:srv`: the destination is not an absolute path");
    refused(
        "include = \"../x:/srv\"",
        "include: `../x:/srv`: the path is outside of the folder that is built",
    );
    refused("include = \"none:/srv\"", "include: `none:/srv`: there is no such path");
    refused("include = \".:/srv\"", "include: `.:/srv`: that is the whole project");
    refused("include = \"*.x:/srv\"", "include: `*.x:/srv`: patterns are not possible");
}

#[test]
fn an_entrypoint_is_one_of_the_programs_or_a_path() {
    let scratch = Scratch::new(&[("go.mod", GO_MOD), ("cmd/a/main.go", MAIN)]);
    let entrypoint =
        |word: &str| crate::go(&scratch.path, &Ask { entrypoint: vec![word.into()], ..Ask::default() });
    assert!(entrypoint("a").is_ok() && entrypoint("/bin/sh").is_ok());
    let problem = entrypoint("b").unwrap_err();
    assert_eq!(problem.message, "entrypoint: the image has no program `b`");
    assert!(problem.help.is_some_and(|help| help.contains("`a`")));
}
