//! Text that nobody writes by accident, all the way from bytes to a plan: an answer, in little memory and in
//! work that follows the text's size.
//!
//! Work is counted in steps ([`dockerfile::steps`]), never in seconds; memory is looked at in a process of its own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;
use std::thread;

use dockerfile::{Diagnostic, steps};
use oci::{DiffId, Digest, ImageConfig, Platform};
use plan::options::Fact;
use plan::{Base, Facts, Options, Plan};

const MEGABYTE: usize = 1_000_000;

/// What a text comes to: how many steps, or what was said of it.
type Answer = Result<usize, String>;

/// A text of a size, by what it is made of.
struct Case {
    name: &'static str,
    make: fn(usize) -> String,
    /// The size at which memory is looked at, and the answer; parts of it are compared for work.
    full: usize,
    /// What the answer to the full size has in it; nothing if it is a plan.
    says: &'static str,
}

const fn case(name: &'static str, full: usize, says: &'static str, make: fn(usize) -> String) -> Case {
    Case { name, make, full, says }
}

fn many(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::from("FROM scratch\n"), |mut text, index| {
        writeln!(text, "{}", line(index)).unwrap();
        text
    })
}

/// Stages, each with a line.
fn staged(n: usize, stage: impl Fn(usize) -> String) -> String {
    (0..n).fold(String::new(), |mut text, index| {
        writeln!(text, "{}", stage(index)).unwrap();
        text
    })
}

