//! JSON objects whose keys keep their order, as the providers document it.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// An object; its keys are written in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, Field)>);

#[derive(Clone)]
pub(crate) enum Field {
    Value(Value),
    Object(Fields),
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, field: impl Into<Field>) -> Self {
        self.0.push((name.to_owned(), field.into()));
        self
    }

    #[must_use]
    pub(crate) fn followed_by(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Changes all keys, including those of nested objects. Values of [`Field::Value`] are kept.
    #[must_use]
    pub(crate) fn rename(self, name: fn(&str) -> String) -> Self {
        let rename = |(key, field): (String, Field)| {
            let field = match field {
                Field::Object(object) => Field::Object(object.rename(name)),
                field @ Field::Value(_) => field,
            };
            (name(&key), field)
        };
        Self(self.0.into_iter().map(rename).collect())
    }
}

impl<T: Into<Value>> From<T> for Field {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl From<Fields> for Field {
    fn from(object: Fields) -> Self {
        Self::Object(object)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            match field {
                Field::Value(value) => map.serialize_entry(name, value)?,
                Field::Object(object) => map.serialize_entry(name, object)?,
            }
        }
        map.end()
    }
}
