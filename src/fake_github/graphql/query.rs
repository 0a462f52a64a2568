//! Just enough of GraphQL's language to read a query: fields, aliases, arguments, variables, fragments, and the
//! directives `include` and `skip`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What is selected of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    Field(Field),
    /// A fragment, with the type that it wants.
    On(Option<String>, Vec<Selection>),
}

/// A field that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Its name in the answer.
    pub(super) alias: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) selections: Vec<Selection>,
}

impl Field {
    pub(super) fn number(&self, argument: &str) -> Option<u32> {
        self.arguments.get(argument)?.as_u64()?.try_into().ok()
    }

    pub(super) fn text(&self, argument: &str) -> String {
        let found = self.arguments.get(argument).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    }
}

/// The selections of a document's query.
///
/// # Errors
///
/// What is wrong with it, in GitHub's manner.
pub(super) fn parse(text: &str, variables: &Value) -> Result<Vec<Selection>, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, variables: variables.clone() };
    let (mut query, mut fragments) = (None, BTreeMap::new());
    while let Some(token) = parser.peek() {
        match token {
            "{" => query = Some(parser.selections()?),
            "query" => {
                parser.at += 1;
                if parser.peek().is_some_and(|it| it != "(" && it != "{" && it != "@") {
                    parser.at += 1;
                }
                if parser.takes("(") {
                    parser.definitions()?;
                }
                query = Some(parser.selections()?);
            }
            "fragment" => {
                parser.at += 1;
                let name = parser.next()?;
                parser.expect("on")?;
                let of = parser.next()?;
                fragments.insert(name, (of, parser.selections()?));
            }
            other => return Err(format!("Parse error on \"{other}\"")),
        }
    }
    let query = query.ok_or("A query attribute must be specified and must be a string.")?;
    spread(query, &fragments, 0)
}

/// Puts fragments in the place of their names.
fn spread(
    selections: Vec<Selection>,
    fragments: &BTreeMap<String, (String, Vec<Selection>)>,
    depth: usize,
) -> Result<Vec<Selection>, String> {
    if depth > 30 {
        return Err("Fragments contain themselves".to_owned());
    }
    let each = selections.into_iter().map(|selection| match selection {
        Selection::Field(mut field) if field.name.starts_with("...") => {
            let name = field.name.split_off(3);
            let (of, inner) =
                fragments.get(&name).ok_or(format!("Fragment {name} was used, but not defined"))?;
            Ok(Selection::On(Some(of.clone()), spread(inner.clone(), fragments, depth + 1)?))
        }
        Selection::Field(mut field) => {
            field.selections = spread(field.selections, fragments, depth + 1)?;
            Ok(Selection::Field(field))
        }
        Selection::On(of, inner) => Ok(Selection::On(of, spread(inner, fragments, depth + 1)?)),
    });
    each.collect()
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    variables: Value,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| "Unexpected end of document".to_owned())
    }

    fn takes(&mut self, token: &str) -> bool {
        let same = self.peek() == Some(token);
        self.at += usize::from(same);
        same
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.next()? {
            found if found == token => Ok(()),
            found => Err(format!("Parse error on \"{found}\", expected \"{token}\"")),
        }
    }

    /// `$name: Type = default, …)`: of these only the defaults matter.
    fn definitions(&mut self) -> Result<(), String> {
        let mut name = String::new();
        while !self.takes(")") {
            let token = self.next()?;
            if let Some(variable) = token.strip_prefix('$') {
                variable.clone_into(&mut name);
            } else if token == "=" {
                let default = self.value()?;
                if self.variables.get(&name).is_none() {
                    if self.variables.is_null() {
                        self.variables = Value::Object(Map::new());
                    }
                    self.variables[name.as_str()] = default;
                }
            }
        }
        Ok(())
    }

    fn selections(&mut self) -> Result<Vec<Selection>, String> {
        self.expect("{")?;
        let mut found = Vec::new();
        while !self.takes("}") {
            if self.takes("...") {
                if self.takes("on") {
                    let of = self.next()?;
                    let kept = self.directives()?;
                    let inner = self.selections()?;
                    found.extend(kept.then_some(Selection::On(Some(of), inner)));
                } else if matches!(self.peek(), Some("{" | "@")) {
                    let kept = self.directives()?;
                    let inner = self.selections()?;
                    found.extend(kept.then_some(Selection::On(None, inner)));
                } else {
                    let name = format!("...{}", self.next()?);
                    let kept = self.directives()?;
                    let field = Field {
                        alias: name.clone(),
                        name,
                        arguments: Map::new(),
                        selections: Vec::new(),
                    };
                    found.extend(kept.then_some(Selection::Field(field)));
                }
                continue;
            }
            let first = self.next()?;
            let (alias, name) =
                if self.takes(":") { (first, self.next()?) } else { (first.clone(), first) };
            let arguments = if self.takes("(") { self.arguments()? } else { Map::new() };
            let kept = self.directives()?;
            let selections = if self.peek() == Some("{") { self.selections()? } else { Vec::new() };
            let field = Field { alias, name, arguments, selections };
            found.extend(kept.then_some(Selection::Field(field)));
        }
        Ok(found)
    }

    /// Whether the directives let the selection stay.
    fn directives(&mut self) -> Result<bool, String> {
        let mut kept = true;
        while self.takes("@") {
            let name = self.next()?;
            let arguments = if self.takes("(") { self.arguments()? } else { Map::new() };
            let condition = arguments.get("if").and_then(Value::as_bool);
            match name.as_str() {
                "include" => kept &= condition.unwrap_or(true),
                "skip" => kept &= !condition.unwrap_or(false),
                _ => return Err(format!("Directive @{name} is not defined")),
            }
        }
        Ok(kept)
    }

    /// `name: value, …)`.
    fn arguments(&mut self) -> Result<Map<String, Value>, String> {
        let mut found = Map::new();
        while !self.takes(")") {
            let name = self.next()?;
            self.expect(":")?;
            let value = self.value()?;
            found.insert(name, value);
        }
        Ok(found)
    }

    fn value(&mut self) -> Result<Value, String> {
        let token = self.next()?;
        Ok(match token.as_str() {
            "[" => {
                let mut items = Vec::new();
                while !self.takes("]") {
                    items.push(self.value()?);
                }
                items.into()
            }
            "{" => {
                let mut fields = Map::new();
                while !self.takes("}") {
                    let name = self.next()?;
                    self.expect(":")?;
                    let value = self.value()?;
                    fields.insert(name, value);
                }
                fields.into()
            }
            word => match word.strip_prefix('$') {
                Some(name) => self.variables.get(name).cloned().unwrap_or(Value::Null),
                // An enumeration's value is a bare word.
                None => serde_json::from_str(word).unwrap_or_else(|_| word.into()),
            },
        })
    }
}