const CASES: &[Case] = &[
    case("a long RUN", 10 * MEGABYTE, "", |n| format!("FROM scratch\nRUN {}", "a".repeat(n))),
    case("a long RUN of NULs", 10 * MEGABYTE, "", |n| format!("FROM scratch\nCMD {}", "\0".repeat(n))),
    case("a long ENV", 10 * MEGABYTE, "", |n| format!("FROM scratch\nENV a={}\nRUN b", "a".repeat(n))),
    case("a long COPY", 10 * MEGABYTE, "more than 100000 words", |n| {
        format!("FROM scratch\nCOPY {}/", "a ".repeat(n / 2))
    }),
    case("a long JSON line", 2 * MEGABYTE, "more than 100000 words", |n| {
        format!("FROM scratch\nRUN [\"\"{}]", ",\"\"".repeat(n / 3))
    }),
    case("a long JSON line of numbers", 4 * MEGABYTE, "comprised of strings only", |n| {
        format!("FROM scratch\nRUN [1{}]", ",1".repeat(n / 2))
    }),
    case("long pairs", 4 * MEGABYTE, "more than 100000 words", |n| {
        format!("FROM scratch\nENV {}", "a=b ".repeat(n / 4))
    }),
    case("long flags", 4 * MEGABYTE, "more than 10000 flags", |n| {
        format!("FROM scratch\nRUN {}b", "--mount=a ".repeat(n / 10))
    }),
    case("a long mount", 4 * MEGABYTE, "more than 1000 fields", |n| {
        format!("FROM scratch\nRUN --mount={} b", ",".repeat(n))
    }),
    case("a line of documents", 2 * MEGABYTE, "more than 100000 here-documents", |n| {
        format!("FROM scratch\nRUN {}", "<<A ".repeat(n / 4))
    }),
    case("a document announced often", 100_000, "announced too often", |n| {
        format!("FROM scratch\nCOPY {} /\n{}{}", "<<A ".repeat(n / 2), "A\n".repeat(n / 2 - 1), body(n))
    }),
    case("a file of JSON", 4 * MEGABYTE, "unknown instruction", |n| {
        format!("{{\"a\": [1{}]}}", ",1".repeat(n / 2))
    }),
    case("many instructions", 100_000, "", |n| many(n, |_| "RUN b".to_owned())),
    case("many ENVs", 100_000, "", |n| many(n, |index| format!("ENV a{index}=b")) + "RUN b"),
    case("many ARGs", 20_000, "", |n| many(n, |index| format!("ARG a{index}=b")) + "RUN b"),
    case("many global ARGs", 20_000, "", |n| {
        staged(n, |index| format!("ARG a{index}=$a{}", index.saturating_sub(1))) + "FROM scratch"
    }),
    case("many RUNs below many ENVs", 20_000, "", |n| {
        many(n / 2, |index| format!("ENV a{index}=b")) + &"RUN b\n".repeat(n / 2)
    }),
    case("ENV and RUN by turns", 8000, "comes to more than 24 MiB", |n| {
        many(n / 2, |index| format!("ENV a{index}=b\nRUN b"))
    }),
    case("many RUNs below many ARGs", 8000, "comes to more than 24 MiB", |n| {
        many(n / 2, |index| format!("ARG a{index}=b")) + &"RUN b\n".repeat(n / 2)
    }),
    case("many labels", 20_000, "", |n| many(n, |index| format!("LABEL a{index}=b"))),
    case("many WORKDIRs", 20_000, "longer than 4096 bytes", |n| many(n, |_| "WORKDIR a".to_owned())),
    case("many RUNs in a deep directory", 20_000, "comes to more than 24 MiB", |n| {
        format!("FROM scratch\nWORKDIR /{}\n{}", "a/".repeat(2000), "RUN b\n".repeat(n))
    }),
    case("many RUNs of a long user", 10_000, "comes to more than 24 MiB", |n| {
        format!("FROM scratch\nUSER {}\n{}", "a".repeat(n), "RUN b\n".repeat(n))
    }),
    case("many ports", 1000, "comes to more than 24 MiB", |n| many(n, |_| "EXPOSE 1-65535".to_owned())),
    case("a value that doubles", 200, "comes to more than 24 MiB", |n| {
        many(n, |index| format!("ENV a{}=\"$a{index}${{a{index}:-aa}}\"", index + 1))
    }),
    case("a value that comes to nothing", 40_000, "comes to more than 24 MiB", |n| {
        format!("FROM scratch\nENV a={}\nENV b=${{b:+{}}}", "a".repeat(n), "$a".repeat(n))
    }),
    case("a value that is cut over and over", 10_000, "comes to more than 24 MiB", |n| {
        format!("FROM scratch\nENV a={}\n{}", "a".repeat(n), "ENV b=${a%%*}\n".repeat(n / 4))
    }),
    case("many mistakes", 30_000, "bad substitution", |n| many(n, |_| "ENV a=${".to_owned() + "}")),
    case("many stages in a row", 10_000, "", |n| {
        "FROM scratch AS s0\n".to_owned()
            + &staged(n, |index| format!("FROM s{index} AS s{}\nENV a{index}=b", index + 1))
    }),
    case("many stages on one", 4000, "comes to more than 24 MiB", |n| {
        let all: String = (0..n).map(|index| format!("COPY --from=t{index} a /\n")).collect();
        let env = many(n, |index| format!("ENV a{index}=b")).replacen("scratch", "scratch AS s", 1);
        env + &staged(n, |index| format!("FROM s AS t{index}")) + "FROM scratch\n" + &all
    }),
    case("many triggers for many stages", 2000, "comes to more than 24 MiB", |n| {
        let all: String = (0..n).map(|index| format!("COPY --from=t{index} a /\n")).collect();
        let triggers = "FROM scratch AS s\n".to_owned() + &"ONBUILD USER a\n".repeat(n);
        triggers + &staged(n, |index| format!("FROM s AS t{index}")) + "FROM scratch\n" + &all
    }),
    case("many stages of one name", 10_000, "", |n| {
        "FROM scratch AS a\n".to_owned() + &"FROM a AS a\n".repeat(n)
    }),
    case("many stages that copy", 10_000, "", |n| {
        "FROM scratch AS s0\n".to_owned()
            + &staged(n, |index| {
                format!(
                    "FROM scratch AS s{}\nCOPY --from=s{index} a /\nRUN --mount=from=S{index},target=/m b",
                    index + 1
                )
            })
    }),
    case("many images", 10_000, "was not resolved", |n| {
        let all: String = (0..n).map(|index| format!("COPY --from=s{index} a /\n")).collect();
        staged(n, |index| format!("FROM image{index} AS s{index}")) + "FROM scratch\n" + &all
    }),
    case("many images of long names", 200, "aaaa", |n| {
        let name = |index| format!("{}{index}", "a".repeat(5000));
        let all: String = (0..n).map(|index| format!("COPY --from={} a /\n", name(index))).collect();
        staged(n, |index| format!("FROM scratch AS {}x", name(index))) + "FROM scratch\n" + &all
    }),
    case("a cycle of stages", 10_000, "comes later in the file", |n| {
        staged(n, |index| format!("FROM scratch AS s{index}\nCOPY --from=s{} a /", (index + 1) % n))
    }),
    case("a stage that names itself", 10, "circular dependency", |n| {
        format!("FROM scratch AS a\n{}", "COPY --from=a b /\n".repeat(n))
    }),
    case("a deep substitution", 10_000, "nested too deeply", |n| {
        format!("FROM scratch\nENV a={}", "${A:-".repeat(n))
    }),
    case("a deep substitution with an end", 10_000, "nested too deeply", |n| {
        format!("FROM scratch\nWORKDIR {}{}", "${A:-".repeat(n), "}".repeat(n))
    }),
    case("images of one base", 10_000, "", |n| {
        "FROM base AS s0\n".to_owned()
            + &staged(n, |index| format!("FROM base AS s{}\nCOPY --from=s{index} a /", index + 1))
    }),
    case("lone carriage returns", 10 * MEGABYTE, "", |n| {
        format!("FROM scratch\nRUN {}", "\r".repeat(n - 1) + "a")
    }),
];

