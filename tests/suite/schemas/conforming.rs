//! Whether a value conforms to a schema, told apart from how values are made.

use serde_json::Value;

use super::fixture::{Additional, Node, Schemas, Type};

/// Says where a value does not conform.
pub fn conforms(schemas: &Schemas, schema: usize, value: &Value) -> Result<(), String> {
    let node = &schemas.nodes[schema];
    if !node.branches.is_empty() {
        let fits = |branch: &usize| conforms(schemas, *branch, value).is_ok();
        return demand(node.branches.iter().any(fits), || format!("no branch takes {value}"));
    }
    let typed = node.types.is_empty() || node.types.iter().any(|kind| is(*kind, value));
    demand(typed, || format!("{value} is of another type"))?;
    let listed = node.values.as_ref().is_none_or(|values| values.contains(value));
    demand(listed, || format!("{value} is no value of {:?}", node.values))?;
    match value {
        Value::Array(items) => {
            let most = node.max_items.unwrap_or(usize::MAX);
            demand((node.min_items..=most).contains(&items.len()), || "items".to_owned())?;
            let of = node.items.iter();
            of.flat_map(|of| items.iter().map(|item| conforms(schemas, *of, item))).collect()
        }
        Value::Object(fields) => {
            let there = |name: &String| fields.contains_key(name);
            demand(node.required.iter().all(there), || format!("of {:?}", node.required))?;
            for (name, field) in fields {
                part(schemas, node, name, field).map_err(|why| format!("{name}: {why}"))?;
            }
            Ok(())
        }
        Value::Number(number) => {
            let number = number.as_i64().ok_or("no whole number")?;
            let (least, most) = (node.minimum, node.maximum);
            let within = least.is_none_or(|it| it <= number) && most.is_none_or(|it| number <= it);
            demand(within, || format!("{number} is out of bounds"))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

fn part(schemas: &Schemas, node: &Node, name: &str, field: &Value) -> Result<(), String> {
    match (node.properties.get(name), &node.additional) {
        (Some(schema), _) | (None, Some(Additional::Of(schema))) => {
            conforms(schemas, *schema, field)
        }
        (None, Some(Additional::Allowed(false))) => Err("it has no place".to_owned()),
        (None, Some(Additional::Allowed(true)) | None) => Ok(()),
    }
}

fn is(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Null => value.is_null(),
        Type::Boolean => value.is_boolean(),
        Type::Integer => value.is_i64(),
        Type::Number => value.is_number(),
        Type::String => value.is_string(),
        Type::Array => value.is_array(),
        Type::Object => value.is_object(),
    }
}

fn demand(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
