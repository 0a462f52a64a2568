//! The document of the API is one that generators of clients can use.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::World;

async fn document() -> Value {
    let world = World::new().await;
    let document = reqwest::get(world.url("/openapi.json")).await.expect("an answer");
    document.json().await.expect("JSON")
}

/// All operations as (path, method, operation).
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, item)| -> Vec<_> {
        let item: &Value = item;
        let methods = item.as_object().expect("methods");
        methods.iter().map(|(method, operation)| (path, method, operation)).collect()
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn the_document_names_each_operation_once_and_sorts_them() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let names = |value: &Value| {
        let of = |tag: &Value| tag["name"].as_str().expect("a name").to_owned();
        value.as_array().expect("tags").iter().map(of).collect::<BTreeSet<_>>()
    };
    let tags = names(&document["tags"]);
    let (mut ids, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(plain && !id.is_empty(), "{method} {path}: {id}");
        assert!(ids.insert(id.to_owned()), "{method} {path}: {id} is another operation's too");
        for tag in operation["tags"].as_array().expect("tags") {
            used.insert(tag.as_str().expect("a tag").to_owned());
        }
    }
    assert_eq!(used, tags, "every tag is described and used");
}

/// What an object of the document may have, by its kind.
const OPERATION: &[&str] = &[
    "tags",
    "summary",
    "description",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "deprecated",
    "security",
];
const PARAMETER: &[&str] = &[
    "name",
    "in",
    "description",
    "required",
    "deprecated",
    "schema",
    "style",
    "explode",
    "example",
];
const ANSWER: &[&str] = &["description", "headers", "content", "links"];

#[track_caller]
fn assert_has_only(object: &Value, known: &[&str], context: &str) {
    for key in object.as_object().expect("an object").keys() {
        assert!(known.contains(&&**key), "{context}: {key}");
    }
}

/// Every `$ref` of the document.
fn references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// <https://spec.openapis.org/oas/v3.1.0>: each variable of a path is a required parameter of it, no
/// parameter is given twice, each answer has a description, each reference leads somewhere.
#[tokio::test]
async fn the_document_keeps_the_rules_of_openapi() {
    let document = document().await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a reference into the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (path, method, operation) in operations(&document) {
        let context = format!("{method} {path}");
        assert_has_only(operation, OPERATION, &context);
        let variables: BTreeSet<String> = path
            .split('/')
            .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        let (mut named, mut in_path) = (BTreeSet::new(), BTreeSet::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert_has_only(parameter, PARAMETER, &context);
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            assert!(["path", "query", "header"].contains(&&*place), "{context} {name}: {place}");
            assert!(parameter["schema"].is_object(), "{context} {name} has no schema");
            if place == "path" {
                assert_eq!(parameter["required"], true, "{context} {name}");
                in_path.insert(name.clone());
            }
            assert!(named.insert((place, name.clone())), "{context} {name} is given twice");
        }
        assert_eq!(in_path, variables, "{context}");
        let answers = operation["responses"].as_object().expect("answers");
        let is_answered = answers.contains_key("200") || answers.contains_key("201");
        assert!(is_answered, "{context}: {answers:?}");
        for (status, answer) in answers {
            assert_has_only(answer, ANSWER, &context);
            assert!(!text(&answer["description"]).is_empty(), "{context} {status}");
            let known = status.parse::<u16>().is_ok_and(|status| (200..600).contains(&status));
            assert!(known, "{context} {status}");
        }
        for security in operation["security"].as_array().into_iter().flatten() {
            for scheme in security.as_object().expect("schemes").keys() {
                let known = &document["components"]["securitySchemes"][scheme];
                assert!(known.is_object(), "{context}: {scheme}");
            }
        }
    }
}
