//! One HTTP request to one response: connections, proxies, TLS, names, timeouts.
//!
//! Wraps ureq. Knows nothing of registries: no retries, no authentication, no redirects (which must drop
//! credentials on the way to another host, so `session` follows them).
//! Creating a client costs nothing; certificates are read on the first https request.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::config::{Config, RedirectAuthHeaders};
pub use ureq::http::Method;
use ureq::http::{HeaderValue, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy, ProxyProtocol, SendBody, Timeout};

use crate::dns;
use crate::env::Env;
use crate::error::{Error, Kind, Result, cause};
use crate::proxy;
use crate::tls::Tls;

/// A response whose body is still to be read.
pub type Response = ureq::http::Response<ureq::Body>;

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the next bytes, either way.
    pub stall: Duration,
    /// For the answer to an upload: the registry may have to read gigabytes again before it can tell.
    pub commit: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { connect: seconds(15), stall: seconds(60), commit: seconds(600) }
    }
}

/// A request. Its parts are shown nowhere, as they may be secret.
pub struct Request<'a> {
    /// The verb.
    pub method: Method,
    /// `http://…` or `https://…`.
    pub url: &'a str,
    /// Names and values.
    pub headers: Vec<(&'a str, String)>,
    /// What to send.
    pub body: Body<'a>,
}

/// What a request sends.
pub enum Body<'a> {
    /// Nothing.
    None,
    /// Bytes at hand.
    Bytes(&'a [u8]),
    /// So many bytes from a reader.
    Stream(&'a mut dyn Read, u64),
    /// Bytes from a reader to its end, wherever that will be.
    Chunked(&'a mut dyn Read),
}

impl Body<'_> {
    /// The body for another try. A stream goes on where it was.
    pub fn again(&mut self) -> Body<'_> {
        match self {
            Body::None => Body::None,
            Body::Bytes(bytes) => Body::Bytes(bytes),
            Body::Stream(reader, length) => Body::Stream(&mut **reader, *length),
            Body::Chunked(reader) => Body::Chunked(&mut **reader),
        }
    }

    /// Whether it can be sent once only.
    pub fn is_stream(&self) -> bool {
        matches!(self, Body::Stream(..) | Body::Chunked(_))
    }
}

/// Makes requests; share one, it keeps connections open.
pub struct Client {
    env: Env,
    limits: Limits,
    names: Names,
    agents: Mutex<HashMap<Route, Agent>>,
}

/// What connections of one pool have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Route {
    tls: Option<Tls>,
    proxy: Option<String>,
}

impl std::fmt::Debug for Client {
    // A proxy's URL may have a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that reads proxies, certificates and names from `env`.
    pub fn new(env: Env, limits: Limits) -> Client {
        let names = Names(Arc::new(dns::Resolver::new(env.clone())));
        Client { env, limits, names, agents: Mutex::default() }
    }

    /// Where settings come from.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Sends a request and reads the response's head. Any status is `Ok`.
    ///
    /// # Errors
    /// Without a response: `Unreachable` or `Broken`, with the host and the cause; `Config` for unusable
    /// settings.
    pub fn send(&self, request: Request<'_>, tls: &Tls) -> Result<Response> {
        let uri: Uri =
            request.url.parse().map_err(|_| Error::new(Kind::Other, "the address is not valid"))?;
        let host = uri.authority().map(host_port).unwrap_or_default();
        let agent = self.agent(&uri, &host, tls)?;
        let is_upload = request.body.is_stream() || request.method == Method::PUT;
        let result = self.run(&agent, uri, request, is_upload);
        result.map_err(|e| explain(&host, e))
    }

    fn run(
        &self,
        agent: &Agent,
        uri: Uri,
        request: Request<'_>,
        is_upload: bool,
    ) -> Result<Response, ureq::Error> {
        let mut builder = ureq::http::Request::builder().method(request.method.clone()).uri(uri);
        for (name, value) in &request.headers {
            let mut value = HeaderValue::from_str(value).map_err(|e| ureq::Error::Http(e.into()))?;
            value.set_sensitive(*name == "authorization");
            builder = builder.header(*name, value);
        }
        let (mut reader, length): (Box<dyn Read + '_>, Option<u64>) = match request.body {
            Body::None if !matches!(request.method, Method::POST | Method::PUT | Method::PATCH) => {
                return agent.run(builder.body(SendBody::none())?);
            }
            Body::None => (Box::new(io::empty()), Some(0)),
            Body::Bytes(bytes) => (Box::new(bytes), Some(bytes.len() as u64)),
            Body::Stream(reader, length) => (Box::new(reader), Some(length)),
            // ureq sends it in HTTP's chunked coding.
            Body::Chunked(reader) => (Box::new(reader), None),
        };
        if let Some(length) = length {
            builder = builder.header("content-length", length);
        }
        let mut exact = Exact { inner: &mut *reader, left: length };
        let built = builder.body(SendBody::from_reader(&mut exact))?;
        let patience = is_upload.then_some(self.limits.commit);
        agent.run(
            agent.configure_request(built).timeout_per_read(patience.or(Some(self.limits.stall))).build(),
        )
    }

