//! Records and layers, made by hand, to reasons.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plan::{Key, Part};
use store::builds::{Broken, Ended, How as Came, Kind as Op, Mount};
use store::layers::{Maker, Meta as LayerMeta};
use store::traces::Run;
use trace::{Fact, Look};
use tree::{Change, Content, Entry, Kind as Holds, Meta, Source};

use super::*;

/// A store that goes when it is dropped.
struct Scratch {
    path: PathBuf,
    store: Option<Store>,
}

impl Scratch {
    fn new() -> Scratch {
        let path = std::env::temp_dir().join(format!("tare-why-{}", Record::begin().id));
        let store = Some(Store::open(&path).unwrap());
        Scratch { path, store }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// A layer that can be served.
    fn layer(&self, changes: &[Change]) -> LayerId {
        let id = LayerId::Made(tree::id(changes));
        let (bytes, entries) = (1, changes.len() as u64);
        let copied = Vec::new();
        let meta = LayerMeta { maker: Maker::Copy, started: (0, 0), bytes, entries, traceable: true, copied };
        self.store().put_layer(&id, changes, &meta).unwrap();
        std::fs::create_dir_all(self.store().layer_fs(&id)).unwrap();
        id
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.store.take());
        store::clean::remove_tree(&self.path);
    }
}

fn put(path: &str, mode: u32, kind: Holds) -> Change {
    Change::Put(Entry { path: path.into(), meta: Meta { mode, ..Meta::default() }, kind })
}

fn file(path: &str, mode: u32, text: &str) -> Change {
    let content = Content(blake3::hash(text.as_bytes()).into());
    put(path, mode, Holds::File { size: text.len() as u64, content, source: Source::Bytes(Arc::new([])) })
}

fn link(path: &str, target: &str) -> Change {
    put(path, 0o777, Holds::Symlink { target: target.into() })
}

fn digits(text: &str) -> String {
    short(blake3::hash(text.as_bytes()).to_hex().as_str())
}

fn step(stage: &str, number: u32, kind: Op, instruction: &str) -> Step {
    Step {
        place: format!("{stage} {number}/9"),
        stage: stage.to_owned(),
        number,
        line: number,
        instruction: instruction.to_owned(),
        platform: "linux/amd64".to_owned(),
        kind,
        ended: Ended::Well,
        how: Some(Came::Exact),
        millis: 0,
        parent: None,
        inputs: Vec::new(),
        layers: Vec::new(),
        base: None,
        key: Vec::new(),
        mounts: Vec::new(),
        watched: None,
        broken: None,
        network: false,
        wide: false,
        twins: Vec::new(),
        asked: None,
        cache_lost: false,
    }
}

/// A stage of these steps, each on the one before.
fn build(mut steps: Vec<Step>) -> Record {
    steps.iter_mut().enumerate().skip(1).for_each(|(at, step)| step.parent = Some(at as u32 - 1));
    Record { platforms: vec!["linux/amd64".to_owned()], steps, ..Record::begin() }
}

/// COPY of a layer, and a RUN on it.
fn copy_and_run(layer: LayerId, run: Step) -> Record {
    let copy = Step { layers: vec![layer], ..step("s", 1, Op::Copy, "COPY . /") };
    build(vec![copy, Step { number: 2, ..run }])
}

fn told(reasons: &[Reason]) -> Vec<String> {
    let one = |reason: &Reason| serde_json::to_value(reason).unwrap().to_string();
    reasons.iter().map(one).collect()
}

#[test]
fn an_inserted_line_or_another_stage_name_makes_nothing_new() {
    let texts = |stage, texts: &[&str]| -> Vec<Step> {
        texts.iter().zip(1..).map(|(text, n)| step(stage, n, Op::Run, text)).collect()
    };
    for (now, past, expected) in [
        (texts("a", &["x", "new line", "y"]), texts("a", &["x", "y"]), vec![Some(0), None, Some(1)]),
        (texts("b", &["x", "y"]), texts("a", &["x", "y"]), vec![Some(0), Some(1)]),
        (texts("a", &["x", "x"]), texts("a", &["y", "x", "x"]), vec![Some(2), Some(1)]),
        (texts("a", &["make all"]), texts("a", &["make most"]), vec![Some(0)]),
        (texts("a", &["x", "go build -o /a ./b"]), texts("a", &["go build -o /a ./c"]), vec![None, Some(0)]),
        (texts("b", &["other thing"]), texts("a", &["make most"]), vec![None]),
    ] {
        assert_eq!(same::pairs(&now, &past), expected, "{:?}", now);
    }
    let copy = step("a", 1, Op::Copy, "x");
    assert_eq!(same::pairs(&[copy], &texts("a", &["x"])), [None]);
}

