//! The parts of an image to CycloneDX 1.6 in JSON.
//!
//! Fed by `parts`. The image is the subject, programs are applications with their file inside, and modules
//! are libraries.
//!
//! A module's sum stands twice: as it is in a property, and as a SHA-256 where CycloneDX's own tool for Go puts
//! it, so that the two agree on what a module's hash is. Properties are those of the taxonomy (`cdx:gomod`)
//! where it has one, else `tare:`. See the CycloneDX 1.6 JSON reference.

use serde::Serialize;

use crate::info::BuildInfo;
use crate::parts::{self, Built, Part, Program, Subject, VERSION};

const IMAGE: &str = "image";

/// Build settings that have a name in the taxonomy, or that tell where the source is.
const SETTINGS: &[(&str, &str)] = &[
    ("GOOS", "cdx:gomod:build:env:GOOS"),
    ("GOARCH", "cdx:gomod:build:env:GOARCH"),
    ("CGO_ENABLED", "cdx:gomod:build:env:CGO_ENABLED"),
    ("vcs.revision", "tare:go:vcs.revision"),
    ("vcs.time", "tare:go:vcs.time"),
    ("vcs.modified", "tare:go:vcs.modified"),
];

/// The CycloneDX document of an image, with a newline at its end.
pub fn cyclonedx(subject: &Subject, programs: &[Program]) -> String {
    let parts = parts::parts(programs);
    let document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: subject.urn("cyclonedx"),
        version: 1,
        metadata: Metadata {
            timestamp: subject.time(),
            tools: Tools { components: [tool()] },
            component: image(subject),
        },
        components: parts.programs.iter().map(program).chain(parts.parts.iter().map(module)).collect(),
        dependencies: dependencies(&parts.programs),
    };
    serde_json::to_string_pretty(&document).expect("text alone makes JSON") + "\n"
}

fn tool() -> Component<'static> {
    Component { version: Some(VERSION), ..component("application", None, "tare") }
}

fn image(subject: &Subject) -> Component<'_> {
    Component {
        version: Some(&subject.digest),
        hashes: vec![sha256(subject.sha256().to_owned())],
        properties: vec![property("tare:platform", &subject.platform)],
        ..component("container", Some(IMAGE), &subject.name)
    }
}

fn program<'a>(built: &'a Built) -> Component<'a> {
    let file = Component {
        hashes: vec![sha256(built.program.sha256.clone())],
        ..component("file", None, &built.program.file)
    };
    let mut properties = settings(&built.program.info);
    properties.extend(origin(&built.main));
    Component {
        kind: "application",
        bom_ref: Some(&built.id),
        // Not the module's: the file below has the one that can be checked.
        hashes: Vec::new(),
        properties,
        components: vec![file],
        ..module(&built.main)
    }
}

fn module(part: &Part) -> Component<'_> {
    let sum = part.sum.iter().map(|sum| sha256(oci::digest::hex(&sum.bytes)));
    Component {
        version: part.version.as_deref(),
        hashes: sum.collect(),
        cpe: part.cpe.as_deref(),
        purl: part.purl.as_deref(),
        properties: origin(part),
        ..component("library", Some(&part.id), &part.name)
    }
}

fn component<'a>(kind: &'static str, bom_ref: Option<&'a str>, name: &'a str) -> Component<'a> {
    Component {
        kind,
        bom_ref,
        name,
        version: None,
        hashes: Vec::new(),
        cpe: None,
        purl: None,
        properties: Vec::new(),
        components: Vec::new(),
    }
}

fn sha256(content: String) -> Hash {
    Hash { alg: "SHA-256", content }
}

/// Where a part comes from.
fn origin(part: &Part) -> Vec<Property<'_>> {
    let all = [
        ("tare:go:sum", part.sum.as_ref().map(|sum| sum.text.as_str())),
        ("tare:go:replaces", part.replaces.as_deref()),
        ("tare:go:folder", part.folder.as_deref()),
    ];
    all.into_iter().filter_map(|(name, value)| Some(property(name, value?))).collect()
}

/// How a program was built.
fn settings(info: &BuildInfo) -> Vec<Property<'_>> {
    let tags = info.setting("-tags").unwrap_or("").split(',').filter(|tag| !tag.is_empty());
    let settings = SETTINGS.iter().filter_map(|(key, name)| Some(property(name, info.setting(key)?)));
    [("tare:go:package", &*info.path), ("cdx:gomod:build:env:GOVERSION", &*info.go_version)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| property(name, value))
        .chain(settings)
        .chain(tags.map(|tag| property("cdx:gomod:build:tag", tag)))
        .collect()
}

fn property<'a>(name: &'static str, value: &'a str) -> Property<'a> {
    Property { name, value }
}

fn dependencies(programs: &[Built]) -> Vec<Dependency> {
    let image = Dependency {
        reference: IMAGE.to_owned(),
        depends_on: programs.iter().map(|built| built.id.clone()).collect(),
    };
    let needs = programs.iter().map(|b| Dependency { reference: b.id.clone(), depends_on: b.needs.clone() });
    std::iter::once(image).chain(needs).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: String,
    tools: Tools,
    component: Component<'a>,
}

#[derive(Serialize)]
struct Tools {
    components: [Component<'static>; 1],
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpe: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}
