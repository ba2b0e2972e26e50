//! A registry's challenge to an `Authorization` header: Basic, or a token from a token server.
//!
//! See the distribution project's token specification (GET with scopes and Basic) and its OAuth2 variant
//! (POST with a refresh token), RFC 6750 and RFC 7235 for the challenge.
//! Tokens are kept per realm, service and scopes until shortly before they expire. Nothing here is ever
//! printed; errors say what the server said, and it never saw more than one try.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::Method;

use crate::credentials::{self, Credentials, Found, Secret};
use crate::dns;
use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::http::{self, Body, Client, Request, Response};
use crate::registries::{Endpoint, Scheme};
use crate::tls::Tls;

const MAX_TOKEN: u64 = 1 << 20;

/// What we know about who we are, and where.
#[derive(Debug)]
pub(crate) struct Auth {
    env: Env,
    challenges: Mutex<HashMap<String, Challenge>>,
    tokens: Mutex<HashMap<Key, Token>>,
    found: Mutex<HashMap<(String, String), Found>>,
}

/// How a registry wants to be convinced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    realm: String,
    service: Option<String>,
    scopes: String,
}

#[derive(Clone, Debug)]
struct Token {
    secret: Secret,
    until: Instant,
}

impl Auth {
    pub(crate) fn new(env: Env) -> Auth {
        Auth { env, challenges: Mutex::default(), tokens: Mutex::default(), found: Mutex::default() }
    }

    /// One that has these credentials for a host, whatever the files say.
    pub(crate) fn with(env: Env, host: &str, credentials: Credentials) -> Auth {
        let auth = Auth::new(env);
        let found = Found { credentials: Some(credentials), notes: Vec::new() };
        auth.found.lock().expect("no holder panics").insert((host.to_owned(), String::new()), found);
        auth
    }

