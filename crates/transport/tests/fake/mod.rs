//! A registry in a few threads that misbehaves to order.
#![allow(dead_code)]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use oci::{Digest, Image};

use crate::support::Memory;

/// How to behave.
#[derive(Default)]
pub struct Rules {
    /// Hangs up after so many bytes of a blob, so many times.
    pub cut_download: Option<(usize, u32)>,
    /// Keeps so many bytes of a PATCH, then hangs up; so many times.
    pub cut_upload: Option<(usize, u32)>,
    /// Answers 429 so many times.
    pub busy: u32,
    /// Wants this header of each request.
    pub basic: Option<String>,
    /// Wants tokens of its own token server, which wants this header or form field, if any.
    pub bearer: Option<Option<String>>,
    /// Forgets the tokens after so many requests.
    pub forget_tokens_after: Option<u32>,
    /// Mounts from other repositories.
    pub mounts: bool,
    /// Answers 405 to HEAD.
    pub no_head: bool,
    /// Sends the whole blob whatever the range.
    pub no_ranges: bool,
    /// Changes a byte of each blob and each manifest.
    pub lies: bool,
    /// Redirects blobs to another server.
    pub redirect: Option<String>,
    /// Refuses longer bodies with 413.
    pub longest: Option<usize>,
    /// Answers each request for a manifest with so many spaces.
    pub huge_manifest: Option<usize>,
    /// Refuses each push.
    pub read_only: bool,
    /// Hangs up instead of telling that a blob has been stored, so many times.
    pub lose_commits: u32,
    /// Forgets an upload when its first bytes come, so many times.
    pub forget_uploads: u32,
    /// Wants to know the length of a body beforehand.
    pub wants_length: bool,
    /// Changes a byte of what comes in chunks.
    pub spoils_chunked: bool,
}

#[derive(Default)]
pub struct State {
    pub rules: Rules,
    pub blobs: HashMap<(String, String), Vec<u8>>,
    pub manifests: HashMap<(String, String), (String, Vec<u8>)>,
    /// `METHOD path` of each request.
    pub log: Vec<String>,
    /// `Authorization` of each request.
    pub auth: Vec<String>,
    /// What is open, by path.
    pub uploads: HashMap<String, Vec<u8>>,
    tokens: HashSet<String>,
    count: u32,
}

#[derive(Clone)]
pub struct Fake {
    pub host: String,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, Vec<String>>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    cut: Option<usize>,
}

fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: Vec::new(), cut: None }
}

impl Reply {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Reply {
        self.body = body.into();
        self
    }
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    reply(status).body(format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#))
}

impl Fake {
    pub fn new(rules: Rules) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let fake = Fake { host, state: Arc::new(Mutex::new(State { rules, ..State::default() })) };
        let server = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub fn reference(&self, rest: &str) -> oci::Reference {
        format!("{}/{rest}", self.host).parse().unwrap()
    }

    /// Has an image from the start.
    pub fn add(&self, repository: &str, tag: &str, image: &Image, memory: &Memory) {
        for (digest, bytes) in &memory.blobs {
            self.add_blob(repository, bytes, *digest);
        }
        self.add_blob(repository, &image.config_bytes, image.id());
        for name in [tag.to_owned(), image.descriptor.digest.to_string()] {
            let manifest = (image.descriptor.media_type.clone(), image.manifest_bytes.clone());
            self.state().manifests.insert((repository.to_owned(), name), manifest);
        }
    }

    pub fn add_blob(&self, repository: &str, bytes: &[u8], digest: Digest) {
        self.state().blobs.insert((repository.to_owned(), digest.to_string()), bytes.to_vec());
    }

    /// How many requests began with this.
    pub fn requests(&self, start: &str) -> usize {
        self.state().log.iter().filter(|line| line.starts_with(start)).count()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = self.read(&mut reader) {
            let is_head = request.method == "HEAD";
            let mut reply = self.answer(&request);
            if reply.status == 0 {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
            let length = reply.body.len();
            let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {length}\r\n", reply.status);
            for (name, value) in &reply.headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += "\r\n";
            reply.body.truncate(if is_head { 0 } else { reply.cut.unwrap_or(length) });
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body)).is_err() {
                return;
            }
            if reply.cut.is_some() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }

