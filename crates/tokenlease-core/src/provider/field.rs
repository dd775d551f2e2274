//! Reads single fields of a JSON object and skips the rest.
//!
//! A response is read directly into the few fields that matter, without a tree. A field of the wrong
//! type is an error only if it is needed. Of a repeated key the last one counts.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use zeroize::Zeroizing;

/// The value of one field.
#[derive(Clone, Default, PartialEq)]
pub(crate) enum Field<'a> {
    /// The object has no such key.
    #[default]
    Missing,
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    /// A string without escapes, borrowed from the body.
    Text(&'a str),
    /// A string with escapes, decoded.
    Owned(Zeroizing<String>),
    Array,
    Object,
}

impl Field<'_> {
    /// Returns the field with a copy of its text.
    pub(crate) fn into_owned(self) -> Field<'static> {
        match self {
            Self::Missing => Field::Missing,
            Self::Null => Field::Null,
            Self::Bool(value) => Field::Bool(value),
            Self::Unsigned(value) => Field::Unsigned(value),
            Self::Negative(value) => Field::Negative(value),
            Self::Float(value) => Field::Float(value),
            Self::Text(text) => Field::Owned(Zeroizing::new(text.to_owned())),
            Self::Owned(text) => Field::Owned(text),
            Self::Array => Field::Array,
            Self::Object => Field::Object,
        }
    }

    /// Returns the text, if the field is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Owned(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the trimmed text, if the field is a string that is not blank.
    pub(crate) fn word(&self) -> Option<&str> {
        self.text().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Returns whether the field exists and is empty: null or a blank string.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::Null) || self.text().is_some_and(|text| text.trim().is_empty())
    }

    /// Returns the type of the value as a text for people, without the value.
    pub(crate) fn found(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Unsigned(_) | Self::Negative(_) | Self::Float(_) => "a number",
            Self::Text(text) if text.trim().is_empty() => "an empty string",
            Self::Owned(text) if text.trim().is_empty() => "an empty string",
            Self::Text(_) | Self::Owned(_) => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// Why a body can't be read: the requested field at which reading failed, if any, and the reason,
/// which quotes nothing.
#[derive(Debug, PartialEq)]
pub(crate) struct Unreadable {
    pub(crate) field: Option<&'static str>,
    pub(crate) why: String,
}

/// Reads the named fields of a JSON object.
///
/// `Outer.Inner` names a field of the object `Outer`. `same` compares a name with a key.
pub(crate) fn read<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
    same: fn(&str, &str) -> bool,
) -> Result<[Field<'a>; N], Unreadable> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut fields = [const { Field::Missing }; N];
    let mut at = None;
    let outcome = Object { names: &names, prefix: "", same, fields: &mut fields, at: &mut at }
        .deserialize(&mut json)
        .and_then(|shape| match shape {
            Field::Object => {
                at = None;
                json.end()
            }
            other => Err(serde_json::Error::custom(format_args!("it is {}", other.found()))),
        });
    match outcome {
        Ok(()) => Ok(fields),
        Err(error) => Err(Unreadable { field: at, why: error.to_string() }),
    }
}

/// Reads one object, below `prefix`, into `fields`, and returns the type of the value.
struct Object<'f, 'a> {
    names: &'f [&'static str],
    prefix: &'static str,
    same: fn(&str, &str) -> bool,
    fields: &'f mut [Field<'a>],
    at: &'f mut Option<&'static str>,
}

impl<'a> Object<'_, 'a> {
    /// Sets all fields below a prefix to one value.
    fn fill(&mut self, prefix: &str, value: &Field<'a>) {
        for (name, field) in self.names.iter().zip(self.fields.iter_mut()) {
            if name.starts_with(prefix) {
                field.clone_from(value);
            }
        }
    }

    /// Returns the target of a key: a field's index or an inner object's prefix.
    fn find(&self, key: &str) -> Target {
        let (start, end) = (self.prefix.len(), self.prefix.len() + key.len());
        for (index, name) in self.names.iter().enumerate() {
            // Lengths are compared first, because they differ for most names.
            let inner = name.as_bytes().get(end) == Some(&b'.');
            if (inner || name.len() == end)
                && name.starts_with(self.prefix)
                && name.get(start..end).is_some_and(|name| (self.same)(name, key))
            {
                return if inner {
                    Target::Inner(name.get(..=end).unwrap_or_default())
                } else {
                    Target::Field(index, name)
                };
            }
        }
        Target::Nothing
    }
}

