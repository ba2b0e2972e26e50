//! Whom to trust and who to be, per host: certificate files to a TLS configuration.
//!
//! Roots are the system's (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), plus the host's own from
//! certs.d; Mozilla's compiled-in ones if the machine has none, as in a scratch container.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::env::Env;
use crate::error::{Error, Kind, Result};

/// TLS settings of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Don't check the host's certificate: the host is listed as insecure.
    pub skip_verify: bool,
    /// More roots, as PEM files.
    pub roots: Vec<PathBuf>,
    /// A client certificate and its key, as PEM files.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// What the directories named `host` in certs.d say: `*.crt` are roots, `x.cert` with `x.key` is the
    /// client. See containers-certs.d(5); Docker's are the same.
    pub fn of_host(env: &Env, host: &str) -> Tls {
        let mut tls = Tls::default();
        let own = env.home(".config/containers/certs.d");
        let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(|dir| env.system(dir));
        for dir in own.into_iter().chain(system) {
            tls.add_directory(&dir.join(host));
        }
        tls
    }

    fn add_directory(&mut self, dir: &Path) {
        let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            match file.extension().and_then(|e| e.to_str()) {
                Some("crt") => self.roots.push(file),
                Some("cert") if self.client.is_none() => {
                    self.client = Some((file.clone(), file.with_extension("key")))
                }
                _ => {}
            }
        }
    }

    /// Reads the files. Takes a few milliseconds for a system's bundle, so nothing calls it before the
    /// first https request.
    pub(crate) fn load(&self, env: &Env) -> Result<TlsConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = self.client.as_ref().map(|(cert, key)| client(&provider, cert, key)).transpose()?;
        Ok(TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .disable_verification(self.skip_verify)
            .root_certs(self.load_roots(env)?)
            .client_cert(client)
            .build())
    }

    fn load_roots(&self, env: &Env) -> Result<RootCerts> {
        let mut roots = system_roots(env)?;
        if roots.is_empty() && self.roots.is_empty() {
            return Ok(RootCerts::WebPki);
        }
        for file in &self.roots {
            roots.extend(certificates(file)?);
        }
        Ok(RootCerts::new_with_certs(&roots))
    }
}

fn system_roots(env: &Env) -> Result<Vec<Certificate<'static>>> {
    let (file, dirs) = (env.path("SSL_CERT_FILE"), env.var("SSL_CERT_DIR"));
    if file.is_none() && dirs.is_none() {
        // Some files of a bundle may not be readable; what could be read counts.
        return Ok(owned(rustls_native_certs::load_native_certs().certs));
    }
    let mut roots = file.map(|file| certificates(&file)).transpose()?.unwrap_or_default();
    for dir in dirs.iter().flat_map(|dirs| dirs.split(':')).filter(|dir| !dir.is_empty()) {
        roots.extend(owned(rustls_native_certs::load_certs_from_paths(None, Some(Path::new(dir))).certs));
    }
    Ok(roots)
}

fn owned(certs: Vec<impl AsRef<[u8]>>) -> Vec<Certificate<'static>> {
    certs.iter().map(|c| Certificate::from_der(c.as_ref()).to_owned()).collect()
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let found: Vec<_> = parse_pem(&read(file)?)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(cert)) => Some(cert),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(unusable(file, "it has no PEM certificate")) } else { Ok(found) }
}

/// ureq takes it for granted that the key fits the certificate, so that is found out here.
fn client(provider: &Arc<CryptoProvider>, cert: &Path, key: &Path) -> Result<ClientCert> {
    let chain = certificates(cert)?;
    let pem = read(key)?;
    let private = PrivateKey::from_pem(&pem).map_err(|_| unusable(key, "it has no PEM private key"))?;
    let der = rustls::pki_types::PrivateKeyDer::try_from(private.der().to_vec())
        .map_err(|why| unusable(key, why))?;
    let ders = chain.iter().map(|c| c.der().to_vec().into()).collect();
    rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|b| {
            b.with_root_certificates(rustls::RootCertStore::empty()).with_client_auth_cert(ders, der)
        })
        .map_err(|e| unusable(cert, &format!("with key `{}`: {e}", key.display())))?;
    Ok(ClientCert::new_with_certs(&chain, private))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| Error::io(format_args!("read certificate `{}`", file.display()), &e))
}

fn unusable(file: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("use certificate `{}`: {why}", file.display()))
}
