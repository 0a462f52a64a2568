//! Which server a client talks to, and which token may go there.
//!
//! Whoever runs a client in a stranger's checkout has that stranger's `nudged.toml` in the working
//! directory: it names no address for a client. And a token goes to another machine only when somebody
//! gave the two together; one that was merely found goes to this machine and nowhere else.

use std::net::IpAddr;

use reqwest::Url;

use super::layer::{Layers, Origin};
use super::{
    API_TOKEN, ConfigError, DB, Flags, KEYS, LISTEN, Secret, Settings, environment, names, variable,
};

/// What a client is told of the server on its command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The server's address.
    pub url: Option<&'a str>,
    /// The API token.
    pub token: Option<&'a str>,
}

/// An address, and who named it.
#[derive(Debug, Clone)]
pub struct Address {
    /// Where the server is.
    pub url: Url,
    origin: Origin,
    /// The setting in the working directory that was not heeded.
    pub unheeded: Option<String>,
}

/// A token that may go to an address.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The API token.
    pub token: Secret,
    /// Where it was found, in words.
    pub place: String,
}

/// The server and the token for it.
///
/// # Errors
/// A setting is wrong, there is no token, or there is one that was not given for this address.
pub fn client(flags: &Flags, asked: Asked<'_>) -> Result<(Address, Pass), ConfigError> {
    let layers = Layers::read(KEYS, flags.config.as_deref(), &environment()?, &flags.given())?;
    let settings = Settings::parse(&layers)?;
    let address = address(&layers, &settings, asked.url)?;
    let pass = pass(&layers, &settings, &address, asked.token)?;
    Ok((address, pass))
}

/// The settings, and the address of the server that a client with these flags talks to.
///
/// # Errors
/// A setting is wrong.
pub fn client_address(
    flags: &Flags,
    url: Option<&str>,
) -> Result<(Settings, Address), ConfigError> {
    let layers = Layers::read(KEYS, flags.config.as_deref(), &environment()?, &flags.given())?;
    let settings = Settings::parse(&layers)?;
    let address = address(&layers, &settings, url)?;
    Ok((settings, address))
}

fn address(
    layers: &Layers,
    settings: &Settings,
    url: Option<&str>,
) -> Result<Address, ConfigError> {
    if let Some(url) = url {
        let url = parse("--url", url)?;
        return Ok(Address { url, origin: Origin::Flag, unheeded: None });
    }
    if let Some(url) = variable(names::URL)? {
        let url = parse(names::URL, &url)?;
        return Ok(Address { url, origin: Origin::Environment, unheeded: None });
    }
    match layers.find(LISTEN)? {
        Some(found) if found.origin() != Origin::WorkingDirectory => Ok(Address {
            url: parse(found.place(), &settings.client_url())?,
            origin: found.origin(),
            unheeded: None,
        }),
        found => Ok(Address {
            url: parse("default", "http://127.0.0.1:8787")?,
            origin: Origin::Default,
            unheeded: found.map(|found| found.place().to_owned()),
        }),
    }
}

/// The address of the server whose own settings these are, as `doctor` looks for it: that of the
/// working directory counts too where it is on this machine.
pub(super) fn own_address(
    layers: &Layers,
    settings: &Settings,
    url: Option<&str>,
) -> Result<Address, ConfigError> {
    let address = address(layers, settings, url)?;
    let own = parse("listen", &settings.client_url())?;
    match &address.unheeded {
        Some(_) if is_here(&own) => {
            Ok(Address { url: own, origin: Origin::WorkingDirectory, unheeded: None })
        }
        _ => Ok(address),
    }
}

/// The token for that address.
pub(super) fn pass(
    layers: &Layers,
    settings: &Settings,
    address: &Address,
    given: Option<&str>,
) -> Result<Pass, ConfigError> {
    if let Some(token) = given {
        return Ok(Pass { token: Secret::new(token), place: "--token".to_owned() });
    }
    let set = layers.find(API_TOKEN)?;
    let (origin, place) = match &set {
        Some(found) => (found.origin(), found.place().to_owned()),
        None => {
            let db = layers.find(DB)?.map_or(Origin::Default, |found| found.origin());
            (db, settings.token_file().display().to_string())
        }
    };
    if !is_here(&address.url)
        && let Some(why) = stranger(origin, address)?
    {
        return Err(ConfigError::new(format_args!(
            "the API token of {place} does not go to {}: {why}. Give the token of that server \
                 with --token, or set {} and {} together",
            address.url,
            names::URL,
            API_TOKEN.env,
        )));
    }
    Ok(Pass { token: settings.token_for_client()?, place })
}

/// Why a token of that origin was not given for the address.
fn stranger(token: Origin, address: &Address) -> Result<Option<&'static str>, ConfigError> {
    match (token, address.origin) {
        (Origin::Default | Origin::WorkingDirectory, _) => {
            Ok(Some("it was found in the working directory, so it goes to this machine only"))
        }
        (Origin::Environment, Origin::Flag) => {
            let other = variable(names::URL)?.map(|url| parse(names::URL, &url)).transpose()?;
            let another = other.is_some_and(|other| other.origin() != address.url.origin());
            Ok(another.then_some("it was set for the server of NUDGED_URL"))
        }
        (_, Origin::Flag) => Ok(None),
        (token, address) if token == address => Ok(None),
        _ => Ok(Some("the two were not given together")),
    }
}

/// Whether an address is this machine's own.
pub fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Parses a server's address. Without a scheme it is `http` on this machine and `https` elsewhere, so
/// that nobody sends a token in the clear by leaving something out.
///
/// # Errors
/// It is none; the message begins with `place`.
pub fn parse(place: &str, text: &str) -> Result<Url, ConfigError> {
    let wrong = || {
        ConfigError::new(format_args!(
            "{place} {text:?}: wants an address, as http://127.0.0.1:8787, localhost:8787 or \
             https://nudged.example"
        ))
    };
    let text = text.trim();
    let mut url = if text.contains("://") {
        Url::parse(text).map_err(|_| wrong())?
    } else {
        let plain = Url::parse(&format!("http://{text}")).map_err(|_| wrong())?;
        let any = plain.host_str().is_some_and(|host| matches!(host, "0.0.0.0" | "[::]"));
        if any || is_here(&plain) {
            plain
        } else {
            Url::parse(&format!("https://{text}")).map_err(|_| wrong())?
        }
    };
    if !matches!(url.scheme(), "http" | "https")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(wrong());
    }
    // Nothing is *at* the address that stands for all of them.
    let here = match url.host_str() {
        Some("0.0.0.0") => Some("127.0.0.1"),
        Some("[::]") => Some("[::1]"),
        Some(_) => None,
        None => return Err(wrong()),
    };
    if let Some(here) = here {
        url.set_host(Some(here)).map_err(|_| wrong())?;
    }
    Ok(url)
}
