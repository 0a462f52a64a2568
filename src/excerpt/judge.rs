//! The marks that tell whose a failure is, as data, and the sentence that says so.

use super::marks::{At, Group, Role, Weight};
use crate::domain::FailureClass;

const fn usual(class: FailureClass) -> Role {
    Role::Judge(class, Weight::Usual)
}

const fn decisive(class: FailureClass) -> Role {
    Role::Judge(class, Weight::Decisive)
}

/// What the runner, the network, registries and their permissions say.
pub const JUDGES: &[Group] = &[
    // Time that ran out is the change's (a test that hangs), as far as a log can tell.
    (
        decisive(FailureClass::Code),
        At::Any,
        &["has exceeded the maximum execution time", "has timed out after"],
    ),
    (
        decisive(FailureClass::Infrastructure),
        At::Any,
        &[
            "lost communication with the server",
            "runner has received a shutdown signal",
            "No space left on device",
            "not enough space on the disk",
            "ENOSPC",
            "hosted runner encountered an error",
            "runner process was terminated",
            "One or more containers failed to start",
            "Service container ",
            "Failed to initialize container",
            "Job is waiting for a hosted runner",
            "There is insufficient memory",
            "No hosted runner",
            "runner was terminated",
            "Disk quota exceeded",
            "disk is full",
            "Failed to start service container",
            "failed to start container",
        ],
    ),
    (
        decisive(FailureClass::Permission),
        At::Any,
        &[
            "recent account payments have failed",
            "spending limit needs to be increased",
            "Resource not accessible by integration",
            "Resource not accessible by personal access token",
            "storage quota has been hit",
            "account is suspended",
            "account is locked",
        ],
    ),
    (
        decisive(FailureClass::Cancelled),
        At::Any,
        &[
            "The operation was canceled",
            "The operation was cancelled",
            "Canceling since a higher priority",
            "The run was canceled by",
            "The job was canceled because",
            "strategy configuration was canceled",
            "The workflow run was cancelled",
        ],
    ),
    (
        usual(FailureClass::Infrastructure),
        At::Any,
        &[
            // names and connections
            "Could not resolve host",
            "Couldn't resolve host",
            "Could not resolve proxy",
            "Temporary failure in name resolution",
            "Temporary failure resolving",
            "EAI_AGAIN",
            "getaddrinfo ENOTFOUND",
            "Name or service not known",
            "nodename nor servname",
            "no such host",
            "remote name could not be resolved",
            "ECONNRESET",
            "ETIMEDOUT",
            "ESOCKETTIMEDOUT",
            "socket hang up",
            "EPIPE",
            "Connection timed out",
            "connection timed out",
            "Connection reset by peer",
            "connection reset by peer",
            "connection refused",
            "Connection refused",
            "ECONNREFUSED",
            "Network is unreachable",
            "ENETUNREACH",
            "No route to host",
            "TLS handshake timeout",
            "i/o timeout",
            "Client.Timeout",
            "context deadline exceeded",
            "Read timed out",
            "ReadTimeout",
            "ConnectTimeout",
            "Connect timed out",
            "connect timed out",
            "Operation timed out",
            "SSL_ERROR_SYSCALL",
            "early EOF",
            "RPC failed",
            "remote end hung up",
            "NewConnectionError",
            "Max retries exceeded",
            "spurious network error",
            "network connectivity",
            "Network error",
            "Could not connect to server",
            "could not connect to",
            "Unable to connect to",
            "Failed to connect to",
            "failed to establish a new connection",
            "Premature close",
            "gnutls_handshake",
            "SSL connection",
            "Remote host terminated the handshake",
            "network timeout",
            // answers of registries
            "502 Bad Gateway",
            "503 Service",
            "504 Gateway",
            "500 Internal Server Error",
            "Bad Gateway",
            "Service Unavailable",
            "Gateway Time",
            "429 Too Many",
            "Too Many Requests",
            "toomanyrequests",
            "rate limit exceeded",
            "pull rate limit",
            "API rate limit",
            "status code 50",
            "status code: 50",
            "status: 50",
            "returned error: 50",
            "HTTP 50",
            "error 50",
            "E500",
            "E502",
            "E503",
            "E504",
            "E429",
            "received unexpected HTTP status: 5",
            "unexpected status code 5",
            "unexpected status: 5",
            "error: 429",
            "error: 50",
            "Failed to download action",
            "Failed to download archive",
            "Failed to resolve action download info",
            "Our services aren't available right now",
            "temporarily unavailable",
            "Unexpected HTTP response: 5",
            "HTTP response code: 5",
            "Internal server error",
            "Cannot connect to the Docker daemon",
            "is the docker daemon running",
            "qemu: uncaught target signal",
            "Unable to locate executable file: docker",
            "Unable to reserve cache",
            "Cache service responded with",
            "Failed to FinalizeArtifact",
            "Failed to CreateArtifact: Unable to make request",
            "Unable to make request:",
            "Connection failed [IP",
            "Unable to fetch some archives",
            "Mirror sync in progress",
            "File has unexpected size",
            "Hash Sum mismatch",
        ],
    ),
    (
        usual(FailureClass::Permission),
        At::Any,
        &[
            "Input required and not supplied",
            "Bad credentials",
            "Permission to ",
            "refusing to allow",
            "installation not allowed to",
            "permission_denied",
            "PERMISSION_DENIED",
            "unauthorized: ",
            "Username and password required",
            "Username required",
            "Password required",
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "Authentication required",
            "Invalid username or",
            "incorrect username or password",
            "authentication required",
            "requested access to the resource is denied",
            "Permission denied (publickey",
            "Host key verification failed",
            "Could not read from remote repository",
            "Credentials could not be loaded",
            "Could not load credentials",
            "google-github-actions/auth failed",
            "Not authorized",
            "not authorized to perform",
            "401 Unauthorized",
            "HTTP 401",
            "HTTP 403",
            "status code 401",
            "status code 403",
            "status code: 401",
            "status code: 403",
            "403 Forbidden",
            "returned error: 403",
            "returned error: 401",
            "error: 403",
            "error: 401",
            "code E401",
            "code E403",
            "ENEEDAUTH",
            "need auth",
            "EOTP",
            "Token required",
            "GH006",
            "GH013",
            "Protected branch",
            "protected branch hook declined",
            "ACTIONS_ID_TOKEN_REQUEST",
            "Unable to get ACTIONS_ID",
            "AccessDenied",
            "Access Denied",
            "access denied",
            "ExpiredToken",
            "InvalidClientTokenId",
            "security token included in the request is invalid",
            "sts:AssumeRole",
            "Must have admin rights",
            "Requires authentication",
            "SAML SSO",
            "SAML enforcement",
            "is not allowed to be used in",
            "insufficient permission",
            "Insufficient permission",
            "insufficient_scope",
            "does not have permission",
            "doesn't have permission",
            "does not have the required",
            "Missing required secret",
            "secret is not set",
            "is not set in secrets",
            "No API key",
            "api key is not",
            "invalid api key",
            "Invalid API key",
            "Please provide a token",
            "Please set the GH_TOKEN",
            "set the GH_TOKEN environment variable",
            "populate the GH_TOKEN",
            "GITHUB_TOKEN permission",
            "token is invalid",
            "Invalid token",
            "invalid token",
            "token has expired",
            "Unauthorized",
            "requires approval",
            "Repository not found",
            "asked for the client to provide credentials",
            "awaiting approval",
            "payment required",
            "Payment Required",
            "Environment protection rule",
            "not allowed to deploy",
            "deployment protection",
        ],
    ),
];