#[test]
fn files_differ_by_content_mode_link_and_being_there() {
    let scratch = Scratch::new();
    let was = [file("a", 0o644, "1"), file("b", 0o644, ""), file("gone", 0o644, ""), link("l", "a")];
    let dirs = [put("d", 0o755, Holds::Dir), put("d/e", 0o755, Holds::Dir), file("d/e/new", 0o644, "n")];
    let mut now = vec![file("a", 0o644, "2"), file("b", 0o755, ""), link("l", "b")];
    now.extend(dirs);
    let (was, now) = (scratch.layer(&was), scratch.layer(&now));
    let found = files::differences(scratch.store(), &[was], &[now]);
    let expected = [
        Reason::at(Kind::Content, "/a").between(Some(digits("1")), Some(digits("2"))),
        Reason::at(Kind::Mode, "/b").between(Some("644".into()), Some("755".into())),
        Reason::at(Kind::Absent, "/d/e/new").between(Some(ABSENT.into()), Some(digits("n"))),
        Reason::at(Kind::Absent, "/gone").between(Some(digits("")), Some(ABSENT.into())),
        Reason::at(Kind::Link, "/l").between(Some(digits("a")), Some(digits("b"))),
    ];
    assert_eq!(found, expected);
    assert_eq!(files::differences(scratch.store(), &[now], &[now]), []);
}

#[test]
fn parts_of_keys_have_kinds() {
    let mount = Mount { number: 0, kind: "bind".to_owned(), place: "/src".to_owned() };
    let with = |key: &[(&str, &str)]| Step {
        key: key.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        mounts: vec![mount.clone()],
        ..step("s", 1, Op::Run, "RUN x")
    };
    let was =
        with(&[("arg.V", "1"), ("command", "1"), ("env.P", "1"), ("mount.0.content", "1"), ("user", "1")]);
    let now =
        with(&[("arg.V", "2"), ("command", "2"), ("host.h", "1"), ("mount.0.content", "2"), ("user", "1")]);
    let expected = [
        r#"{"kind":"arg","name":"V","was":"1","now":"2"}"#,
        r#"{"kind":"command","name":"command","was":"1","now":"2"}"#,
        r#"{"kind":"env","name":"P","was":"1"}"#,
        r#"{"kind":"env","name":"host h","now":"1"}"#,
    ];
    assert_eq!(told(&parts::differences(&was, &now)), expected);
    let mounts = told(&parts::contents_of_mounts(&was, &now));
    assert_eq!(mounts, [r#"{"kind":"mount","path":"/src","was":"1","now":"2"}"#]);
}

/// A run of the step with the static key of `name`, that made `layer` after it had seen this.
fn remember(scratch: &Scratch, name: &str, layer: LayerId, facts: Vec<Fact>) -> String {
    let key = Key::of(vec![Part::plain("test", name)]);
    let facts = BTreeMap::from([("layer.0".to_owned(), facts)]);
    scratch.store().put_run(&key, Run { layer, facts, millis: 1, caches: Vec::new() }).unwrap();
    key.hex()
}

fn fact(path: &str, look: Look, answer: &str) -> Fact {
    Fact { path: path.to_owned(), look, answer: answer.to_owned(), by: Some("/bin/cat".to_owned()) }
}

fn hex(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[test]
fn a_run_is_explained_by_everything_that_it_had_read() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let was = scratch.layer(&[file("a", 0o644, "1"), file("b", 0o600, "b"), file("r", 0o644, "1")]);
    let now = scratch.layer(&[file("a", 0o644, "22"), file("b", 0o644, "b"), file("r", 0o644, "2")]);
    let facts = vec![
        fact("a", Look::Stat, "file 644 0:0 1"),
        fact("a", Look::Content, &hex("1")),
        fact("b", Look::Entry, "file 600 0:0"),
        fact("c", Look::Entry, ABSENT),
    ];
    let watched = remember(&scratch, "one", out, facts.clone());
    let broken = Broken { gap: "layer.0".into(), fact: facts[0].clone(), now: "file 644 0:0 2".into() };
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let before = copy_and_run(was, Step { how: Some(Came::Anew), ..run.clone() });
    let after = copy_and_run(now, Step { how: Some(Came::Anew), broken: Some(broken), ..run });
    let explained = explain(scratch.store(), &after, &[before]);
    assert_eq!((explained[1].outcome, explained[1].how), (Outcome::Ran, Some(How::Traced)));
    let content = Reason::at(Kind::Content, "/a").between(Some(digits("1")), Some(digits("22")));
    let mode = Reason::at(Kind::Mode, "/b").between(Some("600".into()), Some("644".into()));
    let by = |reason: Reason| Reason { by: Some("cat".to_owned()), ..reason };
    assert_eq!(explained[1].reasons, [by(content), by(mode)]);
    assert_eq!(explained[0].outcome, Outcome::Changed);
}

#[test]
fn what_had_been_read_counts_beside_another_argument() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text), file("r", 0o644, text)]));
    let watched = remember(&scratch, "three", out, vec![fact("a", Look::Content, &hex("1"))]);
    let run = |watched: &str, arg: &str| {
        let key = vec![("arg.A".to_owned(), arg.to_owned())];
        let (watched, layers) = (Some(watched.to_owned()), vec![out]);
        Step { how: Some(Came::Anew), watched, layers, key, ..step("s", 2, Op::Run, "RUN x") }
    };
    let (before, after) = (copy_and_run(was, run(&watched, "1")), copy_and_run(now, run("00", "2")));
    let explained = explain(scratch.store(), &after, &[before]);
    let things = explained[1].reasons.iter().map(|r| (r.kind, r.path.as_deref().or(r.name.as_deref())));
    assert_eq!(things.collect::<Vec<_>>(), [(Kind::Arg, Some("A")), (Kind::Content, Some("/a"))]);
}

