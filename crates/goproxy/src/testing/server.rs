//! A server in a few threads that says what it was told to say, over http or https.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A path to what is said there: one after the other, the last one again and again.
pub(crate) type Routes = HashMap<String, Vec<Reply>>;

/// What is said.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Hangs up after so many bytes of the body.
    pub cut: Option<usize>,
    /// Says this only to requests with this `Authorization`; 401 to others.
    pub only_for: Option<String>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into(), cut: None, only_for: None }
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
        Reply::new(200, body)
    }

    pub(crate) fn to(location: impl Into<String>) -> Reply {
        Reply::new(302, "").with("Location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn cut(self, cut: usize) -> Reply {
        Reply { cut: Some(cut), ..self }
    }

    pub(crate) fn only_for(self, authorization: &str) -> Reply {
        Reply { only_for: Some(authorization.to_owned()), ..self }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: HashMap<String, String>,
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub url: String,
    pub routes: Arc<Mutex<Routes>>,
    log: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Server {
    pub(crate) fn start(routes: Routes) -> Server {
        Server::run(routes, None)
    }

    /// With a certificate of the CA in `ca()`.
    pub(crate) fn start_tls(routes: Routes) -> Server {
        Server::run(routes, Some(tls()))
    }

    fn run(routes: Routes, tls: Option<Arc<ServerConfig>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Server {
            url: format!("{scheme}://127.0.0.1:{}", address.port()),
            routes: Arc::new(Mutex::new(routes)),
            log: Arc::default(),
            is_over: Arc::default(),
            address,
        };
        let (routes, log, is_over) = (server.routes.clone(), server.log.clone(), server.is_over.clone());
        thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !is_over.load(Ordering::SeqCst)) {
                let (routes, log, tls) = (routes.clone(), log.clone(), tls.clone());
                thread::spawn(move || match (stream.unwrap(), tls) {
                    (stream, None) => serve(stream, &routes, &log),
                    (stream, Some(tls)) => {
                        serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &routes, &log)
                    }
                });
            }
        });
        server
    }

    /// Says this there from now on.
    pub(crate) fn say(&self, path: &str, replies: impl Into<Vec<Reply>>) {
        self.routes.lock().unwrap().insert(path.to_owned(), replies.into());
    }

    pub(crate) fn forget(&self, path: &str) {
        self.routes.lock().unwrap().remove(path);
    }

    /// What was asked for so far.
    pub(crate) fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// The paths that were asked for so far, with a certain word in them.
    pub(crate) fn paths(&self, word: &str) -> Vec<String> {
        self.log().into_iter().map(|asked| asked.path).filter(|path| path.contains(word)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// The CA's certificate, for SSL_CERT_FILE.
pub(crate) fn ca() -> String {
    certs().join("ca.crt").to_str().unwrap().to_owned()
}

fn certs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../transport/tests/certs")
}

fn tls() -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certs().join("server.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certs().join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain.map(Result::unwrap).collect(), key);
    Arc::new(config.unwrap())
}

/// One request a connection.
fn serve(stream: impl Read + Write, routes: &Mutex<Routes>, log: &Mutex<Vec<Asked>>) {
    let mut stream = BufReader::new(stream);
    let Some(asked) = read(&mut stream) else { return };
    let mut reply = answer(&asked, &mut routes.lock().unwrap());
    if asked.method == "HEAD" {
        reply.body.clear();
    }
    log.lock().unwrap().push(asked);
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", reply.status);
    if !reply.headers.iter().any(|(name, _)| *name == "Content-Length") {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    reply.body.truncate(reply.cut.unwrap_or(usize::MAX));
    let stream = stream.get_mut();
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&reply.body));
    let _ = stream.flush();
}

fn read(stream: &mut impl BufRead) -> Option<Asked> {
    let mut lines = stream.lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers = lines.take_while(|line| !line.is_empty());
    let headers =
        headers.filter_map(|line| line.split_once(": ").map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())));
    Some(Asked { method, path, headers: headers.collect() })
}

fn answer(asked: &Asked, routes: &mut Routes) -> Reply {
    let Some(replies) = routes.get_mut(&asked.path) else {
        return Reply::new(404, "not found: no such thing\nmore\n")
            .with("Content-Type", "text/plain; charset=UTF-8");
    };
    let reply = if replies.len() > 1 { replies.remove(0) } else { replies[0].clone() };
    match &reply.only_for {
        Some(wanted) if asked.headers.get("authorization") != Some(wanted) => Reply::new(401, "who are you?"),
        _ => reply,
    }
}