    /// The header to send; nothing before the registry's first challenge.
    pub(crate) fn header(&self, client: &Client, at: &Endpoint, scopes: &[String]) -> Result<Option<String>> {
        let challenge = self.challenges.lock().expect("no holder panics").get(&at.host).cloned();
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.basic(at)),
            Some(Challenge::Bearer { realm, service, scope }) => {
                let key = Key { realm, service, scopes: scopes.join(" ") };
                let scope = scope.filter(|_| scopes.is_empty());
                self.token(client, at, key, scope).map(|t| Some(format!("Bearer {}", t.0)))
            }
        }
    }

    /// Learns from an answer of 401 to a request with these scopes; tells whether the next try will be
    /// another one.
    pub(crate) fn learn(
        &self,
        client: &Client,
        at: &Endpoint,
        answer: &Response,
        scopes: &[String],
    ) -> Result<bool> {
        let headers = answer.headers().get_all("www-authenticate").iter().filter_map(|v| v.to_str().ok());
        let Some(challenge) = strongest(headers) else { return Ok(false) };
        let worth = match &challenge {
            Challenge::Basic => self.basic(at).is_some(),
            Challenge::Bearer { realm, service, scope } => {
                let key = Key { realm: realm.clone(), service: service.clone(), scopes: scopes.join(" ") };
                self.tokens.lock().expect("no holder panics").remove(&key);
                self.token(client, at, key, scope.clone())?;
                true
            }
        };
        let old =
            self.challenges.lock().expect("no holder panics").insert(at.host.clone(), challenge.clone());
        Ok(worth && (old.as_ref() != Some(&Challenge::Basic) || challenge != Challenge::Basic))
    }

    /// What to add to a refusal: how to log in, and why a helper was of no use.
    pub(crate) fn advice(&self, at: &Endpoint) -> String {
        let found = self.find(at);
        let login =
            if at.name == oci::reference::DEFAULT_HOST { String::new() } else { format!(" {}", at.name) };
        let what = match found.credentials {
            Some(_) => {
                format!("the credentials for `{}` don't allow it; `tare login{login}` with others", at.name)
            }
            None => format!("`tare login{login}` if it needs credentials, there are none for `{}`", at.name),
        };
        [vec![what], found.notes].concat().join("; ")
    }

    fn find(&self, at: &Endpoint) -> Found {
        let keys = [(at.name.clone(), String::new()), (at.name.clone(), at.repository.clone())];
        let known = |key: &(String, String)| self.found.lock().expect("no holder panics").get(key).cloned();
        if let Some(found) = keys.iter().find_map(known) {
            return found;
        }
        // Unlocked, as a helper may take its time; asking it twice does no harm.
        let found = credentials::find(&self.env, &at.name, &at.repository);
        let [_, key] = keys;
        if !key.1.is_empty() {
            self.found.lock().expect("no holder panics").insert(key, found.clone());
        }
        found
    }

    fn basic(&self, at: &Endpoint) -> Option<String> {
        match self.find(at).credentials? {
            Credentials::Basic(user, password) => Some(Credentials::basic(&user, &password)),
            Credentials::Bearer(token) => Some(format!("Bearer {}", token.0)),
            Credentials::Identity(_) => None,
        }
    }

    /// A token for the key's scopes, and for what the challenge asks for beyond them.
    fn token(&self, client: &Client, at: &Endpoint, key: Key, beyond: Option<String>) -> Result<Secret> {
        let known = self.tokens.lock().expect("no holder panics").get(&key).cloned();
        if let Some(token) = known.filter(|t| t.until > Instant::now()) {
            return Ok(token.secret);
        }
        let token = self.fetch(client, at, &key, beyond)?;
        self.tokens.lock().expect("no holder panics").insert(key, token.clone());
        Ok(token.secret)
    }

    fn fetch(&self, client: &Client, at: &Endpoint, key: &Key, beyond: Option<String>) -> Result<Token> {
        let credentials = self.find(at).credentials;
        if let Some(Credentials::Bearer(secret)) = credentials {
            return Ok(Token { secret, until: Instant::now() + Duration::from_secs(3600) });
        }
        let tls = self.realm_tls(at, &key.realm)?;
        let mut scopes: Vec<&str> = key.scopes.split(' ').filter(|s| !s.is_empty()).collect();
        let beyond = beyond.unwrap_or_default();
        scopes.extend(beyond.split(' ').filter(|s| !s.is_empty() && !key.scopes.contains(s)));
        let failed = |e: Error| e.during(format_args!("get a token for `{}`", at.name));
        let mut answer = ask(client, &tls, key, &scopes, credentials).map_err(failed)?;
        if answer.status() != 200 {
            return Err(self.refused(at, &mut answer));
        }
        let bytes = http::read_body(&mut answer, MAX_TOKEN).map_err(failed)?;
        parse_token(&bytes)
            .ok_or_else(|| failed(Error::new(Kind::Corrupt, "the token server's answer has none")))
    }

    fn refused(&self, at: &Endpoint, answer: &mut Response) -> Error {
        let error = crate::session::failure(answer).during(format_args!("get a token for `{}`", at.name));
        if error.kind == Kind::Denied { error.hint(self.advice(at)) } else { error }
    }

    /// Certificates for the token server. Credentials must not travel in the clear because of what a
    /// registry says, unless the registry itself may be spoken to in the clear.
    fn realm_tls(&self, at: &Endpoint, realm: &str) -> Result<Tls> {
        let (scheme, rest) = realm.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let is_plain = scheme == "http" && at.scheme != Scheme::Https;
        if host.is_empty() || !(scheme == "https" || is_plain) {
            let why = format!("`{}` wants credentials to be sent without TLS", at.name);
            return Err(Error::new(Kind::Denied, why));
        }
        let mut tls = Tls::of_host(&self.env, host);
        tls.skip_verify = at.tls.skip_verify && dns::without_port(host) == dns::without_port(&at.host);
        Ok(tls)
    }
}

fn ask(
    client: &Client,
    tls: &Tls,
    key: &Key,
    scopes: &[&str],
    credentials: Option<Credentials>,
) -> Result<Response> {
    let mut query: Vec<(&str, &str)> = key.service.iter().map(|s| ("service", s.as_str())).collect();
    if let Some(Credentials::Identity(refresh)) = credentials {
        let scope = scopes.join(" ");
        query.extend([("grant_type", "refresh_token"), ("client_id", "tare"), ("refresh_token", &refresh.0)]);
        query.extend([("scope", scope.as_str())].into_iter().filter(|(_, s)| !s.is_empty()));
        let form = encode(&query);
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        let body = Body::Bytes(form.as_bytes());
        return client.send(Request { method: Method::POST, url: &key.realm, headers, body }, tls);
    }
    query.extend(scopes.iter().map(|s| ("scope", *s)));
    let mut headers = Vec::new();
    if let Some(Credentials::Basic(user, password)) = &credentials {
        query.push(("account", user));
        headers.push(("authorization", Credentials::basic(user, password)));
    }
    let separator = if key.realm.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}{}", key.realm, encode(&query));
    client.send(Request { method: Method::GET, url: &url, headers, body: Body::None }, tls)
}

