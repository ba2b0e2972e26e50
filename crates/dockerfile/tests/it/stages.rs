//! Stages, and what a name stands for in each place.

use dockerfile::{Dockerfile, Found, parse, stages};

const FILE: &str = "ARG g=1 h\nFROM a AS one\nRUN x\nFROM b\nARG i\nFROM c AS ONE\nFROM d AS three\n";

fn file(source: &str) -> Dockerfile {
    let (file, problems) = parse(source.as_bytes());
    assert_eq!(problems, []);
    file
}

#[test]
fn a_file_falls_into_stages() {
    let file = file(FILE);
    let all = stages(&file).unwrap();
    let names: Vec<_> = all.stages.iter().map(|stage| (stage.index, stage.name, stage.line)).collect();
    assert_eq!(names, [(0, Some("one"), 2), (1, None, 4), (2, Some("one"), 6), (3, Some("three"), 7)]);
    let args: Vec<_> = all.global_args.iter().map(|(arg, at)| (arg.name.as_str(), at.line)).collect();
    assert_eq!(args, [("g", 1), ("h", 1)]);
    assert_eq!(all.stages[1].instructions.len(), 1);
    assert_eq!(all.stages[1].from.image, "b");
    assert_eq!(all.names().collect::<Vec<_>>(), ["one", "one", "three"]);
}

#[test]
fn no_stage_is_an_error() {
    let file = file("ARG a");
    assert_eq!(stages(&file).unwrap_err()[0].message, "dockerfile contains no stages to build");
}

#[test]
fn trap_9_from_finds_exact_names_only() {
    let file = file(FILE);
    let all = stages(&file).unwrap();
    assert_eq!(all.base("one", 0), None);
    assert_eq!(all.base("one", 2), Some(0));
    assert_eq!(all.base("one", 3), Some(2));
    assert_eq!(all.base("ONE", 3), None);
    assert_eq!(all.base("0", 3), None);
}

#[test]
fn trap_10_copy_finds_names_and_numbers() {
    let file = file(FILE);
    let all = stages(&file).unwrap();
    for (text, before, expected) in [
        ("one", 1, Found::Earlier(0)),
        ("One", 3, Found::Earlier(2)),
        ("three", 3, Found::Own),
        ("three", 1, Found::Later(3)),
        ("1", 2, Found::Earlier(1)),
        ("2", 2, Found::Own),
        ("3", 2, Found::Later(3)),
        ("4", 2, Found::NoSuchIndex),
        ("-1", 2, Found::NoSuchIndex),
        ("alpine", 2, Found::Outside),
    ] {
        assert_eq!(all.find(text, before), expected, "{text} in {before}");
    }
    assert_eq!(all.find_named("0", 2), Found::Outside);
    assert_eq!(all.find_named("ONE", 2), Found::Earlier(0));
}

#[test]
fn a_target_is_the_last_of_its_name_or_an_index() {
    let file = file(FILE);
    let all = stages(&file).unwrap();
    let target = |text: &str| all.target(text).map(|stage| stage.index);
    assert_eq!((target("one"), target("THREE"), target("1"), target("x")), (Some(2), Some(3), Some(1), None));
}
