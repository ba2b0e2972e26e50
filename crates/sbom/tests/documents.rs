//! What the two documents say, and that they hold together whatever a program says of itself.

mod common;

use std::collections::HashSet;

use common::config;
use proptest::prelude::*;
use sbom::{BuildInfo, Module, Program, Subject, cyclonedx, spdx};
use serde_json::{Value, json};

const SUM: &str = "h1:VlbKKnNfV8bJzeqoa4cOKqO6bYr3WgKZxO8Z16+hsOM=";
const SUM_HEX: &str = "5656ca2a735f57c6c9cdeaa86b870e2aa3ba6d8af75a0299c4ef19d7afa1b0e3";

fn subject() -> Subject {
    Subject {
        name: "registry.example/shop:1".to_owned(),
        digest: format!("sha256:{}", "ab".repeat(32)),
        created: 1_700_000_000,
        platform: "linux/amd64".to_owned(),
    }
}

fn module(path: &str, version: &str, sum: &str) -> Module {
    Module { path: path.to_owned(), version: version.to_owned(), sum: sum.to_owned(), replace: None }
}

fn replaced(by: Module) -> Module {
    Module { replace: Some(Box::new(by)), ..module("example.com/old", "v1.0.0", "") }
}

fn program(file: &str, main: Option<Module>, deps: Vec<Module>) -> Program {
    let settings = [("GOOS", "linux"), ("-tags", "a,b"), ("vcs", "git"), ("vcs.revision", "c0ffee")];
    Program {
        file: file.to_owned(),
        sha256: "cd".repeat(32),
        info: BuildInfo {
            go_version: "go1.26.8".to_owned(),
            path: "example.com/shop/cmd".to_owned(),
            main,
            deps,
            settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
        },
    }
}

fn shop() -> Program {
    let deps = vec![module("github.com/X/y", "v2.0.0+incompatible", SUM)];
    program("/shop", Some(module("example.com/shop", "(devel)", "")), deps)
}

fn documents(programs: &[Program]) -> (Value, Value) {
    let parse = |text: String| serde_json::from_str(&text).unwrap();
    (parse(spdx(&subject(), programs)), parse(cyclonedx(&subject(), programs)))
}

/// The package and the component of this name.
fn named(documents: &(Value, Value), name: &str) -> (Value, Value) {
    let of = |list: &Value| {
        let mut found = list.as_array().unwrap().iter().filter(|item| item["name"] == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name} in {list:#}")).clone();
        assert_eq!(found.next(), None);
        first
    };
    (of(&documents.0["packages"]), of(&documents.1["components"]))
}

fn property<'a>(component: &'a Value, name: &str) -> Option<&'a str> {
    let properties = component["properties"].as_array()?;
    properties.iter().find(|p| p["name"] == name)?["value"].as_str()
}

fn locator<'a>(package: &'a Value, kind: &str) -> Option<&'a str> {
    let refs = package["externalRefs"].as_array()?;
    refs.iter().find(|r| r["referenceType"] == kind)?["referenceLocator"].as_str()
}

