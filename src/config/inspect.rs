//! A look at each setting by itself: what it is, where it came from, and what is wrong with it.

use super::error::ConfigError;
use super::layer::{Key, Layers};
use super::server::{self, Address, Pass};
use super::{
    ADOPT, API_TOKEN, AUTO_REGISTER, DB, Flags, GITHUB_API_URL, GITHUB_APP_ID, GITHUB_PRIVATE_KEY,
    KEYS, LISTEN, LOG, LOG_FORMAT, SETTLE, Settings, environment,
};

/// The settings whose values may be shown; all others may hold secrets.
const SHOWN: &[Key] =
    &[LISTEN, DB, SETTLE, ADOPT, AUTO_REGISTER, GITHUB_APP_ID, GITHUB_API_URL, LOG, LOG_FORMAT];

/// One setting, as it was found.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// Its name in the settings file.
    pub name: &'static str,
    /// Where it was found.
    pub source: Source,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// Where a setting was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nowhere: the default holds.
    Default,
    /// At a place, with its value where that may be shown.
    Set {
        /// The flag, the variable, or the file.
        place: String,
        /// The value, unless it may be secret.
        value: Option<String>,
    },
}

/// All that was found.
pub struct InspectedSettings {
    /// What is left when everything wrong is taken for not set.
    pub settings: Settings,
    /// All settings one by one.
    pub inspected: Vec<Inspected>,
    /// What hid a whole layer.
    pub problems: Vec<ConfigError>,
    layers: Layers,
}

impl InspectedSettings {
    /// Where the server of these settings is, unless `url` says so.
    ///
    /// # Errors
    /// The address is none.
    pub fn address(&self, url: Option<&str>) -> Result<Address, ConfigError> {
        server::own_address(&self.layers, &self.settings, url)
    }

    /// The token for that address.
    ///
    /// # Errors
    /// There is none, or it was not given for this address.
    pub fn pass(&self, address: &Address, token: Option<&str>) -> Result<Pass, ConfigError> {
        server::pass(&self.layers, &self.settings, address, token)
    }

    /// Where the API token is looked for, in words, where it is a setting.
    pub fn token_place(&self) -> Option<String> {
        let found = self.layers.find(API_TOKEN).ok()??;
        Some(found.place().to_owned())
    }
}

/// Looks at every setting.
pub fn inspect(flags: &Flags) -> InspectedSettings {
    let mut problems = Vec::new();
    let env = environment().unwrap_or_else(|error| {
        problems.push(error);
        Vec::new()
    });
    let layers = Layers::read(KEYS, flags.config.as_deref(), &env, &flags.given());
    let layers = layers.unwrap_or_else(|error| {
        problems.push(error);
        Layers::without_file(&env, &flags.given())
    });
    let inspected: Vec<_> = KEYS.iter().map(|key| one(&layers, *key)).collect();
    let usable: Vec<Key> = KEYS
        .iter()
        .zip(&inspected)
        .filter(|(_, inspected)| inspected.problem.is_none())
        .map(|(key, _)| *key)
        .collect();
    let settings = Settings::parse(&layers.only(&usable)).or_else(|error| {
        problems.push(error);
        Settings::parse(&layers.only(&[]))
    });
    let mut settings = settings.expect("the defaults are well-formed");
    let layers = layers.only(&usable);
    if let Err(error) = settings.take_app_file(&layers) {
        problems.push(error);
    }
    InspectedSettings { settings, inspected, problems, layers }
}

fn one(layers: &Layers, key: Key) -> Inspected {
    let source = match layers.find(key) {
        Ok(Some(found)) => Source::Set {
            place: found.place().to_owned(),
            value: SHOWN.contains(&key).then(|| found.text().to_owned()),
        },
        Ok(None) | Err(_) => Source::Default,
    };
    // These two are of use together alone.
    let pair = [GITHUB_APP_ID, GITHUB_PRIVATE_KEY];
    let alone = [key];
    let looked_at = if pair.contains(&key) { &pair[..] } else { &alone };
    let problem = Settings::parse(&layers.only(looked_at)).err().map(|error| error.to_string());
    Inspected { name: key.name, source, problem }
}
