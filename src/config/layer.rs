//! The layers that settings come from, and for each value the layer that gave it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::error::ConfigError;

/// A setting's name in the file, and its environment variable. The flag is spelled like the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) env: &'static str,
}

/// Tables of the settings file.
const TABLES: [&str; 2] = ["harness", "project"];
const FLAGS: &str = "flags";
const ENVIRONMENT: &str = "environment";
const FILE: &str = "nudged.toml";

/// Who gave a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Flag,
    Environment,
    /// A settings file that was named.
    NamedFile,
    /// The settings file that happens to be here.
    WorkingDirectory,
    Default,
}

/// Flags over environment over file.
pub(super) struct Layers {
    figment: Figment,
    file: PathBuf,
    /// Whether somebody named the file.
    named: bool,
    /// Where not all keys are looked at.
    only: Option<Vec<Key>>,
}

/// A value and the place it was set, for messages.
#[derive(Debug)]
pub(super) struct Found {
    text: String,
    place: String,
    origin: Origin,
}

struct Texts {
    layer: &'static str,
    values: Dict,
}

impl Provider for Texts {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Layers {
    /// Reads the file (`./nudged.toml` only where it exists) and lays the others above it.
    pub(super) fn read(
        known: &[Key],
        config: Option<&Path>,
        env: &[(Key, String)],
        flags: &[(Key, String)],
    ) -> Result<Self, ConfigError> {
        let file = config.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
        let mut figment = Figment::new();
        if config.is_some() || file.exists() {
            figment = figment.merge(Texts { layer: FILE, values: parse_file(known, &file)? });
        }
        figment = figment
            .merge(Texts { layer: ENVIRONMENT, values: texts(env) })
            .merge(Texts { layer: FLAGS, values: texts(flags) });
        Ok(Self { figment, file, named: config.is_some(), only: None })
    }

    /// The same layers without the settings file, for when it cannot be read.
    pub(super) fn without_file(env: &[(Key, String)], flags: &[(Key, String)]) -> Self {
        let figment = Figment::new()
            .merge(Texts { layer: ENVIRONMENT, values: texts(env) })
            .merge(Texts { layer: FLAGS, values: texts(flags) });
        Self { figment, file: PathBuf::from(FILE), named: false, only: None }
    }

    /// These keys alone, each with the layer that gave it.
    pub(super) fn only(&self, keys: &[Key]) -> Self {
        let only = Some(keys.to_vec());
        Self { figment: self.figment.clone(), file: self.file.clone(), named: self.named, only }
    }

    /// The value of the highest layer that has one.
    pub(super) fn find(&self, key: Key) -> Result<Option<Found>, ConfigError> {
        if self.only.as_ref().is_some_and(|only| !only.contains(&key)) {
            return Ok(None);
        }
        let Ok(value) = self.figment.find_value(key.name) else { return Ok(None) };
        let layer = self.figment.get_metadata(value.tag()).map_or(FILE, |data| data.name.as_ref());
        let (place, origin) = match layer {
            FLAGS => (format!("--{}", key.name.replace('_', "-")), Origin::Flag),
            ENVIRONMENT => (key.env.to_owned(), Origin::Environment),
            _ => {
                let origin = if self.named { Origin::NamedFile } else { Origin::WorkingDirectory };
                (format!("{} in {}", key.name, self.file.display()), origin)
            }
        };
        match flatten(&value) {
            Some(text) => Ok(Some(Found { text, place, origin })),
            None => Err(ConfigError::new(format_args!(
                "{place}: wants a simple value, not a table or list of lists"
            ))),
        }
    }

    /// The tables of a name in the settings file, as `[harness.NAME]`: by name.
    pub(super) fn tables(&self, name: &str) -> BTreeMap<String, serde_json::Value> {
        match self.only {
            // What is not there, or no table, gives none.
            None => self.figment.extract_inner(name).unwrap_or_default(),
            Some(_) => BTreeMap::new(),
        }
    }

    /// The settings file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// The same, parsed; `wants` completes "… wants".
    pub(super) fn parse<T: FromStr>(
        &self,
        key: Key,
        wants: &str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(found) = self.find(key)? else { return Ok(None) };
        found.text.trim().parse().map(Some).map_err(|_| found.wrong(wants))
    }
}

impl Found {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The value is shown.
    pub(super) fn wrong(&self, wants: &str) -> ConfigError {
        ConfigError::new(format_args!("{}: wants {wants}; it is {:?}", self.place, self.text))
    }

    /// The value is not shown.
    pub(super) fn wrong_secret(&self, wants: &str) -> ConfigError {
        ConfigError::new(format_args!("{}: wants {wants}", self.place))
    }
}

fn texts(values: &[(Key, String)]) -> Dict {
    values.iter().map(|(key, text)| (key.name.to_owned(), Value::from(text.clone()))).collect()
}

fn parse_file(known: &[Key], file: &Path) -> Result<Dict, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::new(format_args!("cannot read the settings file {}: {error}", file.display()))
    })?;
    let mut layers = Toml::string(&text).data().map_err(|error| {
        let said = without_quotation(&error.kind.to_string());
        let hint = if said.contains("expected `\"`") {
            "; text has to be quoted: name = \"value\""
        } else {
            ""
        };
        ConfigError::new(format_args!("{} is not TOML: {said}{hint}", file.display()))
    })?;
    let values = layers.remove(&Profile::Default).unwrap_or_default();
    let is_table =
        |name: &str| TABLES.contains(&name) && matches!(values.get(name), Some(Value::Dict(..)));
    let is_known = |name: &str| known.iter().any(|key| key.name == name) || is_table(name);
    if let Some(unknown) = values.keys().find(|name| !is_known(name)) {
        let names: Vec<_> = known.iter().map(|key| key.name).collect();
        return Err(ConfigError::new(format_args!(
            "{}: there is no setting {unknown:?}; there are {}",
            file.display(),
            names.join(", ")
        )));
    }
    Ok(values)
}

/// What the parser says, and where. It quotes the line, which may hold a secret: that is left out.
fn without_quotation(said: &str) -> String {
    let quotes = |line: &&str| {
        let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        rest.trim_start().starts_with('|')
    };
    let lines: Vec<_> = said.lines().collect();
    let after = lines.iter().rposition(quotes).map_or(1, |last| last + 1);
    let said = lines.iter().skip(after).map(|line| line.trim()).filter(|line| !line.is_empty());
    let place = lines.first().map_or("", |line| line.trim());
    let place = place.strip_prefix("TOML parse error ").unwrap_or(place);
    std::iter::once(place).chain(said).collect::<Vec<_>>().join(": ")
}

/// Scalars as text; a list of scalars, as secrets may be given, with commas.
fn flatten(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, char) => Some(char.to_string()),
        Value::Bool(_, bool) => Some(bool.to_string()),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_u128().map(|number| number.to_string()))
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        Value::Array(_, items) => {
            let texts: Option<Vec<_>> = items
                .iter()
                .map(|item| match item {
                    Value::String(_, text) => Some(text.clone()),
                    Value::Char(..)
                    | Value::Bool(..)
                    | Value::Num(..)
                    | Value::Empty(..)
                    | Value::Dict(..)
                    | Value::Array(..) => None,
                })
                .collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Empty(..) | Value::Dict(..) => None,
    }
}
