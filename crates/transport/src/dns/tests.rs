//! Lookups against a name server on loopback.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

/// A scratch root with both files, removed at the end.
struct Root(std::path::PathBuf);

impl Root {
    fn new(name: &str, resolv: &str, hosts: &str) -> Root {
        let dir = std::env::temp_dir().join(format!("tare-dns-{}-{name}", std::process::id()));
        std::fs::create_dir_all(dir.join("etc")).unwrap();
        std::fs::write(dir.join("etc/resolv.conf"), resolv).unwrap();
        std::fs::write(dir.join("etc/hosts"), hosts).unwrap();
        Root(dir)
    }

    fn resolver(&self, port: u16) -> Resolver {
        Resolver::with_port(Env::of(&[], &self.0), port)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Both sockets of a name server. A port that is free for one of them may be somebody's for the other.
fn sockets() -> (UdpSocket, TcpListener) {
    let pair = || {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        let tcp = TcpListener::bind(udp.local_addr()?)?;
        Ok::<_, std::io::Error>((udp, tcp))
    };
    (0..100).find_map(|_| pair().ok()).expect("a port that is free twice")
}

/// `found.a.example` has an IPv4 address, over TCP only; everything else does not exist.
fn serve() -> (u16, Arc<AtomicUsize>) {
    let (udp, tcp) = sockets();
    let port = udp.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((n, from)) = udp.recv_from(&mut buffer) {
            count.fetch_add(1, Ordering::SeqCst);
            let mut reply = buffer[..n].to_vec();
            let known = reply.windows(5).any(|w| w == b"found");
            reply[2] |= if known { 0x82 } else { 0x80 };
            reply[3] |= if known { 0 } else { 3 };
            udp.send_to(b"noise", from).unwrap();
            udp.send_to(&reply, from).unwrap();
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            answer_tcp(stream.unwrap());
        }
    });
    (port, asked)
}

fn answer_tcp(mut stream: TcpStream) {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    reply[2] |= 0x80;
    if reply[reply.len() - 3] == 1 {
        reply[7] = 1;
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 9, 8, 7]);
    }
    let length = (reply.len() as u16).to_be_bytes();
    stream.write_all(&[&length[..], &reply].concat()).unwrap();
}

#[test]
fn literals_and_localhost_need_no_file() {
    let resolver = Resolver::new(Env::of(&[], std::path::Path::new("/nonexistent")));
    assert_eq!(resolver.lookup("10.1.1.1").unwrap().len(), 1);
    assert_eq!(resolver.lookup("[::1]").unwrap(), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
    assert_eq!(resolver.lookup("localhost").unwrap().len(), 2);
}

#[test]
fn hosts_file_before_servers() {
    let root = Root::new("hosts", "", "10.3.3.3 box\n");
    assert_eq!(root.resolver(1).lookup("BOX").unwrap(), ["10.3.3.3".parse::<IpAddr>().unwrap()]);
}

#[test]
fn a_truncated_answer_is_fetched_over_tcp_and_remembered() {
    let (port, asked) = serve();
    let root = Root::new("tcp", "nameserver 127.0.0.1\nsearch b.example a.example\n", "");
    let resolver = root.resolver(port);
    let expected = ["10.9.8.7".parse::<IpAddr>().unwrap()];
    assert_eq!(resolver.lookup("found").unwrap(), expected);
    let packets = asked.load(Ordering::SeqCst);
    assert_eq!(resolver.lookup("found").unwrap(), expected);
    assert_eq!(asked.load(Ordering::SeqCst), packets);
}

#[test]
fn what_nobody_knows_does_not_exist() {
    let (port, _) = serve();
    let root = Root::new("none", "nameserver 127.0.0.1\n", "");
    assert_eq!(root.resolver(port).lookup("nowhere.example").unwrap_err(), "no such host");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let root = Root::new("dead", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "");
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = root.resolver(free).lookup("x.example").unwrap_err();
    assert!(error.contains("DNS server 127.0.0.1: "), "{error}");
}

#[test]
fn loopback_is_told_by_name_and_number() {
    for (host, expected) in [
        ("localhost:5000", true),
        ("127.9.9.9", true),
        ("[::1]:5000", true),
        ("::1", true),
        ("registry.localhost:1", true),
        ("10.0.0.1:5000", false),
        ("localhost.example", false),
    ] {
        assert_eq!(is_loopback(host), expected, "{host}");
    }
}