    fn read(&self, reader: &mut BufReader<TcpStream>) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next()?, words.next()?);
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
                None => break,
            };
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        self.state().log.push(format!("{method} {target}"));
        self.state().auth.push(headers.get("authorization").cloned().unwrap_or_default());
        let cut = if method == "PATCH" { self.cut(|rules| &mut rules.cut_upload) } else { None };
        let (body, whole) = match headers.get("content-length") {
            _ if headers.contains_key("transfer-encoding") => chunks(reader, cut)?,
            length => measured(reader, length.map_or(0, |n| n.parse().unwrap()), cut)?,
        };
        if !whole {
            self.state().uploads.get_mut(path)?.extend(&body);
            return None;
        }
        Some(Request { method, path: path.to_owned(), query: pairs(query), headers, body })
    }

    fn cut(&self, rule: impl Fn(&mut Rules) -> &mut Option<(usize, u32)>) -> Option<usize> {
        let mut state = self.state();
        let (bytes, times) = rule(&mut state.rules).as_mut()?;
        *times = times.checked_sub(1)?;
        Some(*bytes)
    }

    fn answer(&self, request: &Request) -> Reply {
        if request.path == "/token" {
            return self.token(request);
        }
        if let Some(refusal) = self.refusal(request) {
            return refusal;
        }
        let path = request.path.strip_prefix("/v2/").unwrap_or_default();
        let at = |kind: &str| path.rsplit_once(kind).map(|(a, b)| (a.to_owned(), b.to_owned()));
        if path.is_empty() {
            return reply(200);
        }
        if let Some((repository, _)) = at("/blobs/uploads/") {
            return self.upload(request, &repository);
        }
        if let Some((repository, digest)) = at("/blobs/") {
            return self.blob(request, repository, digest);
        }
        at("/manifests/").map_or(reply(404), |(repository, name)| self.manifest(request, repository, name))
    }

    fn refusal(&self, request: &Request) -> Option<Reply> {
        let mut state = self.state();
        let header = request.headers.get("authorization").cloned().unwrap_or_default();
        if state.rules.basic.as_ref().is_some_and(|wanted| *wanted != header) {
            let refused = error(401, "UNAUTHORIZED", "authentication required");
            return Some(refused.with("WWW-Authenticate", "Basic realm=\"fake\""));
        }
        let name = request.path.trim_start_matches("/v2/").split("/blobs/").next().unwrap_or_default();
        let name = name.split("/manifests/").next().unwrap_or_default().to_owned();
        if state.rules.bearer.is_some() && !state.allows(&header, &name, request) {
            let scope = format!("repository:{name}:pull");
            let realm =
                format!("Bearer realm=\"http://{}/token\",service=\"fake\",scope=\"{scope}\"", self.host);
            return Some(
                error(401, "UNAUTHORIZED", "authentication required").with("WWW-Authenticate", realm),
            );
        }
        if state.rules.busy > 0 && request.path != "/v2/" {
            state.rules.busy -= 1;
            return Some(error(429, "TOOMANYREQUESTS", "slow down").with("Retry-After", "0"));
        }
        if state.rules.no_head && request.method == "HEAD" {
            return Some(reply(405));
        }
        if state.rules.read_only && !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Some(error(403, "DENIED", "requested access to the resource is denied"));
        }
        state.rules.longest.filter(|&longest| request.body.len() > longest).map(|_| reply(413))
    }

    fn token(&self, request: &Request) -> Reply {
        let form = pairs(&String::from_utf8_lossy(&request.body));
        let header = request.headers.get("authorization").cloned();
        let given = header.or_else(|| form.get("refresh_token").map(|v| v[0].clone()));
        let mut state = self.state();
        if state.rules.bearer.clone().flatten().is_some_and(|wanted| given.as_ref() != Some(&wanted)) {
            return reply(401).body(r#"{"details":"incorrect username or password"}"#);
        }
        let fields = if form.is_empty() { &request.query } else { &form };
        assert_eq!(fields["service"], ["fake"]);
        let scopes = fields.get("scope").map(|scopes| scopes.join(" ")).unwrap_or_default();
        state.count += 1;
        let token = format!("secret{} {scopes}", state.count).replace(' ', "|");
        state.tokens.insert(token.clone());
        reply(200).body(format!(r#"{{"token":"{token}","expires_in":300}}"#))
    }

    fn manifest(&self, request: &Request, repository: String, name: String) -> Reply {
        let mut state = self.state();
        if let Some(size) = state.rules.huge_manifest {
            return reply(200).body(vec![b' '; size]);
        }
        if request.method == "PUT" {
            let kind = request.headers["content-type"].clone();
            state.manifests.insert((repository, name), (kind, request.body.clone()));
            return reply(201);
        }
        let lies = state.rules.lies;
        let Some((kind, bytes)) = state.manifests.get(&(repository, name)) else {
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        };
        let mut bytes = bytes.clone();
        if lies {
            bytes.push(b' ');
        }
        reply(200).with("Content-Type", kind.clone()).body(bytes)
    }

    fn blob(&self, request: &Request, repository: String, digest: String) -> Reply {
        let cut = if request.method == "GET" { self.cut(|rules| &mut rules.cut_download) } else { None };
        let state = self.state();
        if let Some(elsewhere) = &state.rules.redirect {
            return reply(307).with("Location", format!("{elsewhere}{}", request.path));
        }
        let Some(bytes) = state.blobs.get(&(repository, digest)) else {
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry");
        };
        let mut bytes = bytes.clone();
        if state.rules.lies {
            bytes[0] ^= 1;
        }
        let range = request.headers.get("range").filter(|_| !state.rules.no_ranges);
        let start = range
            .map(|r| r.trim_start_matches("bytes=").split('-').next().unwrap().parse::<usize>().unwrap());
        let (total, start) = (bytes.len(), start);
        let mut answer = match start {
            Some(start) => reply(206)
                .with("Content-Range", format!("bytes {start}-{}/{total}", total - 1))
                .body(bytes.split_off(start)),
            None => reply(200).body(bytes),
        };
        answer.cut = cut;
        answer
    }

    fn upload(&self, request: &Request, repository: &str) -> Reply {
        let mut state = self.state();
        let path = request.path.clone();
        let one = |name: &str| request.query.get(name).map(|v| v[0].clone());
        if request.method == "POST" {
            return state.open_upload(repository, one("mount"), one("from"));
        }
        let is_chunked = request.headers.contains_key("transfer-encoding");
        if is_chunked && state.rules.wants_length {
            return reply(411);
        }
        if request.method == "DELETE" {
            state.uploads.remove(&path);
            return reply(204);
        }
        if request.method == "PATCH" && state.rules.forget_uploads > 0 {
            state.rules.forget_uploads -= 1;
            state.uploads.remove(&path);
        }
        let spoils = is_chunked && state.rules.spoils_chunked;
        let Some(upload) = state.uploads.get_mut(&path) else {
            return error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
        };
        let start = request
            .headers
            .get("content-range")
            .map(|r| r.split('-').next().unwrap().parse::<usize>().unwrap());
        if start.is_some_and(|start| start != upload.len()) {
            return error(416, "BLOB_UPLOAD_INVALID", "wrong offset");
        }
        upload.extend(&request.body);
        if let Some(first) = upload.first_mut().filter(|_| spoils) {
            *first ^= 1;
        }
        let range = format!("0-{}", upload.len().saturating_sub(1));
        match request.method.as_str() {
            "PUT" => state.close_upload(repository, &path, &one("digest").unwrap()),
            "GET" => reply(204).with("Location", path).with("Range", range),
            _ => reply(202).with("Location", path).with("Range", range),
        }
    }
}

impl State {
    fn allows(&mut self, header: &str, name: &str, request: &Request) -> bool {
        let Some(token) = header.strip_prefix("Bearer ") else { return false };
        if !self.tokens.contains(token) {
            return false;
        }
        if let Some(left) = &mut self.rules.forget_tokens_after {
            if *left == 0 {
                self.rules.forget_tokens_after = None;
                self.tokens.clear();
                return false;
            }
            *left -= 1;
        }
        let action = if matches!(request.method.as_str(), "GET" | "HEAD") { "pull" } else { "pull,push" };
        let from = request.query.get("from").map(|from| format!("repository:{}:pull", from[0]));
        let allowed = |scope: &str| token.contains(scope);
        name.is_empty()
            || (allowed(&format!("repository:{name}:{action}")) && from.is_none_or(|f| allowed(&f)))
    }

    fn open_upload(&mut self, repository: &str, mount: Option<String>, from: Option<String>) -> Reply {
        if let (true, Some(digest), Some(from)) = (self.rules.mounts, mount, from)
            && let Some(bytes) = self.blobs.get(&(from, digest.clone())).cloned()
        {
            self.blobs.insert((repository.to_owned(), digest), bytes);
            return reply(201);
        }
        self.count += 1;
        let path = format!("/v2/{repository}/blobs/uploads/{}", self.count);
        self.uploads.insert(path.clone(), Vec::new());
        reply(202).with("Location", format!("{path}?state=x%3D")).with("Range", "0-0")
    }

    fn close_upload(&mut self, repository: &str, path: &str, digest: &str) -> Reply {
        let bytes = self.uploads.remove(path).unwrap();
        if Digest::of(&bytes).to_string() != digest {
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
        }
        self.blobs.insert((repository.to_owned(), digest.to_owned()), bytes);
        let is_lost = self.rules.lose_commits > 0;
        self.rules.lose_commits -= u32::from(is_lost);
        reply(if is_lost { 0 } else { 201 })
    }
}

/// A body of so many bytes, or what comes before the cut; and whether it is all of it.
fn measured(reader: &mut impl Read, length: usize, cut: Option<usize>) -> Option<(Vec<u8>, bool)> {
    let mut body = vec![0; cut.unwrap_or(length).min(length)];
    reader.read_exact(&mut body).ok()?;
    let whole = body.len() == length;
    Some((body, whole))
}

/// The same in HTTP's chunked coding.
fn chunks(reader: &mut impl BufRead, cut: Option<usize>) -> Option<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(&chunk[..length]);
        if let Some(cut) = cut.filter(|cut| body.len() >= *cut) {
            body.truncate(cut);
            return Some((body, false));
        }
        if length == 0 {
            return Some((body, true));
        }
    }
}

fn pairs(query: &str) -> HashMap<String, Vec<String>> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        all.entry(key.to_owned()).or_default().push(decode(value));
    }
    all
}

fn decode(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
