//! The types of options: how a value is written, and how it is set.

use std::{
    any::{Any, TypeId},
    fmt,
    path::PathBuf,
    time::Duration,
};

use super::Options;
use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreAccess, StoreKey, TokenHeader},
    extra::{ExtraField, ExtraSecretFile},
    pem::PemSource,
    store_url::StoreUrl,
};

/// An option's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    Text,
    /// A duration with a unit, such as `90s`.
    Duration,
    /// True or false.
    Bool,
    /// A whole number.
    Number,
    /// The path of a file.
    File,
    /// The path of a PEM file, or PEM text.
    Pem,
    /// The URL of a store.
    Store,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `NAME=VALUE`; may be set several times.
    Field,
    /// `NAME=FILE`; may be set several times.
    FieldFile,
}

impl Kind {
    /// Returns the type's name, as the table of options shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Duration => "duration",
            Self::Bool => "boolean",
            Self::Number => "integer",
            Self::File => "file",
            Self::Pem => "pem",
            Self::Store => "store",
            Self::Choice(_) => "choice",
            Self::Field => "field",
            Self::FieldFile => "field-file",
        }
    }

    /// Returns the words of a [`Choice`](Self::Choice); else none.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Choice(words) => words,
            _ => &[],
        }
    }

    /// Returns whether an option of this type may be set several times, each time to one more value.
    pub fn is_repeatable(self) -> bool {
        matches!(self, Self::Field | Self::FieldFile)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duration => "a duration",
            Self::Bool => "true or false",
            Self::Number => "a whole number",
            _ => "text",
        })
    }
}

/// Returns the type of an option's field.
pub(super) fn typed<T: Any>(_: fn(Options) -> Option<T>) -> Kind {
    fn is<T: Any, U: Any>() -> bool {
        TypeId::of::<T>() == TypeId::of::<U>()
    }
    match () {
        () if is::<T, Duration>() => Kind::Duration,
        () if is::<T, bool>() => Kind::Bool,
        () if is::<T, u32>() => Kind::Number,
        () if is::<T, PathBuf>() => Kind::File,
        () if is::<T, PemSource>() => Kind::Pem,
        () if is::<T, StoreUrl>() => Kind::Store,
        () if is::<T, Provider>() => Kind::Choice(Provider::WORDS),
        () if is::<T, Grant>() => Kind::Choice(Grant::WORDS),
        () if is::<T, ClientAuth>() => Kind::Choice(ClientAuth::WORDS),
        () if is::<T, TokenHeader>() => Kind::Choice(TokenHeader::WORDS),
        () if is::<T, StoreAccess>() => Kind::Choice(StoreAccess::WORDS),
        () if is::<T, StoreKey>() => Kind::Choice(StoreKey::WORDS),
        () if is::<T, OnStoreOutage>() => Kind::Choice(OnStoreOutage::WORDS),
        () if is::<T, Vec<ExtraField>>() => Kind::Field,
        () if is::<T, Vec<ExtraSecretFile>>() => Kind::FieldFile,
        () => Kind::Text,
    }
}

/// How a value becomes the one of an option that may be set already.
pub(super) trait Set: Sized {
    fn set(self, option: &mut Option<Self>);
}

macro_rules! replaced {
    ($($value:ty),* $(,)?) => {
        $(impl Set for $value {
            fn set(self, option: &mut Option<Self>) {
                *option = Some(self);
            }
        })*
    };
}

replaced! {
    String, Duration, PathBuf, PemSource, bool, u32, Provider, Grant, ClientAuth, TokenHeader,
    StoreUrl, StoreAccess, StoreKey, OnStoreOutage,
}

impl<T> Set for Vec<T> {
    fn set(self, option: &mut Option<Self>) {
        option.get_or_insert_default().extend(self);
    }
}