/// The body of the last of the documents.
fn body(n: usize) -> String {
    "b\n".repeat(n) + "A\n"
}

fn facts() -> Facts {
    let text =
        r#"{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","A=base"],"Cmd":["sh"]}}"#;
    let config: ImageConfig = serde_json::from_str(text).unwrap();
    let layers = vec![DiffId(Digest::of(b"layer"))];
    let base = Base { name: "base".into(), manifest: Digest::of(b"manifest"), layers };
    Facts { images: BTreeMap::from([(("base".to_owned(), Platform::host()), Fact { base, config })]) }
}

fn planned(text: &str) -> Result<Plan, Vec<Diagnostic>> {
    let options = Options::here();
    let (source, problems) = dockerfile::parse(text.as_bytes());
    if !problems.is_empty() {
        return Err(problems);
    }
    let stages = dockerfile::stages(&source)?;
    plan::wants(&source, &stages, &options).map_err(|problem| vec![problem])?;
    plan::lower(&source, &stages, &options, &facts())
}

fn answer(text: &str) -> Answer {
    match planned(text) {
        Ok(plan) => Ok(plan.steps.len()),
        Err(problems) => {
            assert!(problems.len() <= 1000);
            assert!(problems.iter().all(|problem| problem.message.len() < 1100));
            Err(problems[0].message.clone())
        }
    }
}

fn check(case: &Case, found: &Answer) {
    let right = match found {
        Ok(_) => case.says.is_empty(),
        Err(message) => !case.says.is_empty() && message.contains(case.says),
    };
    assert!(right, "{}: {found:?}", case.name);
}

/// What can be asked without building is no reason to take more.
fn outline(text: &str) {
    let (source, _) = dockerfile::parse(text.as_bytes());
    if let Ok(stages) = dockerfile::stages(&source) {
        let _ = plan::outline::outline(&source, &stages, &Options::here());
    }
}

fn work(text: &str) -> u64 {
    let before = steps::taken();
    let _ = answer(text);
    outline(text);
    steps::taken() - before
}

/// What is refused must not have cost more than its size either.
#[test]
fn work_follows_the_size_of_the_text() {
    for case in CASES.iter().filter(|case| case.full >= 1000) {
        // What copies is refused at a size that doesn't depend on the text's: there work stops growing.
        let is_bounded = ["MiB", "longer than"].iter().any(|limit| case.says.contains(limit));
        let half = if is_bounded { case.full / 2 } else { case.full / 40 };
        let (once, twice) = (work(&(case.make)(half)), work(&(case.make)(2 * half)));
        assert!(once > 0 && twice as f64 <= once as f64 * 2.2, "{}: {once} steps, then {twice}", case.name);
    }
}

const CHILD: &str = "TARE_TEST_HOSTILE";

/// Each in a process of its own, which is this test again.
#[test]
fn every_answer_fits_into_200_megabytes() {
    if let Ok(name) = std::env::var(CHILD) {
        let case = CASES.iter().find(|case| case.name == name).expect("the parent asks for what there is");
        return answer_within(case);
    }
    let (even, odd): (Vec<_>, Vec<_>) = CASES.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    thread::scope(|scope| {
        scope.spawn(|| even.iter().for_each(|(_, case)| in_a_child(case)));
        odd.iter().for_each(|(_, case)| in_a_child(case));
    });
}

fn in_a_child(case: &Case) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "every_answer_fits_into_200_megabytes", "--nocapture"]).env(CHILD, case.name);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", case.name);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{}: {said}", case.name);
}

fn answer_within(case: &Case) {
    let most = Some(1 << 30);
    let limit = rustix::process::Rlimit { current: most, maximum: most };
    // A case that takes all memory must fail, and not take the machine with it.
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
    let found = answer(&(case.make)(case.full));
    check(case, &found);
    outline(&(case.make)(case.full));
    assert!(high_water() < 200 * 1000, "{}: {} KiB", case.name, high_water());
}

fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
