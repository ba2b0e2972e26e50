//! /etc/hosts and /etc/resolv.conf: their text to what a lookup needs. See hosts(5), resolv.conf(5).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::env::Env;

/// What the two files say.
#[derive(Debug)]
pub(super) struct Settings {
    pub servers: Vec<IpAddr>,
    pub timeout: Duration,
    pub attempts: u32,
    search: Vec<String>,
    dots: usize,
    hosts: String,
}

impl Settings {
    /// Files that can't be read count as empty, as they do for every resolver.
    pub(super) fn read(env: &Env) -> Settings {
        let text = |path| std::fs::read(env.system(path)).map(|b| String::from_utf8_lossy(&b).into_owned());
        let hosts = text("/etc/hosts").unwrap_or_default();
        Settings::parse(&text("/etc/resolv.conf").unwrap_or_default(), hosts)
    }

    fn parse(resolv: &str, hosts: String) -> Settings {
        let timeout = Duration::from_secs(5);
        let mut settings =
            Settings { servers: Vec::new(), timeout, attempts: 2, search: Vec::new(), dots: 1, hosts };
        resolv.lines().for_each(|line| settings.line(line));
        settings.servers.truncate(3);
        if settings.servers.is_empty() {
            settings.servers.push(Ipv4Addr::LOCALHOST.into());
        }
        settings
    }

    fn line(&mut self, line: &str) {
        let mut words = line.split([' ', '\t']).filter(|w| !w.is_empty());
        match words.next() {
            // A server with a zone (fe80::1%eth0) can't be parsed without asking the kernel: skipped.
            Some("nameserver") => self.servers.extend(words.next().and_then(|w| w.parse::<IpAddr>().ok())),
            Some("search" | "domain") => {
                self.search = words.map(|w| w.trim_end_matches('.').to_owned()).collect()
            }
            Some("options") => words.for_each(|word| self.option(word)),
            _ => {}
        }
    }

    fn option(&mut self, word: &str) {
        let Some((name, Ok(value))) = word.split_once(':').map(|(n, v)| (n, v.parse::<u32>())) else {
            return;
        };
        match name {
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, 30).into()),
            "attempts" => self.attempts = value.clamp(1, 5),
            "ndots" => self.dots = value.min(15) as usize,
            _ => {}
        }
    }

    /// The addresses that /etc/hosts has for a name, IPv4 first.
    pub(super) fn hosts(&self, name: &str) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = self.hosts.lines().filter_map(|line| host_line(line, name)).collect();
        found.sort_by_key(IpAddr::is_ipv6);
        found
    }

    /// What to ask for, in order: a name with enough dots as it is first, one with fewer as it is last.
    pub(super) fn candidates(&self, name: &str, absolute: bool) -> Vec<String> {
        if absolute {
            return vec![name.to_owned()];
        }
        let mut all: Vec<String> =
            self.search.iter().filter(|s| !s.is_empty()).map(|suffix| format!("{name}.{suffix}")).collect();
        let place = if name.matches('.').count() >= self.dots { 0 } else { all.len() };
        all.insert(place, name.to_owned());
        all
    }
}

fn host_line(line: &str, name: &str) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let address = words.next()?.parse().ok()?;
    words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files() {
        let resolv = "# x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver ::1\nsearch a.example b.example.\n\
            options ndots:2 timeout:1 attempts:9 rotate";
        let settings = Settings::parse(resolv, "10.0.0.7 Box box.lan # c\n::7 box\nbad box\n".to_owned());
        assert_eq!(settings.servers.len(), 2);
        assert_eq!((settings.timeout.as_secs(), settings.attempts), (1, 5));
        assert_eq!(settings.candidates("x", false), ["x.a.example", "x.b.example", "x"]);
        assert_eq!(settings.candidates("x.y.z", false), ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"]);
        assert_eq!(settings.candidates("x", true), ["x"]);
        assert_eq!(settings.hosts("box").len(), 2);
        assert!(settings.hosts("c").is_empty());
    }

    #[test]
    fn no_server_means_this_machine() {
        assert_eq!(Settings::parse("", String::new()).servers, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
    }
}