#[test]
fn what_a_reused_step_has_read_before_is_not_called_unread() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let was = scratch.layer(&[file("a", 0o644, "1"), file("r", 0o644, "1")]);
    let now = scratch.layer(&[file("a", 0o644, "2"), file("r", 0o644, "2")]);
    let watched = remember(&scratch, "two", out, vec![fact("a", Look::Content, &hex("2"))]);
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let before = copy_and_run(was, run.clone());
    let after = copy_and_run(now, Step { how: Some(Came::Traced), ..run });
    let explained = explain(scratch.store(), &after, &[before]);
    let expected = Reason::at(Kind::Unread, "/r").between(Some(digits("1")), Some(digits("2")));
    assert_eq!((explained[1].outcome, &explained[1].reasons[..]), (Outcome::Reused, &[expected][..]));
}

#[test]
fn a_step_that_used_the_network_goes_by_what_is_below() {
    let scratch = Scratch::new();
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text)]));
    let run = |how| Step { how: Some(how), watched: Some("00".into()), ..step("s", 2, Op::Run, "RUN x") };
    let first = copy_and_run(was, Step { network: true, ..run(Came::Anew) });
    // What is known of the network was noted when it ran, and not when it was taken from the cache.
    let second = Record { id: "2".into(), ..copy_and_run(was, run(Came::Exact)) };
    let after = copy_and_run(now, Step { network: true, ..run(Came::Anew) });
    let explained = explain(scratch.store(), &after, &[second, first]);
    let kinds: Vec<Kind> = explained[1].reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [Kind::Network, Kind::Content]);
    assert_eq!(explained[1].reasons[1].path.as_deref(), Some("/a"));
    assert_eq!(explained[1].unwatched, Some(Unwatched::Network));
}

#[test]
fn a_step_of_which_nothing_is_known_goes_by_the_files_below() {
    let scratch = Scratch::new();
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text)]));
    let run = |wide, key: &[(&str, &str)]| {
        let key = key.iter().map(|(name, value)| (name.to_string(), digits(value))).collect();
        let run = Step { how: Some(Came::Anew), wide, key, ..step("s", 2, Op::Run, "RUN x") };
        explain(scratch.store(), &copy_and_run(now, run.clone()), &[copy_and_run(was, run)]).remove(1)
    };
    let insecure = [("security", "insecure"), ("network", "default")];
    let offline = [("security", "insecure"), ("network", "none")];
    for (explained, unwatched, names) in [
        (run(true, &[]), Unwatched::Wide, vec!["/a"]),
        (run(false, &[]), Unwatched::Unseen, vec!["/a"]),
        (run(false, &insecure), Unwatched::Network, vec!["security", "/a"]),
        (run(false, &offline), Unwatched::Unseen, vec!["/a"]),
    ] {
        assert_eq!(explained.unwatched, Some(unwatched));
        let things = explained.reasons.iter().filter_map(|r| r.path.as_deref().or(r.name.as_deref()));
        assert_eq!(things.collect::<Vec<_>>(), names);
    }
}

