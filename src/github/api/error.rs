//! Why GitHub did not give what it was asked for. The texts name no secrets and no signed addresses.

use crate::domain::Timestamp;

/// Why GitHub did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// The App's key or token is not accepted, also not a new one.
    #[error("GitHub does not accept the App's credentials: {0}")]
    Unauthorized(String),
    /// The App may not do this.
    #[error("the App lacks a permission at GitHub{}", wanted(permission.as_deref()))]
    Forbidden {
        /// GitHub's word for what would be needed, as `checks=read`.
        permission: Option<String>,
    },
    /// It will not, in its own words; not for want of a permission.
    #[error("GitHub refuses: {0}")]
    Refused(String),
    /// A run cannot be run again before it has ended.
    #[error("the run has not ended yet")]
    Running,
    /// There is no such thing, or the App may not see it.
    #[error("GitHub knows no such thing, or the App may not see it")]
    NotFound,
    /// It was there and is no more: 410.
    #[error("GitHub no longer keeps it")]
    Gone,
    /// It is withheld for legal reasons: 451.
    #[error("GitHub withholds it for legal reasons")]
    Withheld,
    /// Nobody answered, or the answer broke off, or GitHub said that it cannot now.
    #[error("GitHub cannot be asked now: {0}")]
    Unavailable(String),
    /// A limit is in force; nothing is sent until then.
    #[error("GitHub's limit is reached until {until}")]
    Limited {
        /// When requests go again.
        until: Timestamp,
    },
    /// The installation is suspended.
    #[error("the App's installation is suspended")]
    Suspended,
    /// The App is not installed there.
    #[error("the App is not installed there")]
    NotInstalled,
    /// The answer is not what GitHub's documentation says it is.
    #[error("GitHub's answer is not understood: {0}")]
    Malformed(String),
    /// The answer sends us to another host, where no credentials go.
    #[error("GitHub redirects to another host ({0}); credentials do not go there")]
    Strayed(String),
}

fn wanted(permission: Option<&str>) -> String {
    permission.map_or_else(String::new, |it| format!("; it wants {it}"))
}

impl GithubError {
    /// Whether the same request may succeed by itself later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Limited { .. } | Self::Malformed(_) | Self::Running => {
                true
            }
            Self::Unauthorized(_)
            | Self::Forbidden { .. }
            | Self::Refused(_)
            | Self::NotFound
            | Self::Gone
            | Self::Withheld
            | Self::Suspended
            | Self::NotInstalled
            | Self::Strayed(_) => false,
        }
    }

    /// Whether all other requests would fail alike for now, so that none need be tried.
    pub fn is_general(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Limited { .. } | Self::Unauthorized(_) => true,
            Self::Forbidden { .. }
            | Self::Refused(_)
            | Self::Running
            | Self::NotFound
            | Self::Gone
            | Self::Withheld
            | Self::Suspended
            | Self::NotInstalled
            | Self::Malformed(_)
            | Self::Strayed(_) => false,
        }
    }

    /// All words of [`GithubError::code`].
    pub const CODES: &[&'static str] = &[
        "unauthorized",
        "forbidden",
        "refused",
        "running",
        "not_found",
        "gone",
        "withheld",
        "unavailable",
        "limited",
        "suspended",
        "not_installed",
        "malformed",
        "strayed",
    ];

    /// The word for metrics and the state that is shown.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Refused(_) => "refused",
            Self::Running => "running",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Withheld => "withheld",
            Self::Unavailable(_) => "unavailable",
            Self::Limited { .. } => "limited",
            Self::Suspended => "suspended",
            Self::NotInstalled => "not_installed",
            Self::Malformed(_) => "malformed",
            Self::Strayed(_) => "strayed",
        }
    }
}
