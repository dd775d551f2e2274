//! Options and secrets from JSON text, for programs that have their own configuration.

use std::fmt;

use serde_json::error::Category;
use tokenlease::{
    Error, Result,
    core::{Credentials, Secret},
};
use zeroize::Zeroizing;

use crate::{
    config,
    options::{Options, key_of},
    secrets::one_line,
    typed::{self, Language, Problem, Value},
};

const JSON: Language = Language { sign: ": ", quote: "\"" };

/// Reads an object whose members are options, by their names in [`KEYS`](crate::KEYS), and the
/// secrets `password`, `client_secret` and `extra_secret` (an object of names and values). A value is
/// text, a whole number or a boolean, as in a profile; `extra` is also an object or a list. `null`
/// means not set. Secrets are allowed here, unlike in a profile: the text is the caller's.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if the text is not such an object, or for an unknown
/// option or a malformed value. The error quotes no secret.
///
/// ```
/// let text = r#"{"provider": "wyn", "client-id": "erp", "timeout": "5s", "password": "PASSWORD"}"#;
/// let (options, credentials) = tokenlease_config::json::read(text)?;
/// assert_eq!(options.client_id.as_deref(), Some("erp"));
/// assert!(credentials.password.is_some());
/// # Ok::<(), tokenlease::Error>(())
/// ```
pub fn read(text: &str) -> Result<(Options, Credentials)> {
    let members = match serde_json::from_str(text) {
        Ok(Parsed(Value::Table(members))) => members,
        Ok(_) => return Err(wrong("is not an object")),
        Err(error) if error.classify() == Category::Eof => return Err(wrong("ends too early")),
        // The parser's message may quote the text, which may contain a secret.
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Err(wrong(&format!("is not JSON at line {line}, column {column}")));
        }
    };
    let mut credentials = Credentials::default();
    let mut secrets = Vec::new();
    let mut options = Vec::new();
    for (name, value) in members {
        match (&*key_of(&name), value) {
            (_, Value::Null) => {}
            (key @ ("password" | "client_secret" | "extra_secret"), value) => {
                if secrets.contains(&key.to_owned()) {
                    let twice = Problem::new(format!("\"{key}\" is set twice"), "one of them");
                    return Err(twice.of("the JSON text"));
                }
                secrets.push(key.to_owned());
                set_secret(&mut credentials, key, &value)
                    .map_err(|problem| problem.of("the JSON text"))?;
            }
            (_, value) => options.push((name, value)),
        }
    }
    let options = typed::read(&options, &JSON).map_err(|problem| problem.of("the JSON text"))?;
    Ok((options, credentials))
}

fn set_secret(credentials: &mut Credentials, key: &str, value: &Value) -> Result<(), Problem> {
    let secret = |name: &str, value: &Value| match value {
        Value::Text(text) => one_line(text)
            .map_err(|why| Problem::new(format!("\"{name}\" {why}"), "the secret on one line")),
        _ => Err(Problem::new(format!("\"{name}\" is not text"), "\"…\"")),
    };
    let mut add = |name: &str, secret: Secret| {
        credentials.extra_secrets.push((name.to_owned(), secret));
    };
    match (key, value) {
        ("password", value) => credentials.password = Some(secret(key, value)?),
        ("client_secret", value) => credentials.client_secret = Some(secret(key, value)?),
        (_, Value::Table(fields)) => {
            for (name, values) in fields {
                match values {
                    Value::List(values) => {
                        for value in values {
                            add(name, secret(name, value)?);
                        }
                    }
                    one => add(name, secret(name, one)?),
                }
            }
        }
        _ => {
            return Err(Problem::new(
                "\"extra_secret\" is not an object",
                "\"extra_secret\": {\"NAME\": \"…\"}",
            ));
        }
    }
    Ok(())
}

fn wrong(what: &str) -> Error {
    config(format!("the JSON text {what}"))
        .expected("an object such as {\"provider\": \"winkas\", \"user\": \"…\"}")
}

/// A value of JSON, whose objects keep members that are set twice.
struct Parsed(Value);

impl<'de> serde::Deserialize<'de> for Parsed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor).map(Self)
    }
}

struct Visitor;

impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text)))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Parsed(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, Parsed(value))) = map.next_entry::<String, _>()? {
            members.push((name, value));
        }
        Ok(Value::Table(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Formats: JSON text sets the options of a profile, under the same names and by the same rules.
    #[test]
    fn json_sets_what_a_profile_sets() {
        let text = r#"{
            "provider": "oauth2", "server": "https://h.example", "client-id": "c", "timeout": "5s",
            "max_concurrent_logins": 3, "new_token_ends_old": true, "scope": null,
            "extra": {"audience": "a", "resource": ["b", "c"]},
            "client_secret": "s", "extra_secret": {"assertion": ["x=y", "z"]}
        }"#;
        let (options, credentials) = read(text).unwrap();
        let mut expected = Options::default();
        for (key, value) in [
            ("provider", "oauth2"),
            ("server", "https://h.example"),
            ("client_id", "c"),
            ("timeout", "5s"),
            ("max_concurrent_logins", "3"),
            ("new_token_ends_old", "true"),
            ("extra", "audience=a"),
            ("extra", "resource=b"),
            ("extra", "resource=c"),
        ] {
            expected.set(key, value).unwrap();
        }
        assert_eq!(options, expected);
        assert_eq!(credentials.client_secret.unwrap().expose(), "s");
        let extra: Vec<_> = credentials.extra_secrets.iter().map(|(_, s)| s.expose()).collect();
        assert_eq!(extra, ["x=y", "z"]);
    }

    /// Rule: Secrets: an error about JSON text quotes no secret of it.
    #[test]
    fn an_error_about_json_says_what_is_wrong_and_quotes_no_secret() {
        for (text, part) in [
            ("", "ends too early"),
            ("{\"password\": \"canary", "ends too early"),
            ("{\"password\": canary}", "is not JSON at line 1"),
            ("[\"canary\"]", "is not an object"),
            ("{} canary", "is not JSON"),
            ("{\"user\": 1.5}", "\"user\" is not text; expected \"user\": \"…\""),
            ("{\"user\": \"a\", \"user\": \"canary\"}", "\"user\" is set twice"),
            ("{\"password\": \"a\", \"password\": \"canary\"}", "\"password\" is set twice"),
            ("{\"password\": [\"canary\"]}", "\"password\" is not text"),
            ("{\"password\": \"canary\\nmore\"}", "more than one line"),
            ("{\"extra_secret\": \"canary\"}", "\"extra_secret\" is not an object"),
            ("{\"sever\": \"canary\"}", "\"sever\" is unknown; expected \"server\""),
            ("{\"timeout\": 5}", "\"timeout\": 5 has no unit"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("; expected "), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
