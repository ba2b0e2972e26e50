//! Where an image really is: a reference to the hosts that have it, by containers' registries.conf.
//!
//! Read are the first of `TARE_REGISTRIES_CONF`, `CONTAINERS_REGISTRIES_CONF`,
//! `~/.config/containers/registries.conf`, `/etc/containers/registries.conf`, and unless one of the
//! variables named it the `*.conf` files of registries.conf.d beside the last two: a later file
//! replaces a registry of an earlier one. See containers-registries.conf(5), version 2.
//!
//! Short names mean Docker Hub, as in every Dockerfile; `unqualified-search-registries` is read but never
//! searched, since a build must not depend on which registry answers first.

use std::path::{Path, PathBuf};

use oci::Reference;
use serde::Deserialize;

use crate::dns;
use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::tls::Tls;

/// Docker Hub's API is not at the host that its images are named for.
const HUB_API: &str = "registry-1.docker.io";

/// What the files say.
#[derive(Clone, Debug)]
pub struct Registries {
    env: Env,
    entries: Vec<Entry>,
    /// Where other tools look for short names. Ours are Docker Hub's.
    pub unqualified_search: Vec<String>,
}

/// One host to ask, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `host[:port]` to connect to.
    pub host: String,
    /// What credentials are kept under, and what people call it: `docker.io`.
    pub name: String,
    /// The repository there.
    pub repository: String,
    /// Which of https and http may be spoken.
    pub scheme: Scheme,
    /// Certificates.
    pub tls: Tls,
    /// Why this host: the file that says so, or nothing.
    pub because: Option<PathBuf>,
}

/// How to speak to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// https alone.
    Https,
    /// https, and http if the host has no TLS.
    PreferHttps,
    /// http, and https if the host wants TLS. For loopback: a registry for a test or a port-forward
    /// hardly ever has a certificate, and nobody can listen in.
    PreferHttp,
}

