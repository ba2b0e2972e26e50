//! What a toolchain expects around it: users, root certificates, folders to write to.
//!
//! These are the files that the recipe's last stage copies too, so they are at the same places as in the
//! official images. Nothing here comes from the host: the same tare makes the same layer everywhere.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tree::{Change, Content, Entry, Kind, Meta, Source, Time};

/// `nobody` is who programs run as; `nonroot` is there for those who come from images that use 65532.
const PASSWD: &str = "root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
";
const GROUP: &str = "root:x:0:
nobody:x:65534:
nonroot:x:65532:
";

/// The go command counts its own use in files named by the day, unless it is told not to.
const TELEMETRY: (&str, &str) = ("root/.config/go/telemetry/mode", "off\n");

const FOLDERS: [(&str, u32); 12] = [
    ("etc", 0o755),
    ("etc/ssl", 0o755),
    ("etc/ssl/certs", 0o755),
    ("go", 0o1777),
    ("root", 0o700),
    ("root/.config", 0o755),
    ("root/.config/go", 0o755),
    ("root/.config/go/telemetry", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/local", 0o755),
    ("var", 0o755),
];

/// Lays the files out in a new folder.
pub fn write(folder: &Path) -> io::Result<()> {
    layer::materialise(&changes(), folder).map(drop)
}

/// What the layer is known by: changes whenever a certificate does.
pub fn digest() -> String {
    oci::digest::hex(&tree::id(&changes()))[..16].to_owned()
}

fn changes() -> Vec<Change> {
    let folders = FOLDERS.iter().map(|&(path, mode)| put(path, mode, Kind::Dir));
    let fixed = [("etc/passwd", PASSWD), ("etc/group", GROUP), TELEMETRY];
    let files = fixed.map(|(path, text)| (path, text.to_owned())).into_iter().chain([(BUNDLE, bundle())]);
    let files = files.map(|(path, text)| put(path, 0o644, file(text)));
    let mut changes: Vec<Change> = folders.chain(files).collect();
    tree::entry::sort(&mut changes);
    changes
}

const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

fn put(path: &str, mode: u32, kind: Kind) -> Change {
    let mtime = Time { sec: plan::options::EARLIEST, nsec: 0 };
    let meta = Meta { mode, uid: 0, gid: 0, mtime, xattrs: Default::default() };
    Change::Put(Entry { path: path.into(), meta, kind })
}

fn file(text: String) -> Kind {
    let bytes: Arc<[u8]> = text.into_bytes().into();
    let content = Content(*blake3::hash(&bytes).as_bytes());
    Kind::File { size: bytes.len() as u64, content, source: Source::Bytes(bytes) }
}

/// Mozilla's roots as one PEM file, in an order that is no accident of the library's.
fn bundle() -> String {
    let mut blocks: Vec<String> = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|c| pem(c)).collect();
    blocks.sort();
    blocks.concat()
}

fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_pem_and_holds_every_root_once() {
        let text = bundle();
        let count = text.matches("-----BEGIN CERTIFICATE-----\n").count();
        assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        assert!(count > 50, "{count}");
        assert!(text.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn the_layer_is_the_same_each_time() {
        assert_eq!(digest(), digest());
    }
}
