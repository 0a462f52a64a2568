//! Numbers and addresses.

/// Where the API and the pages are, without a slash at the end.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    pub api: String,
    pub html: String,
}

/// Ids are of 64 bits: those of checks and runs are beyond 32, those of deliveries beyond what a double holds.
#[derive(Debug)]
pub struct Ids {
    small: i64,
    large: i64,
    commits: u64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { small: 702_934_510, large: 65_079_737_900, commits: 0 }
    }
}

impl Ids {
    /// For repositories, users and installations.
    pub fn small(&mut self) -> i64 {
        self.small += 1;
        self.small
    }

    /// For pull requests, checks, runs, reviews and comments.
    pub fn large(&mut self) -> i64 {
        self.large += 7;
        self.large
    }

    /// A commit's hash: forty hexadecimal digits, a new one at each call.
    pub fn commit(&mut self) -> String {
        use sha2::{Digest, Sha256};
        self.commits += 1;
        let mut hash = hex::encode(Sha256::digest(self.commits.to_be_bytes()));
        hash.truncate(40);
        hash
    }
}

/// The same id for the same login, everywhere.
pub fn account_id(login: &str) -> i64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = login.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    i64::try_from(hash % 200_000_000).unwrap_or_default() + 1_000
}
