//! Which proxy a request goes through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` to an
//! address or none.
//!
//! The rules of `NO_PROXY` are those of Docker and Go: `*`, names with their subdomains, `.name` for the
//! subdomains alone, addresses, networks in CIDR form, each with a port or without. Loopback is never
//! proxied.

use std::net::IpAddr;

use crate::dns;
use crate::env::Env;

/// The proxy's URL for a request to `scheme://host:port`, with its password: never to be shown.
pub(crate) fn choose(env: &Env, scheme: &str, authority: &str) -> Option<String> {
    let either = |name: &str| env.var(name).or_else(|| env.var(&name.to_ascii_uppercase()));
    let proxy = either(&format!("{scheme}_proxy")).or_else(|| either("all_proxy"))?;
    let port = if scheme == "https" { "443" } else { "80" };
    let excluded = either("no_proxy").is_some_and(|list| is_excluded(&list, authority, port));
    (!excluded && !dns::is_loopback(authority)).then_some(proxy)
}

fn is_excluded(list: &str, authority: &str, default_port: &str) -> bool {
    let host = dns::without_port(authority).to_ascii_lowercase();
    let port = authority.rsplit_once(':').map_or(default_port, |(_, port)| port);
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| fits(entry, &host, port))
}

fn fits(entry: &str, host: &str, port: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return in_network(network, bits, host).unwrap_or(false);
    }
    if let (Ok(a), Ok(b)) = (entry.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        return a == b;
    }
    let name = dns::without_port(entry).to_ascii_lowercase();
    let wanted = entry.rsplit_once(':').map(|(_, port)| port);
    wanted.is_none_or(|wanted| wanted == port) && name_fits(&name, host)
}

fn name_fits(name: &str, host: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn in_network(network: &str, bits: &str, host: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let (a, b, width) = match (network.parse().ok()?, host.parse().ok()?) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return None,
    };
    let shift = width - bits.min(width);
    Some(a.checked_shr(shift) == b.checked_shr(shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(no_proxy: &str, authority: &str, proxied: bool) {
        let vars = [("https_proxy", "http://p:1"), ("NO_PROXY", no_proxy)];
        let env = Env::of(&vars, std::path::Path::new("/"));
        assert_eq!(choose(&env, "https", authority).is_some(), proxied, "{no_proxy} {authority}");
    }

    #[test]
    fn no_proxy_is_gos() {
        check("", "a.example", true);
        check("*", "a.example", false);
        check("example", "a.example:5000", false);
        check("example", "aexample", true);
        check(".example", "example", true);
        check("*.example", "a.example", false);
        check("x, a.example:443", "a.example", false);
        check("a.example:5000", "a.example", true);
        check("10.0.0.0/8", "10.2.3.4:5000", false);
        check("10.0.0.0/8", "11.2.3.4", true);
        check("0.0.0.0/0", "11.2.3.4", false);
        check("fd00::/8", "[fd12::1]:5000", false);
        check("10.1.1.1", "10.1.1.1:5000", false);
        check("", "localhost:5000", false);
        check("", "127.0.0.2", false);
    }

    #[test]
    fn each_scheme_has_its_own() {
        let env = Env::of(
            &[("HTTP_PROXY", "http://plain:1"), ("ALL_PROXY", "http://all:1")],
            std::path::Path::new("/"),
        );
        assert_eq!(choose(&env, "http", "a.example").as_deref(), Some("http://plain:1"));
        assert_eq!(choose(&env, "https", "a.example").as_deref(), Some("http://all:1"));
    }
}
