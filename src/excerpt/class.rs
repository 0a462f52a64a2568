//! Whose failure it is.

/// Whose a failure is. The log alone never says [`Class::Base`] or [`Class::Flaky`]: those need
/// the check's history, which the caller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The change broke it; so does a job that ran out of its time.
    Code,
    /// It fails at the base commit too.
    Base,
    /// Runner, network, disk, a registry, a service container.
    Infrastructure,
    /// A token, a secret, a payment or an approval is wanting.
    Permission,
    /// The same check passed at the same commit.
    Flaky,
    /// Someone, or a newer run, stopped it.
    Cancelled,
    /// Nothing in the log says.
    Unknown,
}

/// Who can mend a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    Agent,
    Human,
}

impl Class {
    /// The spelling of the database and of JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Base => "base",
            Self::Infrastructure => "infrastructure",
            Self::Permission => "permission",
            Self::Flaky => "flaky",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Who is told: the agent of `code` and `flaky` and, because it can look further, of `unknown`
    /// (but see [`super::Verdict::audience`]: a log without content is a human's); a human of the
    /// rest, which an agent cannot mend.
    pub fn audience(self) -> Audience {
        match self {
            Self::Code | Self::Flaky | Self::Unknown => Audience::Agent,
            Self::Base | Self::Infrastructure | Self::Permission | Self::Cancelled => {
                Audience::Human
            }
        }
    }
}

impl Audience {
    /// The spelling of the database and of JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Human => "human",
        }
    }
}
