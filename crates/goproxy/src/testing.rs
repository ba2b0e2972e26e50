//! What tests need: a folder that goes away, a server, a checksum database, zips.

pub(crate) mod log;
pub(crate) mod server;

use std::fs::File;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use transport::Env;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::module::{Module, toolchain};

/// A folder that is gone at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tare-goproxy-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub(crate) fn write(&self, below: &str, bytes: &[u8]) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// A file with these contents, open for reading and writing.
    pub(crate) fn file(&self, below: &str, bytes: &[u8]) -> File {
        self.write(below, bytes);
        File::options().read(true).write(true).open(self.path(below)).unwrap()
    }

    /// An environment whose home is here.
    pub(crate) fn env(&self, vars: &[(&str, &str)]) -> Env {
        let mut all = vec![("HOME", self.0.to_str().unwrap())];
        all.extend(vars);
        Env::of(&all, Path::new("/"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The module that tests ask for.
pub(crate) fn go() -> Module {
    toolchain("1.2.3", "linux", "amd64")
}

/// A zip of these names, as they are, and contents.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A zip of `go()`, and its sum as sha256sum has it.
pub(crate) fn go_zip() -> (Vec<u8>, &'static str) {
    let prefix = format!("{}/", go());
    let names = ["VERSION", "bin/go"].map(|name| format!("{prefix}{name}"));
    (zip(&[(&names[1], "a program\n"), (&names[0], "go1.2.3\n")]), GO_SUM)
}

const GO_SUM: &str = "h1:bK+s4JGVI+BWNfBaNrqys6cBmCv4hg7kTtlBg7rrDrU=";
