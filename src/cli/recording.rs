//! Recorded webhooks in the forms that people have, read into deliveries.
//!
//! A file holds one JSON value or several, or a list of them; above a value may stand its headers, as
//! copied from *Recent Deliveries* at GitHub. Each value is a bare body, with its headers in a file
//! `X.headers` beside `X.json`, or a body within what a tool wrote around it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;

use super::event_name;

/// A webhook ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct RecordedDelivery {
    /// The file it came from, with its place there where it holds several.
    pub(super) name: String,
    pub(super) event: String,
    /// The payload's `action`, where it has one.
    pub(super) action: String,
    pub(super) guid: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Where a text came from, and what is known about all in it.
pub(super) struct Origin<'a> {
    pub(super) path: &'a Path,
    /// The text of the `.headers` file beside it.
    pub(super) headers: Option<&'a str>,
    /// The event of what does not say its own.
    pub(super) event: Option<&'a str>,
}

/// A body and what was recorded with it.
#[derive(Debug, Default)]
struct Found {
    headers: HeaderMap,
    event: Option<String>,
    guid: Option<String>,
    body: String,
}

/// The deliveries of a file.
///
/// # Errors
/// It is in no form that is known, or the event of a body cannot be told; the message says where.
pub(super) fn read(origin: &Origin<'_>, bytes: Vec<u8>) -> anyhow::Result<Vec<RecordedDelivery>> {
    let name = origin.path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("{name} is not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}');
    let beside = origin.headers.map(parse_headers).transpose();
    let beside = beside.with_context(|| format!("the headers of {name}"))?;
    if let Some(headers) = &beside
        && is_form(headers)
    {
        let found = Found { headers: headers.clone(), body: text.to_owned(), ..Found::default() };
        return Ok(vec![recorded(origin, name, found)?]);
    }
    let found = values(text).with_context(|| name.clone())?;
    ensure!(!found.is_empty(), "{name} holds no delivery");
    let many = found.len() > 1;
    let number = |(index, mut found): (usize, Found)| {
        let name = if many { format!("{name}[{index}]") } else { name.clone() };
        if let Some(headers) = &beside {
            ensure!(!many, "{name}: one file of headers beside several bodies");
            found.headers = headers.clone();
        }
        recorded(origin, name, found)
    };
    found.into_iter().enumerate().map(number).collect()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// All values of a text, with the headers that stand above them.
fn values(text: &str) -> anyhow::Result<Vec<Found>> {
    let (above, rest) = heading(text)?;
    // `rest` is an end of the text.
    let lines_above = text[..text.len() - rest.len()].matches('\n').count();
    let mut found = Vec::new();
    if is_event_stream(rest) {
        for (number, data) in events(rest) {
            let read = stream_of_json(&data, 0, &mut found);
            read.with_context(|| format!("event {number}"))?;
        }
    } else {
        stream_of_json(rest, lines_above, &mut found)?;
    }
    if let Some(headers) = above {
        ensure!(found.len() == 1, "headers stand above {} bodies; they belong to one", found.len());
        found[0].headers = headers;
    }
    Ok(found)
}

/// The values of a text that stands below so many lines of its file.
fn stream_of_json(text: &str, lines_above: usize, found: &mut Vec<Found>) -> anyhow::Result<()> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    for (index, value) in values.enumerate() {
        let value =
            value.map_err(|error| anyhow!("not JSON: {}", with_place(&error, lines_above)))?;
        let number = |error: anyhow::Error| match index {
            0 => error,
            _ => error.context(format!("value {}", index + 1)),
        };
        unwrap(value, found).map_err(number)?;
    }
    Ok(())
}

/// What the parser says, with the line in the whole file.
fn with_place(error: &serde_json::Error, lines_above: usize) -> String {
    let said = error.to_string();
    let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
    format!("{what} at line {} column {}", error.line() + lines_above, error.column())
}

/// The lines `Name: value` above the first value, and the rest.
fn heading(text: &str) -> anyhow::Result<(Option<HeaderMap>, &str)> {
    let start = text.trim_start();
    if start.is_empty() || start.starts_with(['{', '[']) || is_event_stream(start) {
        return Ok((None, start));
    }
    let mut at = 0;
    let is_body = |line: &str| line.trim_start().starts_with(['{', '[']);
    for line in text.split_inclusive('\n').take_while(|line| !is_body(line)) {
        at += line.len();
    }
    if at == text.len() {
        bail!("not JSON: it begins with {:?}", cut(start));
    }
    let lines = text[..at].lines().filter(|line| !matches!(line.trim(), "Headers" | "Payload"));
    let headers = parse_headers(&lines.collect::<Vec<_>>().join("\n"));
    let headers = headers.with_context(|| format!("not JSON, and no headers: {:?}", cut(start)))?;
    Ok((Some(headers), &text[at..]))
}

fn cut(text: &str) -> String {
    text.chars().take_while(|c| *c != '\n').take(40).collect()
}

/// What a listener of smee.io's channel writes down.
fn is_event_stream(text: &str) -> bool {
    ["data:", "event:", "id:", ":", "retry:"].iter().any(|field| text.starts_with(field))
}

/// The events that have data, with their numbers in the stream.
fn events(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(str::trim).collect::<Vec<_>>().join("\n")
    };
    let data = text.split("\n\n").map(data).filter(|data| !data.is_empty());
    // Its first event says only that it is ready.
    (1..).zip(data).filter(|(_, data)| data != "{}").collect()
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The bodies of a value: of a list each, else the one that a tool wrapped, else itself.
fn unwrap(value: &RawValue, found: &mut Vec<Found>) -> anyhow::Result<()> {
    let raw = value.get();
    if raw.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(raw)?;
        return items.into_iter().try_for_each(|item| unwrap(item, found));
    }
    ensure!(raw.starts_with('{'), "not a payload but {:?}", cut(raw));
    let fields: Fields<'_> = serde_json::from_str(raw)?;
    let text = |fields: &Fields<'_>, key: &str| -> Option<String> {
        fields.get(key).and_then(|value| serde_json::from_str(value.get()).ok())
    };
    let inner = |key: &str| -> Option<Fields<'_>> {
        fields.get(key).and_then(|value| serde_json::from_str(value.get()).ok())
    };
    // octokit's examples: an event with a list of payloads.
    if let (Some(event), Some(examples)) = (text(&fields, "name"), fields.get("examples")) {
        let examples: Vec<&RawValue> = serde_json::from_str(examples.get())?;
        found.extend(examples.into_iter().map(|body| Found {
            event: Some(event.clone()),
            body: body.get().to_owned(),
            ..Found::default()
        }));
        return Ok(());
    }
    // The deliveries API: https://docs.github.com/en/rest/apps/webhooks
    if fields.contains_key("guid") && fields.contains_key("delivered_at") {
        let guid = text(&fields, "guid").unwrap_or_default();
        let request = inner("request").filter(|request| request.contains_key("payload"));
        let Some(request) = request else {
            bail!(
                "delivery {guid} comes without its payload, as lists of deliveries do: fetch it by \
                 its id, as /app/hook/deliveries/ID"
            );
        };
        let headers = request.get("headers").and_then(|it| serde_json::from_str(it.get()).ok());
        found.push(Found {
            headers: recorded_headers(&headers.unwrap_or_default()),
            event: text(&fields, "event"),
            guid: Some(guid),
            body: body(request["payload"]),
        });
        return Ok(());
    }
    // smee: headers in small letters beside the body.
    if let (Some(event), Some(&payload)) = (text(&fields, "x-github-event"), fields.get("body")) {
        let payload = match serde_json::from_str::<Fields<'_>>(payload.get()) {
            // What was sent as a form.
            Ok(form) if form.len() == 1 && form.contains_key("payload") => body(form["payload"]),
            _ => body(payload),
        };
        let headers = recorded_headers(&fields);
        found.push(Found { headers, event: Some(event), guid: None, body: payload });
        return Ok(());
    }
    // Probot's fixtures, and what its `receive` takes.
    let event = text(&fields, "name").or_else(|| text(&fields, "event"));
    let known = ["id", "name", "event", "payload", "headers", "action", "signature"];
    if let (Some(event), Some(&payload)) = (event, fields.get("payload"))
        && fields.keys().all(|key| known.contains(&key.as_str()))
    {
        let event = event.split('.').next().map(str::to_owned);
        let headers = fields.get("headers").and_then(|it| serde_json::from_str(it.get()).ok());
        found.push(Found {
            headers: recorded_headers(&headers.unwrap_or_default()),
            event,
            guid: text(&fields, "id"),
            body: body(payload),
        });
        return Ok(());
    }
    found.push(Found { body: raw.to_owned(), ..Found::default() });
    Ok(())
}

