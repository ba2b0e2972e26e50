//! The words of EXPOSE, once expanded, to single ports: `8000-8001/UDP` to `8000/udp`, `8001/udp`.

use crate::quote::quote;

/// A word of EXPOSE, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The ports, as an image's config has them.
    pub ports: Vec<String>,
    /// The protocol was not in lower case.
    pub odd_case: bool,
    /// An address or a host's port stood in front and means nothing here.
    pub has_host: bool,
}

/// Reads one expanded word of EXPOSE.
pub fn parse(word: &str) -> Result<Exposed, String> {
    let (ip, host, container) = parts(word);
    let (range, protocol) = protocol(container).map_err(|e| format!("invalid port: {}: {e}", quote(word)))?;
    check_address(ip)?;
    let ports = range_of(range).ok_or_else(|| format!("invalid containerPort: {range}"))?;
    if !host.is_empty() {
        check_host(host, range, ports)?;
    }
    let lower = protocol.to_lowercase();
    Ok(Exposed {
        ports: (ports.0..=ports.1).map(|port| format!("{port}/{lower}")).collect(),
        odd_case: lower != protocol,
        has_host: !(ip.is_empty() && host.is_empty()),
    })
}

fn parts(word: &str) -> (&str, &str, &str) {
    let Some((front, container)) = word.rsplit_once(':') else { return ("", "", word) };
    let Some((ip, host)) = front.rsplit_once(':') else { return ("", front, container) };
    (ip, host, container)
}

fn protocol(text: &str) -> Result<(&str, &str), String> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, ""));
    if port.is_empty() {
        return Err("no port specified".to_owned());
    }
    match protocol.to_lowercase().as_str() {
        "" => Ok((port, "tcp")),
        "tcp" | "udp" | "sctp" => Ok((port, protocol)),
        _ => Err(format!("invalid proto: {protocol}")),
    }
}

fn check_address(ip: &str) -> Result<(), String> {
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    if ip.is_empty() || bare.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    Err(format!("invalid IP address: {ip}"))
}

fn check_host(host: &str, container: &str, ports: (u16, u16)) -> Result<(), String> {
    let hosts = range_of(host).ok_or_else(|| format!("invalid hostPort: {host}"))?;
    if ports.0 != ports.1 && ports.1 - ports.0 != hosts.1 - hosts.0 {
        return Err(format!("invalid ranges specified for container and host Ports: {container} and {host}"));
    }
    Ok(())
}

fn range_of(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(word: &str, expected: &[&str]) {
        assert_eq!(
            parse(word).map(|exposed| exposed.ports),
            Ok(expected.iter().map(|s| s.to_string()).collect())
        );
    }

    // Trap 43.
    #[test]
    fn lowers_the_protocol_and_expands_ranges() {
        check("80", &["80/tcp"]);
        check("443/UDP", &["443/udp"]);
        check("80/", &["80/tcp"]);
        check("8000-8002", &["8000/tcp", "8001/tcp", "8002/tcp"]);
        check("127.0.0.1:8080:80/sctp", &["80/sctp"]);
        check("[::1]:8080:80", &["80/tcp"]);
        check("::1:8080:80", &["80/tcp"]);
        check("9000-9001:80", &["80/tcp"]);
    }

    #[test]
    fn refuses_what_is_no_port() {
        for word in ["", "/tcp", "80/xyz", "65536", "-1", "9-8", "a", "x:80", "1.2.3:1:80", "1-2:5-9"] {
            assert!(parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn notes_what_deserves_a_warning() {
        let exposed = parse("127.0.0.1::80/TCP").unwrap();
        assert!(exposed.odd_case && exposed.has_host);
    }
}