    fn agent(&self, uri: &Uri, host: &str, tls: &Tls) -> Result<Agent> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let proxy = proxy::choose(&self.env, scheme, host);
        let route = Route { tls: (scheme == "https").then(|| tls.clone()), proxy };
        let mut agents = self.agents.lock().expect("no holder panics");
        if let Some(agent) = agents.get(&route) {
            return Ok(agent.clone());
        }
        let agent = self.new_agent(&route)?;
        agents.insert(route, agent.clone());
        Ok(agent)
    }

    fn new_agent(&self, route: &Route) -> Result<Agent> {
        let mut config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .redirect_auth_headers(RedirectAuthHeaders::Never)
            .user_agent(concat!("tare/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(self.limits.connect))
            .timeout_per_read(Some(self.limits.stall))
            .timeout_per_write(Some(self.limits.stall))
            .proxy(route.proxy.as_deref().map(parse_proxy).transpose()?);
        if let Some(tls) = &route.tls {
            config = config.tls_config(tls.load(&self.env)?);
        }
        Ok(Agent::with_parts(config.build(), DefaultConnector::new(), self.names.clone()))
    }
}

/// What ureq says, as the verb, the host and the cause.
fn explain(host: &str, error: ureq::Error) -> Error {
    let (verb, why) = match &error {
        ureq::Error::Io(e) if rustls_error(e).is_some() => return tls_trouble(host, rustls_error(e)),
        ureq::Error::Rustls(e) => return tls_trouble(host, Some(e)),
        // Our own readers' errors come back as they are: the file is at fault, not the host.
        ureq::Error::Io(e) if is_ours(e) => return Error::io(format_args!("send to `{host}`"), e),
        ureq::Error::Io(e) if is_broken(e) => ("talk to", format!("the connection broke ({})", cause(e))),
        ureq::Error::Io(e) => ("connect to", cause(e)),
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => ("connect to", "timed out".to_owned()),
        ureq::Error::Timeout(_) => ("talk to", "it went silent".to_owned()),
        ureq::Error::Other(e) if e.is::<NameError>() => ("resolve", e.to_string()),
        ureq::Error::HostNotFound => ("resolve", "no such host".to_owned()),
        ureq::Error::ConnectProxyFailed(why) => ("reach", format!("the proxy refused: {why}")),
        ureq::Error::InvalidProxyUrl => ("reach", "the proxy's address is not valid".to_owned()),
        ureq::Error::Protocol(e) => ("understand", format!("not HTTP ({e})")),
        other => ("talk to", other.to_string()),
    };
    let name = if verb == "resolve" { dns::without_port(host) } else { host };
    let kind = if verb == "talk to" { Kind::Broken } else { Kind::Unreachable };
    Error::new(kind, format!("{verb} `{name}`: {why}"))
}

/// ureq asks a reader that ended too early for ever more bytes: end it with an error.
struct Exact<'a> {
    inner: &'a mut dyn Read,
    /// None if its end is where the body ends.
    left: Option<u64>,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = &mut self.left else { return self.inner.read(buffer).map_err(local) };
        let room = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..room]).map_err(local)?;
        if count == 0 && room > 0 {
            return Err(local(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it is shorter than its descriptor says",
            )));
        }
        *left -= count as u64;
        Ok(count)
    }
}

/// Marks an error of what we send, to tell it from one of the connection.
fn local(error: io::Error) -> io::Error {
    let already = error.get_ref().is_some_and(|e| e.is::<Error>());
    if already { error } else { Error::io("read what to send", &error).into() }
}

fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|e| e.is::<Error>())
}

fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|e| e.downcast_ref())
}

fn tls_trouble(host: &str, error: Option<&rustls::Error>) -> Error {
    let why = error.map(rustls::Error::to_string).unwrap_or_default();
    let failed = Error::new(Kind::Unreachable, format!("set up TLS with `{host}`: {why}"));
    match error {
        Some(rustls::Error::InvalidMessage(_)) => failed
            .hint(format!("if `{host}` speaks plain HTTP, set `insecure = true` for it in registries.conf")),
        Some(rustls::Error::InvalidCertificate(_)) => failed.hint(format!(
            "put the CA's certificate into /etc/containers/certs.d/{host}/ca.crt, or set SSL_CERT_FILE"
        )),
        _ => failed,
    }
}

fn parse_proxy(url: &str) -> Result<Proxy> {
    let bad = |why: &str| Error::new(Kind::Config, format!("use the proxy of the environment: {why}"));
    let proxy = Proxy::new(url).map_err(|_| bad("its address is not valid"))?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        _ => Err(bad("only http:// and https:// proxies are supported")),
    }
}

#[derive(Clone, Debug)]
struct Names(Arc<dns::Resolver>);

#[derive(Debug)]
struct NameError(String);

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NameError {}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let addresses = self.0.lookup(host).map_err(|why| ureq::Error::Other(Box::new(NameError(why))))?;
        let mut out = self.empty();
        for address in addresses.into_iter().take(16) {
            out.push(SocketAddr::new(address, port));
        }
        Ok(out)
    }
}

/// A header of a response as text.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// At most `max` bytes of a body; more is an error, not a cut.
///
/// # Errors
/// If the connection breaks, or there is more.
pub fn read_body(response: &mut Response, max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = response.body_mut().as_reader().take(max + 1);
    reader
        .read_to_end(&mut bytes)
        .map_err(|e| Error::new(Kind::Broken, format!("the connection broke ({})", cause(&e))))?;
    if bytes.len() as u64 > max {
        return Err(Error::new(Kind::Corrupt, format!("the answer has more than {max} bytes")));
    }
    Ok(bytes)
}

/// The authority without a user's name, as messages show it.
fn host_port(authority: &ureq::http::uri::Authority) -> String {
    authority.as_str().rsplit('@').next().unwrap_or_default().to_owned()
}