#[test]
fn another_type_is_told_as_such() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let was = scratch.layer(&[link("l", "a"), file("f", 0o644, "1"), put("d", 0o755, Holds::Dir)]);
    let now = scratch.layer(&[file("l", 0o644, "a"), put("f", 0o755, Holds::Dir), link("d", "f")]);
    let facts = vec![
        fact("d", Look::List, &hex("names")),
        fact("f", Look::Content, &hex("1")),
        fact("l", Look::Entry, "link 777 0:0"),
        fact("l", Look::Link, "-> a"),
    ];
    let watched = remember(&scratch, "types", out, facts);
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let (before, after) =
        (copy_and_run(was, run.clone()), copy_and_run(now, Step { how: Some(Came::Anew), ..run }));
    let explained = explain(scratch.store(), &after, &[before]);
    let types =
        |path, was: &str, now: &str| Reason::at(Kind::Mode, path).between(Some(was.into()), Some(now.into()));
    let expected = [types("/d", "dir", "link"), types("/f", "file", "dir"), types("/l", "link", "file")];
    assert_eq!(explained[0].reasons, expected);
    let read: Vec<Reason> = explained[1].reasons.iter().map(|r| Reason { by: None, ..r.clone() }).collect();
    assert_eq!(read, expected);
}

#[test]
fn who_asked_for_a_status_has_not_read() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text), file("b", 0o644, text)]));
    let time = |path| fact(path, Look::Time, &hex("1"));
    let facts = vec![time("a"), fact("b", Look::Content, &hex("1")), time("b")];
    let watched = remember(&scratch, "status", out, facts);
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let (before, after) =
        (copy_and_run(was, run.clone()), copy_and_run(now, Step { how: Some(Came::Anew), ..run }));
    let reasons = explain(scratch.store(), &after, &[before]).remove(1).reasons;
    let told: Vec<_> = reasons.iter().map(|r| (r.kind, r.path.as_deref().unwrap(), r.is_status)).collect();
    assert_eq!(told, [(Kind::Content, "/a", true), (Kind::Content, "/b", false)]);
}

#[test]
fn a_head_that_cannot_be_found_is_not_told() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[file("out", 0o644, "")]);
    let go = |text| file("a_test.go", 0o644, text);
    let was = scratch.layer(&[go("package a\nvar x = 1\n"), file("a.go", 0o644, "1")]);
    let now = scratch.layer(&[go("package a\nvar x = 2\n"), file("a.go", 0o644, "2")]);
    let head = format!("head {}", hex("package a\n"));
    let facts = vec![fact("a.go", Look::Content, &hex("1")), fact("a_test.go", Look::GoHead, &head)];
    let watched = remember(&scratch, "head", out, facts);
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let (before, after) =
        (copy_and_run(was, run.clone()), copy_and_run(now, Step { how: Some(Came::Anew), ..run }));
    std::fs::remove_dir(scratch.store().layer_fs(&now)).unwrap();
    let reasons = explain(scratch.store(), &after, &[before]).remove(1).reasons;
    let paths: Vec<_> = reasons.iter().filter_map(|reason| reason.path.as_deref()).collect();
    assert_eq!(paths, ["/a.go"]);
}

#[test]
fn of_several_runs_with_the_same_result_the_one_counts_that_was_reused() {
    let scratch = Scratch::new();
    let out = scratch.layer(&[]);
    let [one, two] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text), file("r", 0o644, text)]));
    remember(&scratch, "same", out, vec![fact("a", Look::Content, &hex("1"))]);
    let watched = remember(&scratch, "same", out, vec![fact("a", Look::Content, &hex("2"))]);
    let run = Step { watched: Some(watched), layers: vec![out], ..step("s", 2, Op::Run, "RUN x") };
    let before = copy_and_run(two, run.clone());
    let after = copy_and_run(one, Step { how: Some(Came::Traced), ..run });
    let reasons = explain(scratch.store(), &after, &[before]).remove(1).reasons;
    let paths: Vec<_> = reasons.iter().filter_map(|reason| reason.path.as_deref()).collect();
    assert_eq!(paths, ["/r"]);
}

#[test]
fn two_runs_that_differ_are_told_by_their_files() {
    let scratch = Scratch::new();
    let twins = ["1", "2"].map(|text| scratch.layer(&[file("id", 0o644, text), file("same", 0o644, "")]));
    let run = Step { twins: twins.to_vec(), ..step("s", 2, Op::Run, "RUN x") };
    let record = copy_and_run(twins[0], run);
    let reasons = explain(scratch.store(), &record, std::slice::from_ref(&record)).remove(1).reasons;
    let expected = Reason::at(Kind::Nondeterministic, "/id").between(Some(digits("1")), Some(digits("2")));
    assert_eq!(reasons, [expected]);
}