/// A payload, byte for byte; some keep it as text.
fn body(payload: &RawValue) -> String {
    serde_json::from_str::<String>(payload.get()).unwrap_or_else(|_| payload.get().to_owned())
}

/// What tells something of the delivery. Its encoding was its own: the body is JSON now.
fn recorded_headers(fields: &Fields<'_>) -> HeaderMap {
    let header = |(name, value): (&String, &&RawValue)| {
        let name: HeaderName = name.parse().ok()?;
        let kept =
            name.as_str().starts_with("x-github-") || name == "user-agent" || name == "accept";
        let value: String = serde_json::from_str(value.get()).ok()?;
        Some((kept.then_some(name)?, value.parse::<HeaderValue>().ok()?))
    };
    fields.iter().filter_map(header).collect()
}

fn recorded(origin: &Origin<'_>, name: String, found: Found) -> anyhow::Result<RecordedDelivery> {
    let Found { mut headers, event, guid, body } = found;
    let text = if is_form(&headers) {
        let payload = form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == "payload");
        payload.with_context(|| format!("{name}: the form has no field `payload`"))?.1.into_owned()
    } else {
        body.clone()
    };
    let payload: Value = serde_json::from_str(&text)
        .map_err(|error| anyhow!("{name}: the payload is not JSON: {error}"))?;
    ensure!(payload.is_object(), "{name}: the payload is no object");
    let header = |headers: &HeaderMap, name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let event = header(&headers, "x-github-event")
        .or(event)
        .or_else(|| origin.event.map(str::to_owned))
        .or_else(|| event_name::by_payload(&payload).map(str::to_owned))
        .or_else(|| event_name::by_file(origin.path).map(str::to_owned));
    let Some(event) = event else {
        bail!(
            "{name}: nothing tells its event: name it with --event, or write {} with the lines \
             `X-GitHub-Event: …` and `X-GitHub-Delivery: …`",
            origin.path.with_extension("headers").display()
        );
    };
    let guid = header(&headers, "x-github-delivery").or(guid).unwrap_or_else(random_guid);
    for (name, value) in [("x-github-event", &event), ("x-github-delivery", &guid)] {
        let value = value.parse().with_context(|| format!("{name} {value:?}"))?;
        headers.insert(name, value);
    }
    headers.entry("content-type").or_insert(HeaderValue::from_static("application/json"));
    let action = payload["action"].as_str().unwrap_or_default().to_owned();
    Ok(RecordedDelivery { name, event, action, guid, headers, body: body.into() })
}