enum Target {
    Field(usize, &'static str),
    Inner(&'static str),
    Nothing,
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(AnyVisitor { object: Some(self) })
    }
}

/// Reads any value into a [`Field`].
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(AnyVisitor { object: None })
    }
}

/// Finds the target of a key without storing the key.
struct Key<'k, 'f, 'a>(&'k Object<'f, 'a>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = Target;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Target, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = Target;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Target, E> {
        Ok(self.0.find(key))
    }
}

struct AnyVisitor<'f, 'a> {
    object: Option<Object<'f, 'a>>,
}

impl<'de> Visitor<'de> for AnyVisitor<'_, 'de> {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<'de>, E> {
        Ok(Field::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Field<'de>, E> {
        Ok(u64::try_from(value).map_or(Field::Negative(value), Field::Unsigned))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<'de>, E> {
        Ok(Field::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Owned(Zeroizing::new(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field<'de>, A::Error> {
        let Some(mut object) = self.object else {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Field::Object);
        };
        while let Some(target) = entries.next_key_seed(Key(&object))? {
            match target {
                Target::Field(index, name) => {
                    *object.at = Some(name);
                    let value = entries.next_value_seed(Value)?;
                    if let Some(field) = object.fields.get_mut(index) {
                        *field = value;
                    }
                }
                Target::Inner(prefix) => {
                    object.fill(prefix, &Field::Missing);
                    let shape = entries.next_value_seed(Object {
                        names: object.names,
                        prefix,
                        same: object.same,
                        fields: &mut *object.fields,
                        at: &mut *object.at,
                    })?;
                    if shape != Field::Object {
                        // The fields of an object that is null are null.
                        object.fill(
                            prefix,
                            &if shape == Field::Null { shape } else { Field::Missing },
                        );
                    }
                }
                Target::Nothing => {
                    *object.at = None;
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Field::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "o.in"];

    fn read_exact(body: &str) -> Result<[Field<'_>; 3], Unreadable> {
        read(body, NAMES, |name, key| name == key)
    }

    #[test]
    fn fields_are_found_in_any_order_among_others() {
        let fields =
            read_exact(" {\"x\":[{}],\"b\":1.5,\"o\":{\"y\":0,\"in\":\"\\u0041\"},\"a\":-1}");
        let [a, b, inner] = fields.unwrap();
        assert!(a == Field::Negative(-1) && b == Field::Float(1.5));
        assert_eq!(inner.text(), Some("A"));
    }

    #[test]
    fn of_a_repeated_key_the_last_one_counts() {
        let [a, _, inner] = read_exact(r#"{"a":1,"o":{"in":1},"a":"2","o":{"x":1}}"#).unwrap();
        assert_eq!(a.text(), Some("2"));
        assert!(inner == Field::Missing);
    }

    #[test]
    fn a_field_of_an_object_that_is_null_is_null() {
        let [a, _, inner] = read_exact(r#"{"a":{"in":1},"o":null}"#).unwrap();
        assert_eq!((a.found(), inner.found()), ("an object", "null"));
        let [.., inner] = read_exact(r#"{"o":[1]}"#).unwrap();
        assert_eq!(inner.found(), "missing");
    }

    /// Rule: Secrets: an error about a body quotes nothing of the body.
    #[test]
    fn a_body_that_is_not_an_object_is_an_error_that_quotes_nothing() {
        for (body, why) in [
            ("\"canary\"", "it is a string"),
            ("[\"canary\"]", "it is an array"),
            ("null", "it is null"),
            ("", "EOF while parsing a value at line 1 column 0"),
            ("<html>canary", "expected value at line 1 column 1"),
            ("{} canary", "trailing characters at line 1 column 4"),
        ] {
            let error = read_exact(body).err().unwrap();
            assert_eq!(error, Unreadable { field: None, why: why.into() });
        }
    }

    #[test]
    fn an_error_inside_a_field_names_the_field() {
        for body in [r#"{"a":"canary"#, r#"{"a":"\ud800"}"#, r#"{"a":1e999}"#, r#"{"a":01}"#] {
            let error = read_exact(body).err().unwrap();
            assert!(!error.why.contains("canary"), "{}", error.why);
            assert_eq!(error.field, Some("a"), "{body}: {}", error.why);
        }
    }

    #[test]
    fn deep_nesting_causes_no_crash() {
        let deep = format!("{{\"a\":{}", "[".repeat(200_000));
        assert!(read_exact(&deep).is_err());
        let skipped = format!("{{\"x\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        let _ = read_exact(&skipped);
    }
}
