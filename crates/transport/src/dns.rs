//! A stub resolver: a host name to addresses, by /etc/hosts and the servers of /etc/resolv.conf.
//!
//! getaddrinfo is not for us: in a static binary glibc loads the host's NSS modules, and with them a
//! second glibc. So names that only NSS knows (mDNS, NIS, winbind) are not found. systemd-resolved is:
//! its stub listens where resolv.conf says.
//! Literal addresses and `localhost` never cause a packet. Answers are kept for a minute.
//! See resolv.conf(5), RFC 1035 section 4, RFC 6761 section 6.3.

mod message;
mod settings;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::env::Env;
use message::{Answer, Kind};
use settings::Settings;

const KEPT_FOR: Duration = Duration::from_secs(60);

/// Resolves names; share one, it remembers.
#[derive(Debug)]
pub struct Resolver {
    env: Env,
    port: u16,
    known: Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>,
}

/// What one server said about one name.
enum Outcome {
    Found(Vec<IpAddr>),
    /// The name does not exist, or has no addresses.
    Nothing,
    /// No answer, or one that says that the server has a problem.
    Failed(String),
}

impl Resolver {
    /// Reads the settings anew for each name, as they change when a laptop moves.
    pub fn new(env: Env) -> Resolver {
        Resolver::with_port(env, 53)
    }

    fn with_port(env: Env, port: u16) -> Resolver {
        Resolver { env, port, known: Mutex::default() }
    }

    /// The addresses of `host`, IPv4 first.
    ///
    /// # Errors
    /// The cause alone: `no such host`, or which servers failed and how.
    pub fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let name =
            host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        if let Some(addresses) = literal(&name) {
            return Ok(addresses);
        }
        if let Some(addresses) = self.remembered(&name) {
            return Ok(addresses);
        }
        let settings = Settings::read(&self.env);
        let addresses = match settings.hosts(&name) {
            found if !found.is_empty() => found,
            _ => self.ask(&settings, &name, host.ends_with('.'))?,
        };
        self.known.lock().expect("no holder panics").insert(name, (Instant::now(), addresses.clone()));
        Ok(addresses)
    }

    fn remembered(&self, name: &str) -> Option<Vec<IpAddr>> {
        let known = self.known.lock().expect("no holder panics");
        known
            .get(name)
            .filter(|(since, _)| since.elapsed() < KEPT_FOR)
            .map(|(_, addresses)| addresses.clone())
    }

    fn ask(&self, settings: &Settings, name: &str, absolute: bool) -> Result<Vec<IpAddr>, String> {
        let mut failure = None;
        for candidate in settings.candidates(name, absolute) {
            match self.ask_servers(settings, &candidate) {
                Outcome::Found(addresses) => return Ok(addresses),
                Outcome::Nothing => {}
                Outcome::Failed(why) => failure = Some(why),
            }
        }
        Err(failure.unwrap_or_else(|| "no such host".to_owned()))
    }

    fn ask_servers(&self, settings: &Settings, name: &str) -> Outcome {
        let mut failures = Vec::new();
        for _ in 0..settings.attempts {
            failures.clear();
            for server in &settings.servers {
                match exchange(SocketAddr::new(*server, self.port), name, settings.timeout) {
                    Outcome::Failed(why) => failures.push(format!("DNS server {server}: {why}")),
                    outcome => return outcome,
                }
            }
        }
        Outcome::Failed(failures.join(", "))
    }
}

fn literal(name: &str) -> Option<Vec<IpAddr>> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(vec![address]);
    }
    let local = name == "localhost" || name.ends_with(".localhost");
    local.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

/// Whether a host, with or without port, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    literal(name).is_some_and(|addresses| addresses.iter().all(IpAddr::is_loopback))
}

/// The name or address in `name:port`, `[::1]:port`, or either without a port.
pub fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

/// Asks one server for A and AAAA, over UDP, and over TCP what did not fit.
fn exchange(server: SocketAddr, name: &str, timeout: Duration) -> Outcome {
    let mut addresses = Vec::new();
    for kind in [Kind::A, Kind::Aaaa] {
        match ask_one(server, name, kind, timeout) {
            Ok(Answer { server_failure: true, .. }) => return Outcome::Failed("it failed".to_owned()),
            Ok(answer) => addresses.extend(answer.addresses),
            // Some home routers drop AAAA questions: what we have is better than nothing.
            Err(_) if !addresses.is_empty() => break,
            Err(error) => return Outcome::Failed(describe(&error)),
        }
    }
    if addresses.is_empty() { Outcome::Nothing } else { Outcome::Found(addresses) }
}

fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer".to_owned(),
        _ => crate::error::cause(error),
    }
}

fn ask_one(server: SocketAddr, name: &str, kind: Kind, timeout: Duration) -> io::Result<Answer> {
    let id = random_id();
    let question =
        message::question(id, name, kind).ok_or_else(|| io::Error::other("the name is not valid"))?;
    let answer = over_udp(server, &question, id, kind, timeout)?;
    if answer.truncated { over_tcp(server, &question, id, kind, timeout) } else { Ok(answer) }
}

/// An answer that can't be guessed without seeing the question: the port is random too.
fn random_id() -> u16 {
    let mut bytes = [0; 2];
    // The kernel gives so few bytes at once or not at all (before boot is done): then 0 will do.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u16::from_ne_bytes(bytes)
}

fn over_udp(
    server: SocketAddr,
    question: &[u8],
    id: u16,
    kind: Kind,
    timeout: Duration,
) -> io::Result<Answer> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.send(question)?;
    let end = Instant::now() + timeout;
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left))?;
        let count = socket.recv(&mut buffer)?;
        // Whatever is not the answer to this question is somebody else's, or an attack.
        if let Some(answer) = message::answer(&buffer[..count], id, question, kind) {
            return Ok(answer);
        }
        if Instant::now() >= end {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn over_tcp(
    server: SocketAddr,
    question: &[u8],
    id: u16,
    kind: Kind,
    timeout: Duration,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    message::answer(&bytes, id, question, kind).ok_or_else(|| io::Error::other("the answer makes no sense"))
}

#[cfg(test)]
mod tests;
