//! The table of all options: name, type, default, providers and meaning.

use serde_json::{Value, json};

use super::{DOCUMENTED, KEYS, Kind, Options, named::FACTS};
use crate::{choice::Provider, client::REGISTRY_KEYS};

/// The facts about an option, for a program that lists or checks options.
///
/// ```
/// let timeout = tokenlease_config::table().find(|option| option.name == "timeout").unwrap();
/// assert_eq!((timeout.kind.name(), timeout.default), ("duration", Some("10s")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionInfo {
    /// The name, one of [`KEYS`].
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The default; `None` if there is none. Several are separated by commas, each with its condition
    /// in parentheses.
    pub default: Option<&'static str>,
    /// The providers that the option is for.
    pub providers: &'static [Provider],
    /// Whether the clients of a registry share the option, which is then set for the registry.
    pub is_of_registry: bool,
    /// The documentation, in Markdown. The program's `--help` shows the same.
    pub meaning: &'static str,
}

/// Returns all options, in the order of [`KEYS`].
pub fn table() -> impl Iterator<Item = OptionInfo> {
    KEYS.iter().zip(FACTS).map(|(name, (providers, default))| OptionInfo {
        name,
        kind: Options::kind_of(name).unwrap_or(Kind::Text),
        default: Some(*default).filter(|default| !default.is_empty()),
        providers,
        is_of_registry: REGISTRY_KEYS.contains(name),
        meaning: DOCUMENTED.iter().find(|(key, _)| key == name).map_or("", |(_, meaning)| meaning),
    })
}

/// Returns the table as JSON: a list of objects with the members `name`, `type`, `choices`, `default`,
/// `providers`, `registry`, `repeatable` and `meaning`.
pub fn table_json() -> String {
    let options = table().map(|option| {
        let providers: Vec<_> = option.providers.iter().map(|one| one.as_str()).collect();
        json!({
            "name": option.name,
            "type": option.kind.name(),
            "choices": option.kind.choices(),
            "default": option.default,
            "providers": providers,
            "registry": option.is_of_registry,
            "repeatable": option.kind.is_repeatable(),
            "meaning": option.meaning,
        })
    });
    Value::Array(options.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use tokenlease::{ClientBuilder, core::Credentials};

    use super::*;

    /// Rule: Formats: each option has a type, its providers, its default and a meaning in one table, and
    /// each default is a value that the option accepts.
    #[test]
    fn each_option_is_described_and_its_default_can_be_set() {
        assert_eq!(table().count(), KEYS.len());
        for OptionInfo { name, default, meaning, .. } in table() {
            assert!(meaning.ends_with('.') && !meaning.contains('\n'), "{name}: {meaning}");
            for default in default.into_iter().flat_map(|text| text.split("), ")) {
                let value = default.split(" (").next().unwrap();
                Options::default().set(name, value).unwrap();
                let is_stated = meaning.contains(value) || meaning.contains("The default is");
                assert!(is_stated || value == "false", "{name}: {value} is not in {meaning}");
            }
        }
        let listed: Vec<_> = DOCUMENTED.iter().map(|(key, _)| *key).collect();
        for name in KEYS {
            assert!(listed.contains(name), "{name}");
        }
        let Value::Array(options) = serde_json::from_str(&table_json()).unwrap() else {
            panic!("not a list");
        };
        assert_eq!(options.len(), KEYS.len());
        assert_eq!(options[0]["choices"], json!(["winkas", "wyn", "oauth2"]));
    }

    /// Options that are no error for a provider, and have no effect: several profiles may share the
    /// variables of an environment.
    const IGNORED: &[(Provider, &str)] = &[
        (Provider::Winkas, "new_token_ends_old"),
        (Provider::Winkas, "max_lifetime"),
        (Provider::Winkas, "client_secret_file"),
        // A user's password is its only grant.
        (Provider::Wyn, "grant"),
        (Provider::Wyn, "agreed_lifetime"),
        (Provider::OAuth2, "agreed_lifetime"),
    ];

    /// Rule: Formats: the table of options names the providers that accept an option.
    #[test]
    fn the_table_names_the_providers_that_an_option_works_with() {
        let sample = |option: &OptionInfo| match option.kind {
            Kind::Duration => "2h",
            Kind::Bool => "true",
            Kind::Number => "3",
            Kind::Choice(words) => words[0],
            Kind::Field => "audience=x",
            Kind::FieldFile => "audience=/no/such/file",
            _ if option.name.ends_with("_path") => "/x",
            _ if option.name == "server" => "https://h.example",
            _ => "x",
        };
        for &provider in Provider::ALL {
            let clients = table().filter(|option| !option.is_of_registry);
            for option in clients.filter(|option| option.name != "provider") {
                let mut options = Options::default();
                let mut set = |name: &str, text: &str| options.set(name, text).unwrap();
                set("provider", provider.as_str());
                set("user", "u");
                match provider {
                    Provider::Winkas => set("contract", "c"),
                    Provider::Wyn => set("server", "https://h.example"),
                    Provider::OAuth2 => {
                        set("server", "https://h.example");
                        set("client_id", "c");
                    }
                }
                set(option.name, sample(&option));
                let credentials = Credentials::password("p").with_client_secret("s");
                let built = options.client(credentials, None).and_then(ClientBuilder::build);
                let ignored = IGNORED.contains(&(provider, option.name));
                let works = option.providers.contains(&provider) || ignored;
                let (provider, name) = (provider.as_str(), option.name);
                let why = built.err().map(|error| error.to_string());
                assert_eq!(why.is_none(), works, "{provider} {name}: {why:?}");
            }
        }
    }
}