#[derive(Clone, Debug)]
struct Entry {
    registry: Registry,
    file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    unqualified_search_registries: Option<Vec<String>>,
    registry: Vec<Registry>,
    registries: Option<toml::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Registry {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<Mirror>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Mirror {
    location: String,
    insecure: bool,
    pull_from_mirror: When,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum When {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl Registries {
    /// Reads the files.
    ///
    /// # Errors
    /// `Config` if one of them can't be read or is not valid; missing files are empty, unless a variable
    /// names them.
    pub fn load(env: &Env) -> Result<Registries> {
        let mut all = Registries { env: env.clone(), entries: Vec::new(), unqualified_search: Vec::new() };
        if let Some(file) =
            env.path("TARE_REGISTRIES_CONF").or_else(|| env.path("CONTAINERS_REGISTRIES_CONF"))
        {
            all.add_file(&file)?;
            return Ok(all);
        }
        let system = env.system("/etc/containers");
        let own = env.home(".config/containers");
        let main =
            own.iter().chain([&system]).map(|dir| dir.join("registries.conf")).find(|file| file.exists());
        main.map_or(Ok(()), |file| all.add_file(&file))?;
        for dir in [Some(system), own].into_iter().flatten() {
            drop_ins(&dir.join("registries.conf.d")).iter().try_for_each(|file| all.add_file(file))?;
        }
        Ok(all)
    }

    fn add_file(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|e| Error::io(format_args!("read `{}`", path.display()), &e))?;
        let file: File = toml::from_str(&text).map_err(|e| invalid(path, e.message()))?;
        if file.registries.is_some() {
            return Err(invalid(
                path,
                "`[registries.…]` is version 1 of the format, only version 2 is supported",
            ));
        }
        self.unqualified_search =
            file.unqualified_search_registries.unwrap_or(self.unqualified_search.split_off(0));
        for registry in file.registry {
            let registry = normalize(registry).map_err(|why| invalid(path, &why))?;
            self.add(Entry { registry, file: Some(path.to_owned()) });
        }
        Ok(())
    }

    fn add(&mut self, entry: Entry) {
        self.entries.retain(|old| old.registry.prefix != entry.registry.prefix);
        self.entries.push(entry);
    }

    /// Allows plain http and unknown certificates for a host, as a command-line flag would.
    pub fn allow_insecure(&mut self, host: &str) {
        self.entry_for(host).insecure = true;
    }

    /// Puts a mirror before the others of a host, as a command-line flag would.
    pub fn add_mirror(&mut self, host: &str, location: &str) {
        let insecure = self.find(location).is_some_and(|entry| entry.registry.insecure);
        let mirror =
            Mirror { location: location.trim_end_matches('/').to_owned(), insecure, ..Mirror::default() };
        self.entry_for(host).mirror.insert(0, mirror);
    }

    fn entry_for(&mut self, host: &str) -> &mut Registry {
        let at = self.entries.iter().position(|e| e.registry.prefix == host).unwrap_or_else(|| {
            let (prefix, location) = (host.to_owned(), host.to_owned());
            self.entries
                .push(Entry { registry: Registry { prefix, location, ..Registry::default() }, file: None });
            self.entries.len() - 1
        });
        &mut self.entries[at].registry
    }

    /// Where to pull from, in order: mirrors, then the registry itself.
    ///
    /// # Errors
    /// `Config` if the registry is blocked.
    pub fn endpoints(&self, reference: &Reference) -> Result<Vec<Endpoint>> {
        let own = self.push_endpoint(reference)?;
        let Some(entry) = self.find(&reference.name()) else { return Ok(vec![own]) };
        let mirrors = entry.registry.mirror.iter().filter(|m| serves(m, &entry.registry, reference));
        let mirrors =
            mirrors.map(|m| self.endpoint(&rewrite(entry, reference, &m.location), m.insecure, Some(entry)));
        Ok(mirrors.chain([own]).collect())
    }

    /// Where to push to: never a mirror.
    ///
    /// # Errors
    /// `Config` if the registry is blocked.
    pub fn push_endpoint(&self, reference: &Reference) -> Result<Endpoint> {
        let name = reference.name();
        let Some(entry) = self.find(&name) else { return Ok(self.endpoint(&name, false, None)) };
        if entry.registry.blocked {
            let place = entry.file.as_ref().map(|f| format!(" in `{}`", f.display())).unwrap_or_default();
            return Err(Error::new(
                Kind::Config,
                format!("registry `{}` is blocked{place}", entry.registry.prefix),
            ));
        }
        let location = rewrite(entry, reference, &entry.registry.location);
        Ok(self.endpoint(&location, entry.registry.insecure, Some(entry)))
    }

    /// A registry as such, to log in to.
    ///
    /// # Errors
    /// `Config` if it is blocked.
    pub fn host_endpoint(&self, host: &str) -> Result<Endpoint> {
        let (host, repository) = (host.to_owned(), String::new());
        self.push_endpoint(&Reference { host, repository, tag: None, digest: None })
    }

    /// The longest prefix that fits.
    fn find(&self, name: &str) -> Option<&Entry> {
        let fitting = self.entries.iter().filter(|e| prefix_fits(&e.registry.prefix, name));
        fitting.max_by_key(|e| e.registry.prefix.len())
    }

    fn endpoint(&self, location: &str, insecure: bool, entry: Option<&Entry>) -> Endpoint {
        let (name, repository) = location.split_once('/').unwrap_or((location, ""));
        let host = if name == oci::reference::DEFAULT_HOST { HUB_API } else { name };
        let is_loopback = dns::is_loopback(host);
        let mut tls = Tls::of_host(&self.env, name);
        tls.skip_verify = insecure || (is_loopback && tls.roots.is_empty());
        let scheme = match insecure {
            _ if is_loopback => Scheme::PreferHttp,
            true => Scheme::PreferHttps,
            false => Scheme::Https,
        };
        let because = entry.and_then(|entry| entry.file.clone());
        Endpoint { host: host.into(), name: name.into(), repository: repository.into(), scheme, tls, because }
    }
}

fn drop_ins(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "conf"))
        .collect();
    files.sort();
    files
}

fn invalid(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("read `{}`: {}", path.display(), why.lines().next().unwrap_or_default()))
}

