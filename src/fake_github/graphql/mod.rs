//! `POST /graphql`: any query over the part of GitHub's graph that `graph` has, with its cost.
//!
//! Known: `repository`, `node`, `nodes`, `rateLimit`; below a repository `pullRequest`, `pullRequests`, `object`;
//! below a pull request its state, mergeability, review decision, commits with their `statusCheckRollup`, reviews, review
//! threads with comments, labels. Aliases, variables, fragments and `@include`/`@skip` work. A field that the
//! fake does not have is an error as GitHub's for one that does not exist.

mod graph;
mod query;

use serde_json::{Map, Value, json};

use super::state::State;
pub(super) use graph::Scope;
use query::{Field, Selection};

/// What came of a query.
pub(super) struct Outcome {
    /// The whole answer: `data` and perhaps `errors`.
    pub(super) answer: Value,
    /// What it cost.
    pub(super) points: u32,
}

/// Answers a request's body: `query` and `variables`.
pub(super) fn answer(scope: &Scope<'_>, request: &Value) -> Outcome {
    let text = request["query"].as_str().unwrap_or_default();
    let failed =
        |message: String| Outcome { answer: json!({"errors": [{"message": message}]}), points: 1 };
    let document = match query::parse(text, &request["variables"]) {
        Ok(document) => document,
        Err(message) => return failed(message),
    };
    let mut run = Run { errors: Vec::new() };
    let points = cost(&document, 1).div_ceil(100).max(1);
    let mut data = Map::new();
    for field in root_fields(&document) {
        let value = root(scope, field, points, &mut run);
        data.insert(field.alias.clone(), value);
    }
    let mut answer = json!({"data": data});
    if !run.errors.is_empty() {
        if run.errors.iter().any(|error| error["type"] == "undefinedField") {
            answer = json!({});
        }
        answer["errors"] = run.errors.into();
    }
    Outcome { answer, points }
}

/// The pull requests that a query names, by repository and number: asking starts the computation of their
/// mergeability.
pub(super) fn pulls_asked_for(state: &State, request: &Value) -> Vec<(i64, i64)> {
    let text = request["query"].as_str().unwrap_or_default();
    let Ok(document) = query::parse(text, &request["variables"]) else { return Vec::new() };
    let mut asked = Vec::new();
    for field in root_fields(&document) {
        if field.name == "repository" {
            let name = format!("{}/{}", field.text("owner"), field.text("name"));
            let Some((repo, _)) = state.repository(&name) else { continue };
            let wanted = graph::Wanted::of(&field.selections);
            let numbers = repo.pulls.keys().filter(|number| wanted.has(**number));
            asked.extend(numbers.map(|number| (repo.id, *number)));
        }
        let ids = field.arguments.get("ids").and_then(Value::as_array).into_iter().flatten();
        for id in ids.chain(field.arguments.get("id")).filter_map(Value::as_str) {
            if let Some([repo, number]) = super::shapes::read_node_id(id, "PR").as_deref() {
                asked.push((*repo, *number));
            }
        }
    }
    asked
}

fn root_fields(selections: &[Selection]) -> Vec<&Field> {
    let each = selections.iter().flat_map(|selection| match selection {
        Selection::Field(field) => vec![field],
        Selection::On(_, inner) => root_fields(inner),
    });
    each.collect()
}

/// One request for each node that a connection hangs from.
fn cost(selections: &[Selection], parents: u32) -> u32 {
    let each = selections.iter().map(|selection| match selection {
        Selection::On(_, inner) => cost(inner, parents),
        Selection::Field(field) => {
            let first = field.number("first").or_else(|| field.number("last"));
            let below = first.map_or(parents, |first| parents.saturating_mul(first.max(1)));
            let own = if first.is_some() { parents } else { 0 };
            own.saturating_add(cost(&field.selections, below))
        }
    });
    each.fold(0, u32::saturating_add)
}

struct Run {
    errors: Vec<Value>,
}

fn root(scope: &Scope<'_>, field: &Field, points: u32, run: &mut Run) -> Value {
    let path = json!([field.alias]);
    match field.name.as_str() {
        "rateLimit" => {
            let (limit, remaining, reset) = &scope.quota;
            let rate = json!({"__typename": "RateLimit", "cost": points, "limit": limit,
                "remaining": remaining.saturating_sub(points), "resetAt": reset,
                "used": limit - remaining + points, "nodeCount": 1});
            run.project(&rate, &field.selections, &path)
        }
        "repository" => {
            let (owner, name) = (field.text("owner"), field.text("name"));
            let found = scope.state.repository(&format!("{owner}/{name}"));
            match found.filter(|(repo, _)| graph::visible(scope, repo)) {
                Some((repo, _)) => {
                    let wanted = graph::Wanted::of(&field.selections);
                    let value = graph::repository(scope.state, repo, &wanted);
                    run.project(&value, &field.selections, &path)
                }
                None => run.missing(
                    &path,
                    format!("Could not resolve to a Repository with the name '{owner}/{name}'."),
                ),
            }
        }
        "node" => {
            let id = field.text("id");
            run.node(scope, &id, field, &path)
        }
        "nodes" => {
            let ids = field.arguments.get("ids").and_then(Value::as_array).cloned();
            let each = ids.unwrap_or_default().into_iter().enumerate().map(|(index, id)| {
                let path = json!([field.alias, index]);
                run.node(scope, id.as_str().unwrap_or_default(), field, &path)
            });
            each.collect()
        }
        name => run.undefined(name, "Query", &path),
    }
}