fn encode(pairs: &[(&str, &str)]) -> String {
    let one = |(key, value): &(&str, &str)| format!("{key}={}", percent(value));
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

/// Percent-encoding for a query: RFC 3986's unreserved characters stay.
pub(crate) fn percent(text: &str) -> String {
    let byte = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn parse_token(bytes: &[u8]) -> Option<Token> {
    #[derive(Deserialize)]
    struct Wire {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
    }
    let wire: Wire = serde_json::from_slice(bytes).ok()?;
    let text = wire.token.filter(|t| !t.is_empty()).or(wire.access_token).filter(|t| !t.is_empty())?;
    // A tenth of its life is left for the request that uses it. 60 seconds are the specification's default.
    let life = Duration::from_secs(wire.expires_in.unwrap_or(60).min(86_400)) * 9 / 10;
    Some(Token { secret: Secret(text), until: Instant::now() + life })
}

fn strongest<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut all: Vec<Challenge> = headers.flat_map(challenges).collect();
    all.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    all.into_iter().next()
}

/// `Scheme key="value", key=value, Scheme …`, schemes we don't know left out.
fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, HashMap<String, String>)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let (word, tail) = (rest[..end].to_ascii_lowercase(), rest[end..].trim_start());
        rest = match tail.strip_prefix('=') {
            Some(tail) => {
                let (value, tail) = value(tail.trim_start());
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.insert(word, value);
                }
                tail
            }
            None => {
                found.push((word, HashMap::new()));
                tail
            }
        };
        rest = rest.trim_start_matches([' ', ',']);
    }
    found.into_iter().filter_map(|(scheme, parameters)| challenge(&scheme, parameters)).collect()
}

fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn challenge(scheme: &str, mut parameters: HashMap<String, String>) -> Option<Challenge> {
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => {
            let mut take = |name: &str| parameters.remove(name).filter(|v| !v.is_empty());
            Some(Challenge::Bearer { realm: take("realm")?, service: take("service"), scope: take("scope") })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let own = |s: &str| s.to_owned();
        Challenge::Bearer { realm: own(realm), service: service.map(own), scope: scope.map(own) }
    }

    fn check(header: &str, expected: &[Challenge]) {
        assert_eq!(challenges(header), expected, "{header}");
    }

    #[test]
    fn challenges_of_all_shapes() {
        let both = bearer("https://t/x", Some("s"), Some("repository:a/b:pull,push"));
        check(
            r#"Bearer realm="https://t/x",service="s",scope="repository:a/b:pull,push""#,
            std::slice::from_ref(&both),
        );
        check(
            r#"Basic realm="x", bearer realm = "https://t/x" , service=s, scope="repository:a/b:pull,push""#,
            &[Challenge::Basic, both.clone()],
        );
        check(r#"Bearer realm="a\"b""#, &[bearer("a\"b", None, None)]);
        check("Basic", &[Challenge::Basic]);
        check("Negotiate, Basic realm=x", &[Challenge::Basic]);
        for nothing in ["", ",", "Bearer service=x", "=", "\"", "Bearer realm=\"", "Digest =,=\"\\"] {
            check(nothing, &[]);
        }
        assert_eq!(strongest(["Basic", "Bearer realm=r"].into_iter()), Some(bearer("r", None, None)));
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            encode(&[("scope", "repository:a/b:pull,push"), ("x", "é ")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&x=%C3%A9%20"
        );
    }

    #[test]
    fn tokens_are_not_shown() {
        let token = parse_token(br#"{"access_token":"hunter2","expires_in":300}"#).unwrap();
        assert_eq!(token.secret.0, "hunter2");
        assert!(!format!("{token:?}").contains("hunter2"));
        assert!(parse_token(br#"{"token":""}"#).is_none() && parse_token(b"<html>").is_none());
        assert!(parse_token(br#"{"token":"x","expires_in":18446744073709551615}"#).is_some());
    }
}