fn normalize(mut registry: Registry) -> Result<Registry, String> {
    registry.location = registry.location.trim_end_matches('/').to_owned();
    registry.prefix = registry.prefix.trim_end_matches('/').to_owned();
    if registry.prefix.is_empty() {
        registry.prefix = registry.location.clone();
    }
    if registry.prefix.is_empty() {
        return Err("a `[[registry]]` needs `prefix` or `location`".to_owned());
    }
    if registry.location.is_empty() && !registry.prefix.starts_with("*.") {
        registry.location = registry.prefix.clone();
    }
    for mirror in &mut registry.mirror {
        mirror.location = mirror.location.trim_end_matches('/').to_owned();
        if mirror.location.is_empty() {
            return Err(format!("a mirror of `{}` needs a `location`", registry.prefix));
        }
    }
    Ok(registry)
}

fn prefix_fits(prefix: &str, name: &str) -> bool {
    if let Some(domain) = prefix.strip_prefix('*') {
        let host = name.split('/').next().unwrap_or_default();
        return host.ends_with(domain) && host.len() > domain.len();
    }
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name with its prefix replaced by a location. A wildcard stands for the whole host.
fn rewrite(entry: &Entry, reference: &Reference, location: &str) -> String {
    let name = reference.name();
    if location.is_empty() {
        return name;
    }
    let prefix =
        if entry.registry.prefix.starts_with('*') { &reference.host } else { &entry.registry.prefix };
    format!("{location}{}", &name[prefix.len()..])
}

fn serves(mirror: &Mirror, registry: &Registry, reference: &Reference) -> bool {
    let by_digest = reference.digest.is_some();
    match mirror.pull_from_mirror {
        _ if registry.mirror_by_digest_only => by_digest,
        When::All => true,
        When::DigestOnly => by_digest,
        When::TagOnly => !by_digest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Etc(PathBuf);

    impl Etc {
        fn new(name: &str, files: &[(&str, &str)]) -> Etc {
            let root = std::env::temp_dir().join(format!("tare-registries-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Etc(root)
        }

        fn load(&self) -> Result<Registries> {
            Registries::load(&Env::of(&[("HOME", self.0.join("home").to_str().unwrap())], &self.0))
        }

        /// `host/repository` of every endpoint, with `!` for insecure ones.
        fn places(&self, reference: &str) -> Vec<String> {
            let show = |e: Endpoint| {
                format!("{}/{}{}", e.host, e.repository, if e.tls.skip_verify { "!" } else { "" })
            };
            self.load()
                .unwrap()
                .endpoints(&reference.parse().unwrap())
                .unwrap()
                .into_iter()
                .map(show)
                .collect()
        }
    }

    impl Drop for Etc {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const MAIN: &str = r#"
unqualified-search-registries = ["q.example"]
[[registry]]
prefix = "docker.io"
[[registry.mirror]]
location = "m.example/hub/"
insecure = true
[[registry.mirror]]
location = "tags.example"
pull-from-mirror = "tag-only"
[[registry]]
prefix = "docker.io/library"
location = "own.example/base"
[[registry]]
location = "10.0.0.1:5000"
insecure = true
[[registry]]
prefix = "*.wild.example"
location = "w.example/all"
[[registry]]
prefix = "evil.example"
blocked = true
[[registry]]
prefix = "d.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m.example"
"#;

    #[test]
    fn nothing_configured() {
        let etc = Etc::new("none", &[]);
        assert_eq!(etc.places("alpine"), ["registry-1.docker.io/library/alpine"]);
        assert_eq!(etc.places("r.example:5000/a/b:1"), ["r.example:5000/a/b"]);
    }

    #[test]
    fn mirrors_first_and_the_longest_prefix() {
        let etc = Etc::new("main", &[("etc/containers/registries.conf", MAIN)]);
        let digest = oci::Digest::of(b"x");
        assert_eq!(etc.places("a/b"), ["m.example/hub/a/b!", "tags.example/a/b", "registry-1.docker.io/a/b"]);
        assert_eq!(etc.places(&format!("a/b@{digest}")), ["m.example/hub/a/b!", "registry-1.docker.io/a/b"]);
        assert_eq!(etc.places("alpine"), ["own.example/base/alpine"]);
        assert_eq!(etc.places("10.0.0.1:5000/x"), ["10.0.0.1:5000/x!"]);
        assert_eq!(etc.places("a.wild.example/x/y"), ["w.example/all/x/y"]);
        assert_eq!(etc.places("d.example/x"), ["d.example/x"]);
        assert_eq!(etc.places(&format!("d.example/x@{digest}")), ["m.example/x", "d.example/x"]);
        assert_eq!(etc.load().unwrap().unqualified_search, ["q.example"]);
    }

    #[test]
    fn a_push_goes_to_the_registry_itself() {
        let etc = Etc::new("push", &[("etc/containers/registries.conf", MAIN)]);
        let registries = etc.load().unwrap();
        assert_eq!(registries.push_endpoint(&"a/b".parse().unwrap()).unwrap().host, "registry-1.docker.io");
        let blocked = registries.push_endpoint(&"evil.example/x".parse().unwrap()).unwrap_err();
        assert!(blocked.message.starts_with("registry `evil.example` is blocked in `"), "{blocked}");
    }

    #[test]
    fn drop_ins_replace_and_home_wins() {
        let own = "[[registry]]\nlocation = \"a.example\"\ninsecure = true\n";
        let etc = Etc::new(
            "drop",
            &[
                ("home/.config/containers/registries.conf", own),
                ("etc/containers/registries.conf", MAIN),
                ("etc/containers/registries.conf.d/1.conf", "[[registry]]\nlocation = \"b.example\"\n"),
                (
                    "etc/containers/registries.conf.d/2.conf",
                    "[[registry]]\nprefix = \"b.example\"\nlocation = \"c.example\"",
                ),
                ("etc/containers/registries.conf.d/3.txt", "not toml"),
            ],
        );
        assert_eq!(etc.places("a.example/x"), ["a.example/x!"]);
        assert_eq!(etc.places("b.example/x"), ["c.example/x"]);
        assert_eq!(etc.places("alpine"), ["registry-1.docker.io/library/alpine"]);
    }

    #[test]
    fn broken_files_are_named() {
        for (name, text) in
            [("v1", "[registries.search]\nregistries = []"), ("syntax", "[["), ("empty", "[[registry]]")]
        {
            let etc = Etc::new(name, &[("etc/containers/registries.conf", text)]);
            let error = etc.load().unwrap_err();
            assert!(error.message.contains("etc/containers/registries.conf`: "), "{error}");
            assert_eq!(error.kind, Kind::Config);
        }
    }

    #[test]
    fn flags_add_to_the_files() {
        let mut registries = Etc::new("flags", &[]).load().unwrap();
        registries.allow_insecure("m.example:5000");
        registries.add_mirror("docker.io", "m.example:5000/hub");
        let endpoints = registries.endpoints(&"alpine".parse().unwrap()).unwrap();
        assert_eq!(endpoints[0].host, "m.example:5000");
        assert_eq!((endpoints[0].scheme, endpoints[1].scheme), (Scheme::PreferHttps, Scheme::Https));
    }

    #[test]
    fn certificates_of_a_host() {
        let dir = "etc/containers/certs.d/r.example:5000";
        let [ca, cert] = ["ca.crt", "me.cert"].map(|file| format!("{dir}/{file}"));
        let etc = Etc::new("certs", &[(&ca, ""), (&cert, "")]);
        let tls = etc.load().unwrap().endpoints(&"r.example:5000/x".parse().unwrap()).unwrap().remove(0).tls;
        assert_eq!(tls.roots, [etc.0.join(&ca)]);
        assert_eq!(tls.client, Some((etc.0.join(cert), etc.0.join(dir).join("me.key"))));
    }

    #[test]
    fn loopback_needs_no_entry() {
        let etc = Etc::new("loopback", &[]);
        for host in ["localhost:5000", "127.0.0.1:1", "[::1]:5000"] {
            let endpoint = etc.load().unwrap().push_endpoint(&format!("{host}/x").parse().unwrap()).unwrap();
            assert_eq!(endpoint.scheme, Scheme::PreferHttp, "{host}");
        }
    }
}
