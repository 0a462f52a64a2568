//! Parameters of the query, read strictly: what is unknown, doubled or out of range is refused with
//! its name, since a filter that is silently ignored shows too much.

use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, RawQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::errors::HttpError;
use crate::api::{ApiError, LIMITS, Paging, WAITS};
use crate::domain::UnknownSpelling;

/// Parameters that every list takes.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// The parameters of one request, all of them known.
#[derive(Debug)]
pub(in crate::http) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query; refuses what is not among `known`.
    pub(in crate::http) fn read(query: &RawQuery, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.0.as_deref().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) if known.is_empty() => {
                Err(ApiError::parameter(name, "unknown; this route takes none"))
            }
            Some((name, _)) => {
                let known = known.join(", ");
                Err(ApiError::parameter(name, format!("unknown; this route takes {known}")))
            }
            None => Ok(Self(pairs)),
        }
    }

    /// Reads the query of a list: paging and the filters given.
    pub(in crate::http) fn read_list(query: &RawQuery, filters: &[&str]) -> Result<Self, ApiError> {
        Self::read(query, &[filters, &PAGING].concat())
    }

    /// A parameter that may be given once.
    pub(in crate::http) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) if value.is_empty() => {
                Err(ApiError::parameter(name, "empty; give it a value or leave it out"))
            }
            (Some((_, value)), None) => Ok(Some(value)),
            (Some(_), Some(_)) => Err(ApiError::parameter(name, "given twice; give it once")),
        }
    }

    /// The same, owned.
    pub(in crate::http) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.one(name)?.map(str::to_owned))
    }

    /// A parameter that may be repeated, or hold several values separated by commas.
    pub(in crate::http) fn many(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let given = self.0.iter().filter(|(key, _)| key == name);
        let values: Vec<String> =
            given.flat_map(|(_, value)| value.split(',')).map(str::to_owned).collect();
        if values.iter().any(String::is_empty) {
            return Err(ApiError::parameter(name, "empty; give it a value or leave it out"));
        }
        Ok(values)
    }

    /// A word of an enumeration.
    pub(in crate::http) fn word<T>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T: FromStr<Err = UnknownSpelling>,
    {
        self.one(name)?.map(|text| spelled(name, text)).transpose()
    }

    /// Words of an enumeration.
    pub(in crate::http) fn words<T>(&self, name: &str) -> Result<Vec<T>, ApiError>
    where
        T: FromStr<Err = UnknownSpelling>,
    {
        self.many(name)?.iter().map(|text| spelled(name, text)).collect()
    }

    /// `1` or `0`, `true` or `false`.
    pub(in crate::http) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)? {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(ApiError::parameter(name, "give 1 or 0")),
        }
    }

    /// A whole number of the range; that it is in the range is the API's to say.
    pub(in crate::http) fn number(
        &self,
        name: &str,
        range: &RangeInclusive<i64>,
    ) -> Result<Option<i64>, ApiError> {
        let read = |text: &str| text.parse().map_err(|_| ApiError::range(name, range));
        self.one(name)?.map(read).transpose()
    }

    /// `limit` and `cursor`.
    pub(in crate::http) fn paging(&self) -> Result<Paging, ApiError> {
        Paging::new(self.number("limit", &LIMITS)?, self.text("cursor")?)
    }

    /// The same with `order`.
    pub(in crate::http) fn ordered_paging(&self) -> Result<Paging, ApiError> {
        Ok(self.paging()?.from_end(self.word("order")?))
    }

    /// `wait`.
    pub(in crate::http) fn wait(&self) -> Result<Option<i64>, ApiError> {
        self.number("wait", &WAITS)
    }
}

fn spelled<T: FromStr<Err = UnknownSpelling>>(name: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error| ApiError::spelling(name, &error))
}

/// The path's variables; what cannot be read names nothing that exists.
pub(in crate::http) struct Named<T>(pub(in crate::http) T);

impl<T, S> FromRequestParts<S> for Named<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(_) => Err(ApiError::not_found("the path names nothing that exists").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NudgeState;

    fn params(query: &str) -> Params {
        let known = ["limit", "cursor", "wait", "state", "pull", "history"];
        Params::read(&RawQuery(Some(query.to_owned())), &known).unwrap()
    }

    #[test]
    fn unknown_parameters_are_named() {
        let query = RawQuery(Some("limit=1&sate=open".to_owned()));
        let error = Params::read_list(&query, &["state"]).unwrap_err();
        assert!(format!("{error:?}").contains("`sate`"), "{error:?}");
    }

    #[test]
    fn numbers_are_given_once_and_are_numbers() {
        assert_eq!(params("").number("limit", &LIMITS).unwrap(), None);
        assert_eq!(params("limit=7").number("limit", &LIMITS).unwrap(), Some(7));
        for query in ["limit=x", "limit=", "limit=1&limit=2", "limit=0", "limit=1001"] {
            assert!(params(query).paging().is_err(), "{query}");
        }
    }

    #[test]
    fn words_may_be_repeated_or_joined() {
        let states: Vec<NudgeState> =
            params("state=held,pending&state=failed").words("state").unwrap();
        assert_eq!(states, [NudgeState::Held, NudgeState::Pending, NudgeState::Failed]);
        let error = params("state=opne").word::<NudgeState>("state").unwrap_err();
        assert!(format!("{error:?}").contains("opne"), "{error:?}");
    }
}
