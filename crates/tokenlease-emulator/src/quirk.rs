//! Quirks: answers that other servers were seen to give, for every call until the quirk is removed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::counts::Provider;

macro_rules! quirks {
    ($($variant:ident, $name:literal, $providers:expr, $text:literal;)*) => {
        /// A behaviour of real servers that a client must survive.
        ///
        /// [`Options::quirks`](crate::Options::quirks) holds the active ones. A quirk changes every call
        /// of its endpoints; a [`Fault`](crate::Fault) changes a number of calls.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Quirk {
            $(#[doc = $text] #[doc = concat!(" In text `", $name, "`.")]
            #[serde(rename = $name)] $variant,)*
        }

        impl Quirk {
            /// All quirks, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name, as in `tokenlease emulate --quirk NAME` and in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns one sentence that describes the behaviour, without a final full stop.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns the providers whose answers it changes.
            pub const fn providers(self) -> &'static [Provider] {
                match self { $(Self::$variant => $providers,)* }
            }
        }
    };
}

const WINKAS: &[Provider] = &[Provider::Winkas];
const WYN: &[Provider] = &[Provider::Wyn];
const BOTH: &[Provider] = &[Provider::Winkas, Provider::Wyn];

quirks! {
    RunningToken, "running-token", WYN,
        "The token endpoint returns the running token with its remaining lifetime";
    SameTokenNewEnd, "same-token-new-end", WYN,
        "The token endpoint returns the same token text with a new full lifetime";
    AuthenticateReturnsRunning, "authenticate-returns-running", WINKAS,
        "Authenticate returns the running token; tokens live for 25 hours";
    OverOnArrival, "over-on-arrival", WYN,
        "The token endpoint answers `expires_in` 1 after 1.2 seconds";
    TinyLifetime, "tiny-lifetime", WYN,
        "The token endpoint answers `expires_in` 0.0005";
    Userinfo401, "userinfo-401", WYN,
        "Userinfo answers 401 to every call";
    Userinfo403, "userinfo-403", WYN,
        "Userinfo answers 403 without a challenge to every call";
    Userinfo404, "userinfo-404", WYN,
        "Userinfo answers 404 to every call";
    InsufficientScope, "insufficient-scope", WYN,
        "Userinfo answers 403 `insufficient_scope` for an active token";
    SplitChallenge, "split-challenge", WYN,
        "Userinfo sends its challenge in two header lines, as IdentityServer4 4 does";
    Introspect401, "introspect-401", WYN,
        "Introspection answers 401 `ErrorType=unauthorized_client` in text/plain to every call";
    Api401, "api-401", BOTH,
        "The API and userinfo answer 401 to every token; WinKAS denies access, Validate says False";
    CutOff, "cut-off", BOTH,
        "The answer of a login breaks off in the middle, after the token was issued";
    ConfigError, "config-error", WYN,
        "The first 3 token requests are answered with `unauthorized_client`";
    Keycloak401, "keycloak-401", WYN,
        "A wrong client or secret is answered with 401 `unauthorized_client`, as by Keycloak";
    Bearer401, "bearer-401", WYN,
        "The token endpoint answers an empty 401 with WWW-Authenticate: Bearer";
    TokenType, "token-type", WYN,
        "The token endpoint answers `token_type` `BearerToken`";
    RevokesNothing, "revokes-nothing", WYN,
        "Revocation answers 200, and the token stays active";
    Latin1, "latin1", BOTH,
        "JSON is in ISO-8859-1, and error messages contain a byte that is not UTF-8";
    Utf16, "utf16", BOTH,
        "JSON is in UTF-16";
    Gzip, "gzip", BOTH,
        "JSON is compressed with gzip, also if the client does not accept it";
    Deflate, "deflate", BOTH,
        "JSON is compressed with deflate, also if the client does not accept it";
    WrongContentType, "wrong-content-type", BOTH,
        "JSON is sent as text/html";
    LongBody, "long-body", BOTH,
        "The answer of a login is longer than 1 MiB, because spaces follow the JSON";
    HeaderSpace, "header-space", BOTH,
        "Answers contain a header with a space before its colon";
    HeaderFolding, "header-folding", BOTH,
        "Answers contain a header that is folded over two lines";
    BareLf, "bare-lf", BOTH,
        "The lines of answer heads end with LF instead of CR LF";
    ManyHeaders, "many-headers", BOTH,
        "Answers have 150 more headers";
    OtherIssuer, "other-issuer", WYN,
        "The discovery document states another issuer";
    ForeignEndpoint, "foreign-endpoint", WYN,
        "The discovery document names a token endpoint at another host";
    Discovery503, "discovery-503", WYN,
        "The discovery document's address answers 503";
}

impl Quirk {
    /// Returns whether it changes answers of a provider.
    pub(crate) fn is_of(self, provider: Provider) -> bool {
        self.providers().contains(&provider)
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a [`Quirk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownQuirk(String);

impl fmt::Display for UnknownQuirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no quirk {:?}; the quirks are", self.0)?;
        for (at, quirk) in Quirk::ALL.iter().enumerate() {
            write!(f, "{} {quirk}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownQuirk {}

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    fn from_str(text: &str) -> Result<Self, UnknownQuirk> {
        let found = Self::ALL.iter().find(|quirk| quirk.name() == text);
        found.copied().ok_or_else(|| UnknownQuirk(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quirk_is_parsed_from_its_name_and_serialized_as_it() {
        for quirk in Quirk::ALL {
            assert_eq!(quirk.name().parse(), Ok(*quirk));
            assert_eq!(serde_json::to_value(quirk).unwrap(), quirk.name());
        }
        let error = "running".parse::<Quirk>().unwrap_err().to_string();
        assert!(error.contains("\"running\"; the quirks are running-token, same-token"), "{error}");
    }
}
