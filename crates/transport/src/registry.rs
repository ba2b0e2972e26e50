//! A registry: a reference to a manifest, descriptors to bytes. See the OCI distribution-spec, "Pull".
//!
//! Mirrors are asked first, each problem with one leads to the next, and the registry itself comes last.
//! What a registry says about digests is not believed; everything is hashed here.
//! Pushing is in `push`, the reader that survives a broken connection in `resume`.

use std::io::Read;
use std::sync::Arc;

use oci::{Descriptor, Digest, Platform, Reference, media};
use ureq::http::Method;

use crate::auth::Auth;
use crate::credentials::{self, Credentials, Secret};
use crate::error::{Error, Kind, Result};
use crate::http::{self, Client};
use crate::pull::{self, MAX_CONFIG, MAX_MANIFEST, Progress, Pull, Resolved};
use crate::registries::{Endpoint, Registries};
use crate::resume::Resume;
use crate::session::{Ask, Options, Session};
use crate::upload::Way;
use crate::verify::{Verified, read_all};

/// All registries, as one machine sees them. Cheap to clone; keeps connections and tokens.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) session: Arc<Session>,
}

/// One image of a registry.
#[derive(Clone, Debug)]
pub struct Source {
    registry: Registry,
    reference: Reference,
}

impl Registry {
    /// Opens no connection and reads no certificate yet.
    pub fn new(client: Client, registries: Registries, options: Options) -> Registry {
        let auth = Auth::new(client.env().clone());
        Registry { session: Arc::new(Session::new(client, auth, registries, options)) }
    }

    /// Where a reference leads.
    pub fn registries(&self) -> &Registries {
        &self.session.registries
    }

    /// One image as a place to pull from.
    pub fn source(&self, reference: &Reference) -> Source {
        Source { registry: self.clone(), reference: reference.clone() }
    }

    /// Fetches the manifest for a platform.
    ///
    /// # Errors
    /// `NotFound` if no host has it; else what the registry itself said, with the mirrors' troubles.
    pub fn resolve(&self, reference: &Reference, platform: &Platform) -> Result<Resolved> {
        self.anywhere(reference, |at| self.resolve_at(at, reference, platform))
    }