/// Lines `Name: value`, as in a file or as copied from *Recent Deliveries*.
fn parse_headers(text: &str) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // GitHub's page begins with these, and a dump of a request with the last.
        let page = ["Request URL:", "Request method:", "POST "];
        if page.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        let (name, value) =
            line.split_once(':').with_context(|| format!("{line:?} is no `Name: value`"))?;
        let name: HeaderName =
            name.trim().parse().with_context(|| format!("{name:?} is no header's name"))?;
        let value: HeaderValue =
            value.trim().parse().with_context(|| format!("{name}: not a header's value"))?;
        headers.insert(name, value);
    }
    // These belong to the connection and the secret of the day they were recorded.
    for name in ["host", "content-length", "connection", "transfer-encoding", "expect"] {
        headers.remove(name);
    }
    headers.remove("accept-encoding");
    headers.remove("x-hub-signature");
    headers.remove("x-hub-signature-256");
    Ok(headers)
}

fn random_guid() -> String {
    let hex = hex::encode(rand::random::<[u8; 16]>());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"action":"opened","number":7,"pull_request":{"x":1.50}}"#;

    fn forms(text: &str) -> anyhow::Result<Vec<(String, String, String)>> {
        let origin = Origin { path: Path::new("some.json"), headers: None, event: None };
        let read = read(&origin, text.as_bytes().to_vec())?;
        let body = |it: &RecordedDelivery| String::from_utf8(it.body.to_vec()).unwrap();
        Ok(read.iter().map(|it| (it.event.clone(), it.guid.clone(), body(it))).collect())
    }

    #[test]
    fn what_people_have_is_read_and_the_payload_stays_byte_for_byte() {
        let quoted = serde_json::to_string(BODY).unwrap();
        for (form, guid) in [
            (
                format!(
                    "{{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"t\",\"event\":\"pull_request\",\"request\":{{\"headers\":{{\"X-GitHub-Event\":\"pull_request\"}},\"payload\":{BODY}}},\"response\":{{}}}}"
                ),
                "g",
            ),
            (
                format!(
                    "{{\"host\":\"smee.io\",\"x-github-event\":\"pull_request\",\"x-github-delivery\":\"g\",\"content-length\":\"9\",\"body\":{BODY},\"query\":{{}},\"timestamp\":1}}"
                ),
                "g",
            ),
            (
                format!(
                    "{{\"x-github-event\":\"pull_request\",\"x-github-delivery\":\"g\",\"body\":{{\"payload\":{quoted}}}}}"
                ),
                "g",
            ),
            (
                format!(
                    "event: ready\ndata: {{}}\n\nid: 1\ndata: {{\"x-github-event\":\"pull_request\",\"x-github-delivery\":\"g\",\"body\":{BODY}}}\n\n"
                ),
                "g",
            ),
            (format!("{{\"name\":\"pull_request\",\"payload\":{BODY}}}"), ""),
            (format!("{{\"id\":\"g\",\"name\":\"pull_request.opened\",\"payload\":{BODY}}}"), "g"),
            (
                format!(
                    "[{{\"name\":\"pull_request\",\"actions\":[\"opened\"],\"examples\":[{BODY}]}}]"
                ),
                "",
            ),
            (
                format!(
                    "Request URL: https://h/webhooks/github\nRequest method: POST\nAccept: */*\nX-GitHub-Delivery: g\nX-GitHub-Event: pull_request\n\n{BODY}"
                ),
                "g",
            ),
            (BODY.to_owned(), ""),
            (format!("\u{feff}{BODY}\r\n"), ""),
        ] {
            let read = forms(&form).unwrap_or_else(|error| panic!("{form}: {error:#}"));
            let [(event, read_guid, body)] = &read[..] else { panic!("{form}: {read:?}") };
            assert_eq!((&**event, &**body), ("pull_request", BODY), "{form}");
            assert!(guid.is_empty() || read_guid == guid, "{form}: {read_guid}");
        }
        let ping = r#"{"zen":"z","hook_id":1}"#;
        let lines = forms(&format!("{BODY}\n{{\"name\":\"ping\",\"payload\":{ping}}}\n")).unwrap();
        let events: Vec<_> = lines.iter().map(|(event, ..)| event.as_str()).collect();
        assert_eq!(events, ["pull_request", "ping"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_says_what_is_wrong() {
        for (form, part) in [
            ("", "no delivery"),
            ("[]", "no delivery"),
            ("{\"a\":1", "line 1 column 6"),
            ("X-GitHub-Event: ping\n\n{\"a\":\n nope}", "at line 4 column"),
            ("{\"zen\":\"z\",\"hook_id\":1}\n\"two\"", "value 2: not a payload"),
            ("data: {\"x-github-event\":\"ping\",\"body\":{}}\n\ndata: {\"a\"\n", "event 2"),
            ("event: ready\ndata: {}\n\n: ping\n\ndata: {\"a\"\n", "event 2: not JSON"),
            ("hello", "not JSON"),
            ("[1]", "not a payload"),
            ("{\"a\":1}", "--event"),
            ("{\"name\":\"ping\",\"payload\":\"x\"}", "not JSON"),
            (
                "{\"id\":1,\"guid\":\"g\",\"delivered_at\":\"t\",\"event\":\"push\"}",
                "without its payload",
            ),
            ("a/b\n{}", "no headers"),
        ] {
            let error = format!("{:#}", forms(form).unwrap_err());
            assert!(error.contains(part) && error.contains("some.json"), "{form}: {error}");
        }
    }

    #[test]
    fn recorded_signatures_and_lengths_are_not_sent_again() {
        let headers = parse_headers("X-GitHub-Event: a\r\nX-Hub-Signature: x\nContent-Length: 3\n");
        assert_eq!(headers.unwrap().len(), 1);
        assert!(parse_headers("nonsense").is_err());
    }
}