/// How surely a line shows that the change fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    Hint,
    Told,
    /// A test or a compiler says so.
    Sure,
}

/// What is found in a job's failing step about whose failure it is.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The runner's own word, or what outweighs all else.
    decisive: Option<(FailureClass, String)>,
    usual: Option<(FailureClass, String)>,
    timeout: Option<String>,
    code: Option<(Sureness, String)>,
}

impl Findings {
    /// A line with a judging mark; `said` that it is the runner's error line. Says whether it
    /// judges at all.
    pub fn judge(&mut self, class: FailureClass, weight: Weight, said: bool, text: &str) -> bool {
        if class == FailureClass::Code {
            self.timeout.get_or_insert_with(|| text.to_owned());
            return true;
        }
        // A service of the job's own that does not answer is the change's, as far as is known.
        let own = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"];
        if class == FailureClass::Infrastructure
            && weight == Weight::Usual
            && own.iter().any(|host| text.contains(host))
        {
            return false;
        }
        let sure = weight == Weight::Decisive || said;
        let slot = if sure { &mut self.decisive } else { &mut self.usual };
        // A lost runner also cancels; and the last word is nearest to the failure.
        let kept = slot
            .as_ref()
            .is_some_and(|(old, _)| *old == class || (sure && class == FailureClass::Cancelled));
        if !kept {
            *slot = Some((class, text.to_owned()));
        }
        true
    }

    /// A line that shows the change's failure; the first of the surest is kept.
    pub fn code(&mut self, sureness: Sureness, text: &str) {
        if self.code.as_ref().is_none_or(|(was, _)| sureness > *was) {
            self.code = Some((sureness, text.to_owned()));
        }
    }

    /// The class, and the line that shows it.
    pub fn verdict(&self) -> (FailureClass, Option<&str>) {
        if let Some(text) = &self.timeout {
            return (FailureClass::Code, Some(text));
        }
        if let Some((class, text)) = &self.decisive {
            return (*class, Some(text));
        }
        match (&self.code, &self.usual) {
            (Some((Sureness::Sure, text)), _) => (FailureClass::Code, Some(text)),
            (_, Some((class, text))) => (*class, Some(text)),
            (Some((_, text)), None) => (FailureClass::Code, Some(text)),
            (None, None) => (FailureClass::Unknown, None),
        }
    }

    /// What the held lines take.
    pub fn bytes(&self) -> usize {
        let of = |text: Option<&String>| text.map_or(0, String::len);
        of(self.decisive.as_ref().map(|(_, text)| text))
            + of(self.usual.as_ref().map(|(_, text)| text))
            + of(self.code.as_ref().map(|(_, text)| text))
            + of(self.timeout.as_ref())
    }
}

/// One short sentence for the evidence.
pub fn sentence(class: FailureClass, line: Option<&str>) -> String {
    let what = match class {
        FailureClass::Code => "The change fails",
        FailureClass::Base => "The base fails too",
        FailureClass::Infrastructure => "The machine or the network failed",
        FailureClass::Permission => "A permission is wanting",
        FailureClass::Flaky => "It passed and failed at one commit",
        FailureClass::Cancelled => "The run was stopped",
        FailureClass::Unknown => "The log does not say whose failure it is",
    };
    match line {
        Some(line) => format!("{what}: {}", super::text::one_line(line, 200)),
        None => format!("{what}."),
    }
}
