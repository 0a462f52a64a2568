//! Parameters of the query, read strictly: what is unknown, doubled or out of range is refused with
//! its name, since a filter that is silently ignored shows too much.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, RawQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::errors::ApiError;
use crate::domain::UnknownSpelling;
use crate::store::reads::{Page, PullName};

/// Parameters that every list takes.
pub(super) const PAGING: [&str; 2] = ["limit", "cursor"];

const DEFAULT_LIMIT: i64 = 100;
const MAX_LIMIT: i64 = 1_000;
const MAX_WAIT_SECONDS: i64 = 60;

/// The parameters of one request, all of them known.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query; refuses what is not among `known`.
    pub(super) fn read(query: &RawQuery, known: &[&str]) -> Result<Self, ApiError> {
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
    pub(super) fn read_list(query: &RawQuery, filters: &[&str]) -> Result<Self, ApiError> {
        Self::read(query, &[filters, &PAGING].concat())
    }

    /// A parameter that may be given once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
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
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.one(name)?.map(str::to_owned))
    }

    /// A parameter that may be repeated, or hold several values separated by commas.
    pub(super) fn many(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let given = self.0.iter().filter(|(key, _)| key == name);
        let values: Vec<String> =
            given.flat_map(|(_, value)| value.split(',')).map(str::to_owned).collect();
        if values.iter().any(String::is_empty) {
            return Err(ApiError::parameter(name, "empty; give it a value or leave it out"));
        }
        Ok(values)
    }

    /// A word of an enumeration.
    pub(super) fn word<T>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T: FromStr<Err = UnknownSpelling>,
    {
        self.one(name)?.map(|text| spelled(name, text)).transpose()
    }

    /// Words of an enumeration.
    pub(super) fn words<T>(&self, name: &str) -> Result<Vec<T>, ApiError>
    where
        T: FromStr<Err = UnknownSpelling>,
    {
        self.many(name)?.iter().map(|text| spelled(name, text)).collect()
    }

    /// `1` or `0`, `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.one(name)? {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(ApiError::parameter(name, "give 1 or 0")),
        }
    }

    fn number(&self, name: &str, least: i64, most: i64, otherwise: i64) -> Result<i64, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(otherwise) };
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(ApiError::parameter(
                name,
                format!("give a whole number from {least} to {most}"),
            )),
        }
    }

    /// `limit`: 1 to 1,000, by default 100.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
        Ok(usize::try_from(limit).unwrap_or(1))
    }

    /// `wait`: 0 to 60 seconds, by default 0.
    pub(super) fn wait(&self) -> Result<std::time::Duration, ApiError> {
        let seconds = self.number("wait", 0, MAX_WAIT_SECONDS, 0)?;
        Ok(std::time::Duration::from_secs(seconds.unsigned_abs()))
    }

    /// `limit` and `cursor` of the list named.
    pub(super) fn page(&self, list: &str) -> Result<Page, ApiError> {
        let after = match self.one("cursor")? {
            None => None,
            Some(text) => Some(read_cursor(list, text).ok_or_else(|| {
                ApiError::parameter("cursor", "give `next` of an earlier answer of this list")
            })?),
        };
        Ok(Page { after, limit: self.limit()? })
    }

    /// A pull request by its address, or as `owner/repo/number`.
    pub(super) fn pull(&self, name: &str) -> Result<Option<PullName>, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        if text.contains("://") {
            return Ok(Some(PullName::Url(text.trim_end_matches('/').to_owned())));
        }
        let named = text.rsplit_once('/').and_then(|(repo, number)| {
            let (owner, name) = repo.split_once('/')?;
            let number = number.parse().ok()?;
            let plain = !owner.is_empty() && !name.is_empty() && !name.contains('/');
            plain.then(|| PullName::Number(repo.to_owned(), number))
        });
        let what = "give the pull request's address, or owner/repo/number";
        named.map(Some).ok_or_else(|| ApiError::parameter(name, what))
    }
}

fn spelled<T: FromStr<Err = UnknownSpelling>>(name: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error| ApiError::spelling(name, &error))
}

/// The cursor of a list: opaque to clients, and of no use for another list.
pub(super) fn cursor(list: &str, row: i64) -> String {
    format!("{list}-{row}")
}

fn read_cursor(list: &str, text: &str) -> Option<i64> {
    let row = text.strip_prefix(list)?.strip_prefix('-')?;
    row.bytes().all(|b| b.is_ascii_digit()).then(|| row.parse().ok())?
}

/// The path's variables; what cannot be read names nothing that exists.
pub(super) struct Named<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for Named<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(_) => Err(ApiError::not_found("the path names nothing that exists")),
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
    fn limits_have_limits() {
        assert_eq!(params("").limit().unwrap(), 100);
        assert_eq!(params("limit=1000").limit().unwrap(), 1_000);
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1&limit=2"] {
            assert!(params(query).limit().is_err(), "{query}");
        }
        assert!(params("wait=60").wait().is_ok());
        assert!(params("wait=61").wait().is_err());
    }

    #[test]
    fn cursors_belong_to_their_list() {
        let text = cursor("nudges", 42);
        assert_eq!(params(&format!("cursor={text}")).page("nudges").unwrap().after, Some(42));
        assert!(params(&format!("cursor={text}")).page("pulls").is_err());
        for query in ["cursor=42", "cursor=nudges-", "cursor=nudges--1", "cursor=nudges-1x"] {
            assert!(params(query).page("nudges").is_err(), "{query}");
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

    #[test]
    fn pull_requests_have_two_names() {
        let number = PullName::Number("o/r".into(), 7);
        assert_eq!(params("pull=o/r/7").pull("pull").unwrap(), Some(number));
        let url = PullName::Url("https://github.com/o/r/pull/7".into());
        let query = "pull=https%3A%2F%2Fgithub.com%2Fo%2Fr%2Fpull%2F7";
        assert_eq!(params(query).pull("pull").unwrap(), Some(url));
        for query in ["pull=7", "pull=o/r", "pull=o/r/x", "pull=a/b/c/7", "pull=/r/7"] {
            assert!(params(query).pull("pull").is_err(), "{query}");
        }
    }
}