    /// What a name stands for now, on whichever platform: the digest of an index, or of a manifest if there is none.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub fn digest(&self, reference: &Reference) -> Result<Digest> {
        self.anywhere(reference, |at| {
            let (top, _) = self.document(at, &reference.selector(), reference.digest)?;
            Ok(top.digest)
        })
    }

    fn resolve_at(&self, at: &Endpoint, reference: &Reference, platform: &Platform) -> Result<Resolved> {
        let (top, bytes) = self.document(at, &reference.selector(), reference.digest)?;
        let fetch =
            |d: &Descriptor| self.document(at, &d.digest.to_string(), Some(d.digest)).map(|(_, bytes)| bytes);
        pull::choose(top, bytes, platform, &at.host, &fetch)
    }

    /// A manifest or index at one host.
    fn document(
        &self,
        at: &Endpoint,
        selector: &str,
        digest: Option<Digest>,
    ) -> Result<(Descriptor, Vec<u8>)> {
        let url = self.session.url(at, &format!("manifests/{selector}"))?;
        let scopes = [pull_scope(&at.repository)];
        let ask = Ask::new(Method::GET, &url, &scopes).with("accept", media::ACCEPT);
        let (bytes, said) = self.session.patiently(|| {
            let mut answer = self.session.call(at, &ask, None, &[200])?;
            let said = http::header(&answer, "content-type").unwrap_or_default().to_owned();
            http::read_body(&mut answer, MAX_MANIFEST).map(|bytes| (bytes, said))
        })?;
        if digest.is_some_and(|wanted| wanted != Digest::of(&bytes)) {
            return Err(Error::new(
                Kind::Corrupt,
                format!("`{}` sent another manifest than {selector}", at.host),
            ));
        }
        let media_type = pull::media_type_of(&bytes, said.split(';').next().unwrap_or_default().trim())?;
        Ok((Descriptor::of(&media_type, &bytes), bytes))
    }

    /// The config's bytes, verified.
    ///
    /// # Errors
    /// If no host gives them whole.
    pub fn config(&self, reference: &Reference, resolved: &Resolved) -> Result<Vec<u8>> {
        let blob = &resolved.parsed.config;
        read_all(self.resume(reference, blob)?, blob, MAX_CONFIG).map_err(|e| pulling(reference, e))
    }

    /// A blob that belongs to an image, from whichever host has it; goes on after a broken connection.
    ///
    /// # Errors
    /// `Config` for a blocked registry. Nothing is sent before the first read.
    pub fn blob<'a>(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        progress: &'a dyn Progress,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        Ok(Box::new(Verified::new(self.resume(reference, blob)?, blob, progress)))
    }

    fn resume(&self, reference: &Reference, blob: &Descriptor) -> Result<Resume> {
        let endpoints = self.session.registries.endpoints(reference)?;
        Ok(Resume::new(self.session.clone(), endpoints, reference.familiar(), blob.clone()))
    }

    /// Whether the registry itself has a blob in the reference's repository.
    ///
    /// # Errors
    /// If it doesn't say.
    pub fn exists(&self, reference: &Reference, digest: &Digest) -> Result<bool> {
        let at = self.session.registries.push_endpoint(reference)?;
        let scopes = [pull_scope(&at.repository)];
        Way { session: &self.session, at: &at, scopes: &scopes }.has(digest)
    }

    /// Asks one host after the other.
    fn anywhere<T>(&self, reference: &Reference, ask: impl Fn(&Endpoint) -> Result<T>) -> Result<T> {
        let mut troubles: Vec<(String, Error)> = Vec::new();
        for at in self.session.registries.endpoints(reference)? {
            match ask(&at) {
                Ok(found) => return Ok(found),
                Err(error) => troubles.push((at.host, error)),
            }
        }
        let (_, last) = troubles.pop().expect("there is always the registry itself");
        Err(with_mirrors(pulling(reference, last), &troubles))
    }

    /// Checks credentials with a registry and keeps them for later. Returns where they are kept.
    ///
    /// # Errors
    /// `Denied` if the registry refuses them; then nothing was kept.
    pub fn login(&self, host: &str, user: &str, password: &Secret) -> Result<String> {
        let host = plain_host(host);
        let (env, session) = (self.session.client.env().clone(), &self.session);
        let given = Credentials::Basic(user.to_owned(), password.clone());
        let auth = Auth::with(env.clone(), &host, given);
        let client = Client::new(env.clone(), session.options.limits);
        let trial = Session::new(client, auth, session.registries.clone(), session.options);
        let failed = |e: Error| e.during(format_args!("log in to `{host}`"));
        let at = trial.registries.host_endpoint(&host).map_err(failed)?;
        let checked = trial
            .url(&at, "")
            .and_then(|url| trial.call(&at, &Ask::new(Method::GET, &url, &[]), None, &[200]));
        // The usual hint would be to log in.
        checked.map_err(|e| failed(Error { hint: None, ..e }))?;
        credentials::store(&env, &host, user, password).map_err(failed)
    }

    /// Forgets the credentials for a registry; tells whether there were any.
    ///
    /// # Errors
    /// If they can't be removed.
    pub fn logout(&self, host: &str) -> Result<bool> {
        let host = plain_host(host);
        credentials::erase(self.session.client.env(), &host)
            .map_err(|e| e.during(format_args!("log out of `{host}`")))
    }
}

impl Pull for Source {
    fn resolve(&self, platform: &Platform) -> Result<Resolved> {
        self.registry.resolve(&self.reference, platform)
    }

    fn config(&self, resolved: &Resolved) -> Result<Vec<u8>> {
        self.registry.config(&self.reference, resolved)
    }

    fn blob<'a>(
        &'a self,
        blob: &Descriptor,
        progress: &'a dyn Progress,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        self.registry.blob(&self.reference, blob, progress)
    }
}

pub(crate) fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn pulling(reference: &Reference, error: Error) -> Error {
    error.during(format_args!("pull `{}`", reference.familiar()))
}

fn with_mirrors(mut error: Error, troubles: &[(String, Error)]) -> Error {
    for (mirror, trouble) in troubles {
        error.message += &format!(" (mirror `{mirror}`: {})", trouble.message);
    }
    error
}

/// A registry as people type it: Docker Hub under any of its names, or none; a URL.
fn plain_host(host: &str) -> String {
    let name = host.trim_start_matches("https://").trim_start_matches("http://");
    match name.split('/').next().unwrap_or_default() {
        "" | "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
            oci::reference::DEFAULT_HOST.to_owned()
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_as_people_type_them() {
        for (typed, expected) in [
            ("", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("r.example:5000", "r.example:5000"),
            ("http://r.example/", "r.example"),
        ] {
            assert_eq!(plain_host(typed), expected);
        }
    }
}