#[test]
fn the_image() {
    let (spdx, cyclonedx) = documents(&[]);
    assert_eq!((&spdx["spdxVersion"], &cyclonedx["specVersion"]), (&json!("SPDX-2.3"), &json!("1.6")));
    assert_eq!(spdx["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    assert_eq!(cyclonedx["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    let tool = concat!("Tool: tare-", env!("CARGO_PKG_VERSION"));
    assert_eq!(spdx["creationInfo"]["creators"], json!([tool]));
    assert_eq!(cyclonedx["metadata"]["tools"]["components"][0]["name"], "tare");
    assert_eq!(spdx["name"], "registry.example/shop:1");
    assert_eq!(spdx["packages"][0]["versionInfo"], json!(subject().digest));
    assert_eq!(spdx["packages"][0]["checksums"][0]["checksumValue"], "ab".repeat(32));
    let image = &cyclonedx["metadata"]["component"];
    assert_eq!((&image["type"], &image["version"]), (&json!("container"), &json!(subject().digest)));
    assert_eq!(property(image, "tare:platform"), Some("linux/amd64"));
}

#[test]
fn a_program_is_known_by_its_file() {
    let (package, component) = named(&documents(&[shop()]), "example.com/shop");
    assert_eq!(package["packageFileName"], "/shop");
    assert_eq!(package["checksums"], json!([{ "algorithm": "SHA256", "checksumValue": "cd".repeat(32) }]));
    assert_eq!(package["sourceInfo"], "git revision c0ffee");
    assert_eq!(package["comment"], "main package example.com/shop/cmd, built with go1.26.8");
    let file = &component["components"][0];
    assert_eq!((&file["type"], &file["name"]), (&json!("file"), &json!("/shop")));
    assert_eq!(file["hashes"], json!([{ "alg": "SHA-256", "content": "cd".repeat(32) }]));
    assert_eq!(property(&component, "cdx:gomod:build:env:GOVERSION"), Some("go1.26.8"));
    assert_eq!(property(&component, "cdx:gomod:build:env:GOOS"), Some("linux"));
    assert_eq!(property(&component, "cdx:gomod:build:tag"), Some("a"));
    assert_eq!(property(&component, "tare:go:vcs.revision"), Some("c0ffee"));
}

#[test]
fn a_main_module_without_a_version_has_none() {
    for version in ["", "(devel)"] {
        let shop = program("/shop", Some(module("example.com/shop", version, "")), vec![]);
        let (package, component) = named(&documents(&[shop]), "example.com/shop");
        assert_eq!((package.get("versionInfo"), component.get("version")), (None, None));
        assert_eq!(locator(&package, "purl"), Some("pkg:golang/example.com/shop"));
    }
}

#[test]
fn a_program_without_a_module_is_called_after_its_package_or_file() {
    let (mut other, mut script) = (program("/other", None, vec![]), program("/script", None, vec![]));
    other.info.path.clear();
    script.info.path = "command-line-arguments".to_owned();
    let documents = documents(&[program("/tool", None, vec![]), other, script]);
    let (package, component) = named(&documents, "example.com/shop/cmd");
    assert_eq!((locator(&package, "purl"), component.get("purl")), (None, None));
    named(&documents, "/other");
    named(&documents, "/script");
}

#[test]
fn a_module_has_its_purl_and_its_sum() {
    let purl = "pkg:golang/github.com/x/y@v2.0.0%2Bincompatible";
    let (package, component) = named(&documents(&[shop()]), "github.com/X/y");
    assert_eq!((locator(&package, "purl"), &component["purl"]), (Some(purl), &json!(purl)));
    assert_eq!((locator(&package, "go-sum"), package.get("checksums")), (Some(SUM), None));
    assert_eq!(component["hashes"], json!([{ "alg": "SHA-256", "content": SUM_HEX }]));
    assert_eq!(property(&component, "tare:go:sum"), Some(SUM));
    assert_eq!(package["licenseConcluded"], "NOASSERTION");
}

#[test]
fn the_library_is_a_part() {
    let (package, component) = named(&documents(&[shop()]), "stdlib");
    assert_eq!(component["version"], "1.26.8");
    assert_eq!(locator(&package, "purl"), Some("pkg:golang/stdlib@1.26.8"));
    assert_eq!(locator(&package, "cpe23Type"), Some("cpe:2.3:a:golang:go:1.26.8:-:*:*:*:*:*:*"));
    assert_eq!(component["cpe"], "cpe:2.3:a:golang:go:1.26.8:-:*:*:*:*:*:*");
}

#[test]
fn a_replaced_module_is_what_was_taken() {
    let shop = program("/shop", None, vec![replaced(module("example.com/fork", "v1.0.1", SUM))]);
    let (package, component) = named(&documents(&[shop]), "example.com/fork");
    assert_eq!(component["purl"], "pkg:golang/example.com/fork@v1.0.1");
    assert_eq!(package["sourceInfo"], "in place of example.com/old@v1.0.0");
    assert_eq!(property(&component, "tare:go:replaces"), Some("example.com/old@v1.0.0"));
}

#[test]
fn a_folder_has_no_version_that_anybody_knows() {
    for folder in ["./fork", "../../fork", "/src/fork", "..", "C:\\fork"] {
        let shop = program("/shop", None, vec![replaced(module(folder, "(devel)", ""))]);
        let (package, component) = named(&documents(&[shop]), "example.com/old");
        assert_eq!((component.get("version"), component.get("purl")), (None, None));
        assert_eq!(package["sourceInfo"], format!("folder {folder}, in place of example.com/old@v1.0.0"));
        assert_eq!(property(&component, "tare:go:folder"), Some(folder));
    }
}

#[test]
fn two_programs_share_a_part() {
    let documents = documents(&[shop(), Program { file: "/shop2".to_owned(), ..shop() }, shop()]);
    named(&documents, "github.com/X/y");
    let contained = documents.0["relationships"].as_array().unwrap();
    let count = |kind: &str| contained.iter().filter(|r| r["relationshipType"] == kind).count();
    assert_eq!((count("DESCRIBES"), count("CONTAINS"), count("DEPENDS_ON")), (1, 2, 4));
    let needs: Vec<_> = documents.1["dependencies"].as_array().unwrap().iter().collect();
    assert_eq!(needs.len(), 3);
    assert_eq!(needs[1]["dependsOn"], needs[2]["dependsOn"]);
}

#[test]
fn ids_come_from_the_digest() {
    let other = Subject { digest: format!("sha256:{}", "00".repeat(32)), ..subject() };
    let id = |text: String, key: &str| serde_json::from_str::<Value>(&text).unwrap()[key].to_string();
    let ids = [
        id(spdx(&subject(), &[]), "documentNamespace"),
        id(spdx(&other, &[]), "documentNamespace"),
        id(cyclonedx(&subject(), &[]), "serialNumber"),
        id(cyclonedx(&other, &[]), "serialNumber"),
    ];
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4);
    for id in ids {
        assert!(id.starts_with("\"urn:uuid:") && id.len() == 47 && id.as_bytes()[24] == b'8', "{id}");
    }
}

#[test]
fn times_that_no_document_can_say() {
    for (created, year) in [(i64::MIN, "1970-01-01T00:00:00Z"), (i64::MAX, "9999-12-31T23:59:59Z")] {
        let text = spdx(&Subject { created, ..subject() }, &[]);
        assert!(text.contains(&format!("\"created\": \"{year}\"")), "{text}");
    }
}

/// Every id once, and no mention of one that isn't there.
fn holds_together(spdx: &Value, cyclonedx: &Value) {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let packages: Vec<Value> = list(&spdx["packages"]).iter().map(|p| p["SPDXID"].clone()).collect();
    let ids: HashSet<String> = packages.iter().map(Value::to_string).collect();
    assert_eq!(ids.len(), packages.len());
    for relationship in &list(&spdx["relationships"])[1..] {
        assert!(ids.contains(&relationship["spdxElementId"].to_string()), "{relationship}");
        assert!(ids.contains(&relationship["relatedSpdxElement"].to_string()), "{relationship}");
    }
    let components: Vec<Value> =
        list(&cyclonedx["components"]).iter().map(|c| c["bom-ref"].clone()).collect();
    let refs: HashSet<String> = components.iter().map(Value::to_string).collect();
    assert_eq!(refs.len(), components.len());
    for dependency in &list(&cyclonedx["dependencies"]) {
        let needs = list(&dependency["dependsOn"]);
        assert!(needs.iter().all(|id| refs.contains(&id.to_string())), "{dependency}");
        assert_eq!(needs.iter().map(Value::to_string).collect::<HashSet<_>>().len(), needs.len());
    }
}

fn any_module() -> impl Strategy<Value = Module> {
    let path = prop::sample::select(vec!["", "a", "a/b", "A", "/", "./a", "..", "é ", "\0"]);
    let version = prop::sample::select(vec!["", "(devel)", "v1", "v1 2", "@"]);
    let sum = prop::sample::select(vec!["", SUM, "h1:", "h1:AA==", "h2:x", "h1: "]);
    let plain = (path, version, sum).prop_map(|(path, version, sum)| module(path, version, sum));
    (plain.clone(), prop::option::of(plain))
        .prop_map(|(module, other)| Module { replace: other.map(Box::new), ..module })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_program(
        main in prop::option::of(any_module()),
        deps in prop::collection::vec(any_module(), 0..9),
        versions in prop::collection::vec("(go|devel |)[1-9.rc X:-]{0,6}", 1..3),
    ) {
        let programs: Vec<Program> = versions.into_iter().map(|go_version| {
            let mut program = program(&format!("/{go_version}"), main.clone(), deps.clone());
            program.info.go_version = go_version;
            program
        }).collect();
        let (spdx_value, cyclonedx_value) = documents(&programs);
        holds_together(&spdx_value, &cyclonedx_value);
        prop_assert_eq!(spdx(&subject(), &programs), spdx(&subject(), &programs.clone()));
    }
}
