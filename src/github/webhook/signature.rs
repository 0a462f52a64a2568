//! Is a body GitHub's? HMAC-SHA256 over the raw bytes, against every configured secret.
//!
//! Bodies are hashed while they stream in; [`VerifiedBody`] is the proof that a signature held, and
//! there is no other way to get one.

use std::fmt;

use bytes::{Bytes, BytesMut};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The header that carries the signature. `X-Hub-Signature` (SHA-1) proves nothing and is not read.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

const DIGEST_BYTES: usize = 32;

/// The webhook secrets; several while one replaces another. Never printed: it keeps keyed hashers
/// only.
#[derive(Clone)]
pub struct Secrets(Vec<Hmac<Sha256>>);

/// There is no secret, so nothing could ever be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no webhook secret is configured")]
pub struct NoSecret;

impl Secrets {
    /// Takes every non-empty secret; the first is the one that [`Secrets::sign`] uses.
    ///
    /// # Errors
    /// [`NoSecret`] when none is left.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, NoSecret> {
        let keyed: Vec<_> = secrets
            .into_iter()
            .filter(|secret| !secret.as_ref().is_empty())
            .filter_map(|secret| Hmac::new_from_slice(secret.as_ref()).ok())
            .collect();
        if keyed.is_empty() { Err(NoSecret) } else { Ok(Self(keyed)) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The signature header's value for a body, by the first secret.
    pub fn sign(&self, body: &[u8]) -> String {
        let digest = self.0.first().map(|keyed| keyed.clone().chain_update(body).finalize());
        format!("sha256={}", hex::encode(digest.map(|it| it.into_bytes()).unwrap_or_default()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} of them)", self.0.len())
    }
}

/// A well-formed signature, true or not.
#[derive(Clone, Copy)]
pub struct Signature([u8; DIGEST_BYTES]);

impl Signature {
    /// Reads `sha256=` and 64 hex digits.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let mut digest = [0; DIGEST_BYTES];
        hex::decode_to_slice(header.strip_prefix(b"sha256=")?, &mut digest).ok()?;
        Some(Self(digest))
    }
}

/// The signature is of no configured secret, or of another body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct WrongSignature;

/// A body that is signed by one of the secrets.
#[derive(Debug, Clone)]
pub struct VerifiedBody {
    bytes: Bytes,
    secret: usize,
}

impl VerifiedBody {
    /// The raw bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The place of the secret that signed it, from 0.
    pub fn secret(&self) -> usize {
        self.secret
    }

    /// The raw bytes, by value.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// Collects a body and hashes it on the way.
pub struct Verifier {
    hashers: Vec<Hmac<Sha256>>,
    body: BytesMut,
}

impl Verifier {
    /// Begins with an empty body.
    pub fn new(secrets: &Secrets) -> Self {
        Self { hashers: secrets.0.clone(), body: BytesMut::new() }
    }

    /// Adds what has arrived.
    pub fn push(&mut self, chunk: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(chunk);
        }
        self.body.extend_from_slice(chunk);
    }

    /// How many bytes have arrived.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Nothing has arrived yet.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Compares with every secret, in a time that does not tell which one it is or how far it agreed.
    ///
    /// # Errors
    /// [`WrongSignature`]; the body is gone then.
    pub fn verify(self, signature: Signature) -> Result<VerifiedBody, WrongSignature> {
        let none = (Choice::from(0), 0_u64);
        let (holds, secret) =
            (0_u64..).zip(self.hashers).fold(none, |(holds, by), (at, hasher)| {
                let this = hasher.finalize().into_bytes().as_slice().ct_eq(&signature.0);
                (holds | this, u64::conditional_select(&by, &at, this))
            });
        if !bool::from(holds) {
            return Err(WrongSignature);
        }
        let secret = usize::try_from(secret).unwrap_or(usize::MAX);
        Ok(VerifiedBody { bytes: self.body.freeze(), secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
    const SECRET: &str = "It's a Secret to Everybody";
    const HEADER: &[u8] =
        b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn verified(secrets: &[&str], chunks: &[&str], header: &[u8]) -> Option<VerifiedBody> {
        let mut verifier = Verifier::new(&Secrets::new(secrets).ok()?);
        for chunk in chunks {
            verifier.push(chunk.as_bytes());
        }
        verifier.verify(Signature::parse(header)?).ok()
    }

    fn verify(secrets: &[&str], chunks: &[&str], header: &[u8]) -> Option<Bytes> {
        verified(secrets, chunks, header).map(VerifiedBody::into_bytes)
    }

    #[test]
    fn the_documented_vector_holds_however_it_is_cut() {
        for chunks in [&["Hello, World!"][..], &["Hello", ", ", "World!"], &["", "Hello, World!"]] {
            assert_eq!(verify(&[SECRET], chunks, HEADER).unwrap(), "Hello, World!");
        }
    }

    #[test]
    fn any_of_the_secrets_will_do_and_no_other() {
        assert!(verify(&["new", SECRET], &["Hello, World!"], HEADER).is_some());
        let places = [&[SECRET, "old"][..], &["new", SECRET], &["a", "b", SECRET]]
            .map(|secrets| verified(secrets, &["Hello, World!"], HEADER).unwrap().secret());
        assert_eq!(places, [0, 1, 2]);
        assert!(verify(&["new", "old"], &["Hello, World!"], HEADER).is_none());
        assert!(verify(&[SECRET], &["Hello, World?"], HEADER).is_none());
        assert!(verify(&[""], &["Hello, World!"], HEADER).is_none(), "no empty secret");
    }

    #[test]
    fn only_the_documented_form_is_a_signature() {
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(Signature::parse(format!("sha256={hex}").as_bytes()).is_some());
        for header in [
            hex.to_owned(),
            format!("sha1={hex}"),
            format!("sha256={hex}00"),
            format!("sha256={}", &hex[2..]),
            format!("sha256={}g", &hex[1..]),
            format!("SHA256={hex}"),
            "sha256=".to_owned(),
            String::new(),
        ] {
            assert!(Signature::parse(header.as_bytes()).is_none(), "{header}");
        }
    }

    #[test]
    fn what_we_sign_we_accept_and_secrets_are_not_printed() {
        let secrets = Secrets::new([SECRET, "old"]).unwrap();
        assert_eq!(secrets.sign(b"Hello, World!").as_bytes(), HEADER);
        assert_eq!(format!("{secrets:?}"), "Secrets(2 of them)");
    }
}