impl Run {
    fn node(&mut self, scope: &Scope<'_>, id: &str, field: &Field, path: &Value) -> Value {
        match graph::node(scope, id) {
            Some(value) => self.project(&value, &field.selections, path),
            None => self
                .missing(path, format!("Could not resolve to a node with the global id of '{id}'")),
        }
    }

    fn missing(&mut self, path: &Value, message: String) -> Value {
        self.errors.push(json!({"type": "NOT_FOUND", "path": path, "message": message,
            "locations": [{"line": 1, "column": 1}]}));
        Value::Null
    }

    fn undefined(&mut self, name: &str, of: &str, path: &Value) -> Value {
        self.errors.push(json!({"type": "undefinedField", "path": path,
            "message": format!("Field '{name}' doesn't exist on type '{of}'"),
            "locations": [{"line": 1, "column": 1}]}));
        Value::Null
    }

    /// What the selections take of a value.
    fn project(&mut self, value: &Value, selections: &[Selection], path: &Value) -> Value {
        if let Some(items) = value.as_array() {
            return items.iter().map(|item| self.project(item, selections, path)).collect();
        }
        match value.as_object() {
            Some(object) if !selections.is_empty() => {
                let mut taken = Map::new();
                self.take(object, selections, path, &mut taken);
                taken.into()
            }
            Some(_) | None => value.clone(),
        }
    }

    fn take(
        &mut self,
        object: &Map<String, Value>,
        selections: &[Selection],
        path: &Value,
        taken: &mut Map<String, Value>,
    ) {
        let kind = object.get("__typename").and_then(Value::as_str).unwrap_or("Object");
        for selection in selections {
            match selection {
                Selection::On(of, inner) => {
                    let same = of.as_deref().is_none_or(|of| of == kind || of == "Node");
                    if same || of.as_deref().is_some_and(|of| graph::is_a(kind, of)) {
                        self.take(object, inner, path, taken);
                    }
                }
                Selection::Field(field) => {
                    let found = graph::argued(object, field)
                        .map(Ok)
                        .unwrap_or_else(|| object.get(&field.name).cloned().ok_or(()));
                    let value = match found {
                        Ok(found) => {
                            let found = connection(found, field);
                            self.project(&found, &field.selections, path)
                        }
                        Err(()) => self.undefined(&field.name, kind, path),
                    };
                    merge(taken, &field.alias, value);
                }
            }
        }
    }
}

/// Two selections of one field are one.
fn merge(taken: &mut Map<String, Value>, alias: &str, value: Value) {
    match (taken.get_mut(alias), value) {
        (Some(Value::Object(before)), Value::Object(more)) => before.extend(more),
        (_, value) => drop(taken.insert(alias.to_owned(), value)),
    }
}

/// A list that the graph marks as a connection, cut to what was asked for.
fn connection(value: Value, field: &Field) -> Value {
    let Some(all) = value.get(graph::CONNECTION).and_then(Value::as_array) else { return value };
    let total = all.len();
    let after = field.text("after").parse::<usize>().map_or(0, |at| at.min(total));
    let before = field.text("before").parse::<usize>().map_or(total, |at| at.min(total));
    let (mut from, mut to) = (after, before.max(after));
    if let Some(first) = field.number("first") {
        to = to.min(from + first as usize);
    }
    if let Some(last) = field.number("last") {
        from = from.max(to.saturating_sub(last as usize));
    }
    let nodes = &all[from..to];
    let edge = |(index, node): (usize, &Value)| json!({"__typename": "Edge", "node": node, "cursor": (from + index + 1).to_string()});
    json!({
        "__typename": "Connection", "nodes": nodes, "totalCount": total,
        "edges": nodes.iter().enumerate().map(edge).collect::<Vec<_>>(),
        "pageInfo": {"__typename": "PageInfo", "hasNextPage": to < total,
            "hasPreviousPage": from > 0, "endCursor": (to > from).then(|| to.to_string()),
            "startCursor": (to > from).then(|| (from + 1).to_string())},
    })
}
