//! Whole Dockerfiles to what is taken over of them.

use super::*;
use crate::listing::testing::listing;

const FILES: &[&str] = &[
    "cmd/",
    "cmd/api/",
    "cmd/api/main.go",
    "cmd/job/",
    "cmd/job/main.go",
    "config/",
    "config/a.yaml",
    "config/b.yaml",
    "go.mod",
    "go.sum",
    "main.go",
    "static/",
    "static/x",
];

fn taken(text: &str) -> Taken {
    let (source, problems) = dockerfile::parse(text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    let stages = dockerfile::stages(&source).expect("well-formed");
    let plans = crate::plans(&source, &plan::Options::here(), &|_, _| None).expect("well-formed");
    let all = listing(FILES);
    take(&Old { stages: &stages, plan: &plans[0], listing: &all, module: Some("example.com/shop") })
}

/// Packages with their paths, ENTRYPOINT and CMD.
fn check(text: &str, programs: &[(&str, &str)], start: &str) {
    let taken = taken(text);
    let interface = taken.ask.interface.clone().unwrap_or_default();
    let found: Vec<_> = taken
        .ask
        .mains
        .iter()
        .map(String::as_str)
        .zip(interface.programs.iter().map(String::as_str))
        .collect();
    assert_eq!(found, programs, "{text}");
    assert_eq!(interface.keeps_start, !start.is_empty(), "{text} {:?}", taken.notes);
    let started = format!("{} | {}", taken.ask.entrypoint.join(" "), taken.ask.cmd.join(" "));
    assert_eq!(if start.is_empty() { "" } else { started.trim() }, start, "{text}");
}

const BUILD: &str = "FROM golang AS b\nWORKDIR /src\nCOPY . .\n";

#[test]
fn programs_stay_where_they_are() {
    let two = |run: &str, rest: &str| format!("{BUILD}RUN {run}\nFROM alpine\n{rest}\n");
    check(
        &two("go build -o /app .", "COPY --from=b /app /app\nENTRYPOINT [\"/app\"]"),
        &[(".", "/app")],
        "/app |",
    );
    check(
        &two("go build", "COPY --from=b /src/shop /bin/\nCMD [\"shop\", \"-v\"]"),
        &[(".", "/bin/shop")],
        "| shop -v",
    );
    check(
        &two(
            "cd cmd/api && go build -o ../../out/api",
            "WORKDIR /root\nCOPY --from=b /src/out/api .\nCMD [\"./api\"]",
        ),
        &[("./cmd/api", "/root/api")],
        "| ./api",
    );
    check(
        &two(
            "go build -o out/ ./cmd/api ./cmd/job",
            "COPY --from=b /src/out/ /usr/bin/\nENTRYPOINT [\"api\"]",
        ),
        &[("./cmd/api", "/usr/bin/api"), ("./cmd/job", "/usr/bin/job")],
        "api |",
    );
    check(
        &two("go install ./cmd/api", "COPY --from=b /go/bin/api /\nENTRYPOINT [\"/api\"]"),
        &[("./cmd/api", "/api")],
        "/api |",
    );
    check(
        &two("go build -o /x cmd/api/main.go", "COPY --from=b /x /x\nENTRYPOINT /x"),
        &[("./cmd/api", "/x")],
        "/x |",
    );
}

#[test]
fn a_stage_of_its_own_is_not_needed() {
    check(
        &format!("{BUILD}RUN go build -o server .\nCMD [\"./server\"]\n"),
        &[(".", "/src/server")],
        "| ./server",
    );
    let taken = taken(&format!("{BUILD}ENV GOFLAGS=-v A=b\nRUN go build\nCMD [\"/src/shop\"]\n"));
    assert!(taken.facts.is_single);
    assert_eq!(taken.ask.env, [("A".to_owned(), "b".to_owned())].into());
    assert_eq!(taken.ask.interface.and_then(|i| i.workdir).as_deref(), Some("/src"));
}

#[test]
fn what_starts_programs_goes() {
    let start =
        |rest: &str| format!("{BUILD}RUN go build -o /app\nFROM alpine\nCOPY --from=b /app /app\n{rest}\n");
    check(
        &start("ENTRYPOINT [\"/sbin/tini\", \"-g\", \"--\", \"/app\", \"x\"]"),
        &[(".", "/app")],
        "/app x |",
    );
    check(&start("ENTRYPOINT exec /app --x"), &[(".", "/app")], "/app --x |");
    check(&start("ENTRYPOINT [\"/start.sh\"]\nCMD [\"/app\", \"y\"]"), &[(".", "/app")], "| /app y");
    check(&start("ENTRYPOINT [\"/start.sh\"]"), &[(".", "/app")], "/app |");
    check(&start("CMD /app $X"), &[(".", "/app")], "/app |");
    check("FROM alpine\nCOPY static /\n", &[], "");
}

#[test]
fn the_interface_is_kept() {
    let taken = taken(&format!(
        "{BUILD}RUN go build -o /app\nFROM alpine\nRUN adduser -D -u 1234 me && apk add tzdata curl && mkdir /data\n\
         COPY --from=b /app /app\nCOPY static /srv/static\nCOPY config/*.yaml /etc/shop/\nCOPY --from=b /src/config/a.yaml /a\n\
         COPY --from=b /src/made /made\nENV A=b\nEXPOSE 8080 53/udp\nLABEL x=y\nVOLUME /data\nWORKDIR /srv\nUSER me\n\
         STOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s --retries=2 CMD [\"/app\", \"ok\"]\nENTRYPOINT [\"/app\"]\n"
    ));
    let owned =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
    let includes = [
        ("static", "/srv/static"),
        ("config/a.yaml", "/etc/shop/"),
        ("config/b.yaml", "/etc/shop/"),
        ("config/a.yaml", "/a"),
    ];
    assert_eq!(taken.ask.includes, owned(&includes));
    assert_eq!(
        (taken.ask.user.as_deref(), taken.ask.expose.join(" ")),
        (Some("1234"), "53/udp 8080".to_owned())
    );
    let interface = taken.ask.interface.expect("there is an image");
    assert_eq!(
        interface.healthcheck,
        Some((vec!["--interval=5s".into(), "--retries=2".into()], vec!["/app".into(), "ok".into()]))
    );
    let folder =
        (interface.workdir.as_deref(), interface.stop_signal.as_deref(), interface.volumes.join(" "));
    assert_eq!(folder, (Some("/srv"), Some("SIGINT"), "/data".to_owned()));
    let lines: Vec<&str> = taken.notes.iter().filter_map(|note| note.split(':').next()).collect();
    assert_eq!(lines, ["line 6", "line 6", "line 11", "port 53/udp", "VOLUME /data"], "{:?}", taken.notes);
    assert!(taken.facts.has_zones && !taken.facts.has_certificates);
}

#[test]
fn flags_are_taken_over() {
    let taken = taken(&format!(
        "{BUILD}RUN go test ./... && CGO_ENABLED=0 GOARCH=amd64 go build -a -race -tags a,b -ldflags '-s -w -buildid=' -o /app\n\
         FROM scratch\nCOPY --from=b /app /app\nENTRYPOINT [\"/app\"]\n"
    ));
    assert_eq!((taken.ask.tags.join(" "), taken.ask.ldflags.as_deref()), ("a b".to_owned(), Some("-s -w")));
    let build = &taken.facts.builds[0];
    assert!(
        build.is_all
            && build.has_no_id
            && build.is_static
            && build.is_fixed
            && !build.trims
            && !build.is_cached
    );
    assert_eq!(taken.notes.len(), 2, "{:?}", taken.notes);
    assert_eq!(taken.facts.downloads, Downloads::Late);
}