/// Words, texts in their quotes, and marks; commas, comments and white space mean nothing.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let (bytes, mut at, mut found) = (text.as_bytes(), 0, Vec::new());
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    while let Some(&byte) = bytes.get(at) {
        let from = at;
        at += 1;
        match byte {
            b',' | b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'#' => {
                at += bytes[at..].iter().take_while(|&&byte| byte != b'\n').count();
                continue;
            }
            b'"' => {
                while bytes.get(at).is_some_and(|&byte| byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'.' if bytes[from..].starts_with(b"...") => at = from + 3,
            b'$' => at += bytes[at..].iter().take_while(|&&byte| is_word(byte)).count(),
            byte if is_word(byte) => {
                at += bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
            }
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b':' | b'=' | b'!' | b'@' => {}
            _ => return Err(format!("Parse error at {from}")),
        }
        let token = text.get(from..at).ok_or("Parse error: a text without an end")?;
        found.push(token.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_is_read_with_its_aliases_variables_and_fragments() {
        let text = r#"
            query Pulls($owner: String!, $first: Int = 2) {  # a comment
                a: repository(owner: $owner, name: "x \"y\"") {
                    ...Names
                    pullRequests(first: $first, states: [OPEN], orderBy: {field: UPDATED_AT}) { totalCount }
                    ... on Node @skip(if: true) { id }
                }
            }
            fragment Names on Repository { name }"#;
        let parsed = parse(text, &json!({"owner": "acme"})).unwrap();
        let [Selection::Field(field)] = &parsed[..] else { panic!("{parsed:?}") };
        assert_eq!((&*field.alias, &*field.name), ("a", "repository"));
        assert_eq!((field.text("owner"), field.text("name")), ("acme".into(), "x \"y\"".into()));
        let [Selection::On(of, _), Selection::Field(pulls)] = &field.selections[..] else {
            panic!("{:?}", field.selections)
        };
        assert_eq!(of.as_deref(), Some("Repository"));
        assert_eq!(pulls.number("first"), Some(2));
        assert_eq!(pulls.arguments["states"], json!(["OPEN"]));
        assert!(parse("{ a(", &Value::Null).is_err());
    }
}
