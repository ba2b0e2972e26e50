//! What addresses once gave, so that a second build asks nobody: a URL's file, a ref's commit.
//!
//! The files lie beside what tags resolved to, in `refs/`. Addresses may have passwords in them: a record is
//! named by the address's hash, and shows it without.

use std::path::PathBuf;

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{Result, Store};

/// A file that a web server once gave. Its bytes are in the layer that was made of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Download {
    /// The address, without a password.
    pub url: String,
    /// What its bytes hashed to.
    pub file: Digest,
    /// The server's mark for this content, to ask whether it is still the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When it last changed, as the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Seconds since 1970.
    pub at: i64,
}

/// What a ref of a repository once was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Commit {
    /// The repository, without a password.
    pub remote: String,
    /// The ref in full, as `refs/heads/main`; empty if a commit was asked for.
    pub reference: String,
    /// What it pointed to: a commit, or a tag object.
    pub object: String,
    /// The commit.
    pub commit: String,
    /// Seconds since 1970.
    pub at: i64,
}

impl Store {
    fn address_path(&self, kind: &str, address: &str) -> PathBuf {
        let id = blake3::hash(format!("{kind}\n{address}").as_bytes());
        self.path("refs").join(format!("{}.json", id.to_hex()))
    }

    /// What the URL gave last time.
    pub fn download(&self, url: &str) -> Option<Download> {
        read_json(&self.address_path("url", url))
    }

    /// Remembers what the URL gave.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_download(&self, url: &str, download: &Download) -> Result<()> {
        self.write_json(&self.address_path("url", url), download)
    }

    /// What the ref was last time. `address` is repository and ref.
    pub fn commit(&self, address: &str) -> Option<Commit> {
        read_json(&self.address_path("git", address))
    }

    /// Remembers what the ref was.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_commit(&self, address: &str, commit: &Commit) -> Result<()> {
        self.write_json(&self.address_path("git", address), commit)
    }

    /// Where the objects of a repository are kept, and the name of their lock.
    pub fn repository(&self, remote: &str) -> (PathBuf, String) {
        let name = blake3::hash(remote.as_bytes()).to_hex()[..32].to_owned();
        (self.path("git").join(&name), format!("git-{name}"))
    }
}
