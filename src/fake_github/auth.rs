//! Who asks: the App's key and its JSON web tokens, and the tokens of installations, which expire.

use std::collections::BTreeMap;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How long an installation's token lasts.
pub(super) const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// The App as GitHub has registered it.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: i64,
    /// Its name in addresses.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// Its owner's login.
    pub owner: String,
    /// The other name that its JSON web tokens may bear.
    pub client_id: String,
    /// Its private key, PEM of PKCS#1 as GitHub hands it out.
    pub private_key: String,
    /// What verifies its JSON web tokens.
    pub(super) public_key: Vec<u8>,
    /// Where webhooks go; `None`: nowhere.
    pub webhook_url: Option<String>,
    /// What webhooks are signed with.
    pub webhook_secret: String,
    /// Permissions that it asks for, by their names.
    pub permissions: BTreeMap<String, String>,
    /// Events that it subscribes to.
    pub events: Vec<String>,
    /// The webhook's own id.
    pub hook_id: i64,
}

/// A new RSA key: its private half as PEM (PKCS#1), its public half as DER.
///
/// # Errors
///
/// The machine has no randomness.
pub(super) fn new_key() -> Result<(String, Vec<u8>), aws_lc_rs::error::Unspecified> {
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der()?;
    // A PKCS#8 document of such a key is 26 bytes of wrapping around the PKCS#1 one.
    let inner = der.as_ref().get(26..).unwrap_or_default();
    let text = STANDARD.encode(inner);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|it| str::from_utf8(it).ok()).collect();
    let pem = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        lines.join("\n")
    );
    Ok((pem, pair.public_key().as_ref().to_vec()))
}

/// Whom a request speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Nobody.
    Nobody,
    /// The App.
    App,
    /// The App in this installation.
    Installation(i64),
}

/// Tokens that were given out.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, (i64, Timestamp)>,
    count: u64,
}

impl Tokens {
    /// A new token of an installation, and when it expires.
    pub(super) fn give(&mut self, installation: i64, now: Timestamp) -> (String, Timestamp) {
        self.count += 1;
        let token = format!("ghs_fake{installation}x{:024}", self.count);
        let until = now.checked_add(TOKEN_LIFE).unwrap_or(now);
        self.given.insert(token.clone(), (installation, until));
        (token, until)
    }

    /// None of those given out is good any more.
    pub(super) fn revoke_all(&mut self) {
        self.given.clear();
    }
}

/// Whom the `Authorization` header speaks for, or GitHub's message for the 401.
pub(super) fn caller(
    header: Option<&str>,
    app: &App,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<Caller, String> {
    let Some(header) = header else { return Ok(Caller::Nobody) };
    let token = header.split_once(' ').map_or("", |(_, token)| token.trim());
    if token.split('.').count() == 3 {
        return verify_jwt(token, app, now).map(|()| Caller::App);
    }
    match tokens.given.get(token) {
        Some((installation, until)) if now < *until => Ok(Caller::Installation(*installation)),
        Some(_) | None => Err("Bad credentials".to_owned()),
    }
}

/// RS256, made by the App's key, of now, and for ten minutes at most.
fn verify_jwt(token: &str, app: &App, now: Timestamp) -> Result<(), String> {
    let undecodable = || "A JSON web token could not be decoded".to_owned();
    let (signed, signature) = token.rsplit_once('.').ok_or_else(undecodable)?;
    let (header, claims) = signed.split_once('.').ok_or_else(undecodable)?;
    let part = |text: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    };
    let header = part(header).ok_or_else(undecodable)?;
    let claims = part(claims).ok_or_else(undecodable)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecodable())?;
    if header["alg"] != "RS256" {
        return Err(undecodable());
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &app.public_key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| undecodable())?;
    let issuer = &claims["iss"];
    let named = issuer.as_i64() == Some(app.id)
        || issuer.as_str().is_some_and(|it| it == app.client_id || it == app.id.to_string());
    if !named {
        return Err("'Issuer' claim ('iss') must be an Integer".to_owned());
    }
    let now = now.as_second();
    let issued = claims["iat"].as_i64();
    if issued.is_none_or(|issued| issued > now) {
        return Err("'Issued at' claim ('iat') must be an Integer representing the time that \
             the assertion was issued"
            .to_owned());
    }
    let Some(expires) = claims["exp"].as_i64() else {
        return Err("'Expiration time' claim ('exp') must be a numeric value".to_owned());
    };
    if expires <= now {
        return Err("'Expiration time' claim ('exp') must be a numeric value representing the \
             future time at which the assertion expires"
            .to_owned());
    }
    if expires > now + 600 {
        return Err("'Expiration time' claim ('exp') is too far in the future".to_owned());
    }
    Ok(())
}