#[test]
fn what_did_not_come_to_its_end_is_compared_with_the_build_before() {
    let scratch = Scratch::new();
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text)]));
    let run = |ended, how| Step { ended, how, ..step("s", 2, Op::Run, "RUN x") };
    let first = copy_and_run(was, run(Ended::Well, Some(Came::Anew)));
    let failed = copy_and_run(now, run(Ended::Badly, None));
    let after = copy_and_run(now, run(Ended::Well, Some(Came::Anew)));
    let of_failed = explain(scratch.store(), &failed, std::slice::from_ref(&first));
    assert_eq!(of_failed[1].outcome, Outcome::Failed);
    let explained = explain(scratch.store(), &after, &[failed, first]);
    assert_eq!((explained[0].outcome, explained[1].outcome), (Outcome::Reused, Outcome::Ran));
    assert_eq!(explained[1].reasons[0].kind, Kind::Content);
    let never = copy_and_run(now, run(Ended::Never, None));
    let skipped = &explain(scratch.store(), &never, &[])[1];
    assert_eq!((skipped.outcome, skipped.how, skipped.reasons.len()), (Outcome::Skipped, None, 0));
}

#[test]
fn what_asks_for_a_run_goes_before_all_else() {
    let scratch = Scratch::new();
    let layer = scratch.layer(&[]);
    let run = Step { how: Some(Came::Anew), ..step("s", 2, Op::Run, "RUN x") };
    for (run, expected) in [
        (
            Step { asked: Some("--no-cache".to_owned()), ..run.clone() },
            r#"{"kind":"command","name":"--no-cache"}"#,
        ),
        (Step { cache_lost: true, ..run.clone() }, r#"{"kind":"tool-cache"}"#),
        (run.clone(), r#"{"kind":"new"}"#),
    ] {
        assert_eq!(told(&explain(scratch.store(), &copy_and_run(layer, run), &[])[1].reasons), [expected]);
    }
}

#[test]
fn another_base_image_is_a_reason_for_what_stands_on_it() {
    let scratch = Scratch::new();
    let of = |digit: u8| {
        let manifest = format!("sha256:{}", format!("{digit}").repeat(64));
        let base = Some(store::builds::Base { name: "golang:1.26".to_owned(), manifest });
        let layers = vec![LayerId::Made([digit; 32])];
        build(vec![
            Step { base, layers, ..step("s", 1, Op::Base, "FROM golang:1.26") },
            Step { how: Some(Came::Anew), ..step("s", 2, Op::Run, "RUN x") },
        ])
    };
    let explained = explain(scratch.store(), &of(2), &[of(1)]);
    let expected =
        Reason::named(Kind::Base, "golang:1.26").between(Some("1".repeat(16)), Some("2".repeat(16)));
    assert_eq!((explained[0].outcome, explained[1].outcome), (Outcome::Changed, Outcome::Ran));
    assert!(explained.iter().all(|step| step.reasons == [expected.clone()]));
}

#[test]
fn two_builds_differ_in_steps_and_files() {
    let scratch = Scratch::new();
    let [was, now] = ["1", "2"].map(|text| scratch.layer(&[file("a", 0o644, text)]));
    let from = copy_and_run(was, step("s", 2, Op::Run, "RUN x"));
    let mut to = copy_and_run(now, step("t", 2, Op::Run, "RUN quite another thing"));
    to.steps[1].number = 3;
    let compared = compare(scratch.store(), &from, &to);
    let changes: Vec<_> = compared.steps.iter().map(|step| (step.change, step.reasons.len())).collect();
    assert_eq!(changes, [("changed", 1), ("added", 0), ("removed", 0)]);
}

#[test]
fn kinds_are_spelled_as_documented() {
    let table = include_str!("../why.rs");
    use Kind::*;
    for kind in [
        Content,
        Mode,
        Absent,
        Listing,
        Link,
        Arg,
        Env,
        Command,
        Base,
        Mount,
        Network,
        ToolCache,
        Unread,
        Nondeterministic,
        New,
    ] {
        let word = serde_json::to_value(kind).unwrap();
        assert!(table.contains(&format!("//! | `{}` |", word.as_str().unwrap())), "{word}");
    }
}
