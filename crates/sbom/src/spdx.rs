//! The parts of an image to SPDX 2.3 in JSON.
//!
//! Fed by `parts`. The image is a package that contains programs, and a program depends on modules.
//!
//! A program is a package with its file's name and checksum, not an SPDX file: those must have a SHA-1. A
//! module's sum is an external reference rather than a checksum: it is a SHA-256, but of no file that there is.
//! Licences are `NOASSERTION`, for a program doesn't say. See the SPDX specification 2.3, "Package information".

use serde::Serialize;

use crate::info::BuildInfo;
use crate::parts::{self, Built, Part, Program, Subject, VERSION};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-image";
const UNKNOWN: &str = "NOASSERTION";

/// The SPDX document of an image, with a newline at its end.
pub fn spdx(subject: &Subject, programs: &[Program]) -> String {
    let parts = parts::parts(programs);
    let document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        spdx_id: DOCUMENT,
        name: &subject.name,
        document_namespace: subject.urn("spdx"),
        creation_info: CreationInfo { created: subject.time(), creators: [format!("Tool: tare-{VERSION}")] },
        packages: std::iter::once(image(subject))
            .chain(parts.programs.iter().map(program))
            .chain(parts.parts.iter().map(module))
            .collect(),
        relationships: relationships(&parts.programs),
    };
    serde_json::to_string_pretty(&document).expect("text alone makes JSON") + "\n"
}

fn image(subject: &Subject) -> Package<'_> {
    Package {
        version_info: Some(&subject.digest),
        checksums: vec![checksum(subject.sha256())],
        comment: Some(subject.platform.clone()),
        primary_package_purpose: "CONTAINER",
        ..package(IMAGE.to_owned(), &subject.name)
    }
}

fn program<'a>(built: &'a Built) -> Package<'a> {
    Package {
        package_file_name: Some(&built.program.file),
        checksums: vec![checksum(&built.program.sha256)],
        source_info: revision(&built.program.info).or_else(|| origin(&built.main)),
        comment: Some(build(&built.program.info)),
        primary_package_purpose: "APPLICATION",
        spdx_id: reference(&built.id),
        ..module(&built.main)
    }
}

fn module(part: &Part) -> Package<'_> {
    Package {
        version_info: part.version.as_deref(),
        source_info: origin(part),
        external_refs: external_refs(part),
        primary_package_purpose: "LIBRARY",
        ..package(reference(&part.id), &part.name)
    }
}

fn package(spdx_id: String, name: &str) -> Package<'_> {
    Package {
        name,
        spdx_id,
        version_info: None,
        package_file_name: None,
        download_location: UNKNOWN,
        files_analyzed: false,
        checksums: Vec::new(),
        source_info: None,
        license_concluded: UNKNOWN,
        license_declared: UNKNOWN,
        copyright_text: UNKNOWN,
        comment: None,
        external_refs: Vec::new(),
        primary_package_purpose: "",
    }
}

fn reference(id: &str) -> String {
    format!("SPDXRef-{id}")
}

fn checksum(sha256: &str) -> Checksum<'_> {
    Checksum { algorithm: "SHA256", checksum_value: sha256 }
}

/// The commit that a program was built from.
fn revision(info: &BuildInfo) -> Option<String> {
    let revision = info.setting("vcs.revision")?;
    let system = info.setting("vcs").unwrap_or("vcs");
    let modified = if info.setting("vcs.modified") == Some("true") { ", modified" } else { "" };
    Some(format!("{system} revision {revision}{modified}"))
}

fn origin(part: &Part) -> Option<String> {
    let replaces = part.replaces.as_ref()?;
    Some(match &part.folder {
        Some(folder) => format!("folder {folder}, in place of {replaces}"),
        None => format!("in place of {replaces}"),
    })
}

fn build(info: &BuildInfo) -> String {
    match info.path.as_str() {
        "" => format!("built with {}", info.go_version),
        path => format!("main package {path}, built with {}", info.go_version),
    }
}

fn external_refs(part: &Part) -> Vec<ExternalRef<'_>> {
    let all = [
        ("PACKAGE-MANAGER", "purl", part.purl.as_deref()),
        ("SECURITY", "cpe23Type", part.cpe.as_deref()),
        ("OTHER", "go-sum", part.sum.as_ref().map(|sum| sum.text.as_str())),
    ];
    let external_ref = |(reference_category, reference_type, locator): (_, _, Option<_>)| {
        Some(ExternalRef { reference_category, reference_type, reference_locator: locator? })
    };
    all.into_iter().filter_map(external_ref).collect()
}

fn relationships(programs: &[Built]) -> Vec<Relationship> {
    let mut all = vec![relationship(DOCUMENT.to_owned(), "DESCRIBES", IMAGE.to_owned())];
    for built in programs {
        let program = reference(&built.id);
        all.push(relationship(IMAGE.to_owned(), "CONTAINS", program.clone()));
        all.extend(built.needs.iter().map(|id| relationship(program.clone(), "DEPENDS_ON", reference(id))));
    }
    all
}

fn relationship(from: String, kind: &'static str, to: String) -> Relationship {
    Relationship { spdx_element_id: from, relationship_type: kind, related_spdx_element: to }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    spdx_id: &'static str,
    name: &'a str,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package<'a>>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    name: &'a str,
    #[serde(rename = "SPDXID")]
    spdx_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<&'a str>,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: &'static str,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef<'a>>,
    primary_package_purpose: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: &'static str,
    checksum_value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}
