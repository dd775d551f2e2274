//! Options whose value is one of a few words.

use tokenlease::core::{lifecycle, provider};

/// Defines an enum with its words, so that options, `--help` and errors share one list.
macro_rules! choices {
    ($(#[$about:meta])* $name:ident { $($(#[doc = $help:literal])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $help])* $variant),* }

        impl $name {
            /// The words, in the order of `--help`.
            pub const WORDS: &[&str] = &[$($word),*];
            /// All choices, in the same order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Parses the word.
            ///
            /// # Errors
            /// A message that quotes the text and lists the words.
            pub fn read(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|choice| choice.as_str() == text);
                found.copied().ok_or_else(|| {
                    format!("\"{text}\" is unknown; expected one of {}", Self::WORDS.join(", "))
                })
            }
        }

        #[cfg(feature = "clap")]
        impl clap::ValueEnum for $name {
            fn value_variants<'a>() -> &'a [Self] {
                Self::ALL
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                let help = match self { $(Self::$variant => concat!($($help),*)),* };
                let help = help.trim().trim_end_matches('.');
                Some(clap::builder::PossibleValue::new(self.as_str()).help(help))
            }
        }
    };
}

choices! {
    /// The server's API.
    Provider {
        /// WinKAS Air.
        Winkas = "winkas",
        /// Wyn Enterprise.
        Wyn = "wyn",
        /// Any OAuth 2.0 server (RFC 6749).
        OAuth2 = "oauth2",
    }
}

choices! {
    /// The OAuth 2.0 grant of a login.
    Grant {
        /// A user's name and password (RFC 6749 section 4.3).
        Password = "password",
        /// The client's own credentials (RFC 6749 section 4.4).
        ClientCredentials = "client_credentials",
    }
}

choices! {
    /// Where the client ID and the client secret are sent (RFC 6749 section 2.3.1).
    ClientAuth {
        /// In the request body.
        Body = "body",
        /// In a Basic header, form-encoded (RFC 6749 section 2.3.1).
        Basic = "basic",
        /// In a Basic header, unencoded, for servers that do not decode it.
        BasicRaw = "basic-raw",
    }
}

choices! {
    /// The header in which a server's API takes tokens.
    TokenHeader {
        /// `Authorization: Bearer` (RFC 6750 section 2.1).
        Authorization = "authorization",
        /// `Reference-Token`, which some calls of Wyn Enterprise require.
        ReferenceToken = "reference-token",
    }
}

choices! {
    /// The source of a store's encryption key, if it is not a file.
    StoreKey {
        /// The user's keyring: Secret Service, macOS Keychain or Windows Credential Manager.
        Keyring = "keyring",
        /// The Linux kernel's keyring, which is emptied at each boot.
        KernelKeyring = "kernel-keyring",
        /// A passphrase: `TOKENLEASE_STORE_PASSPHRASE`, or a prompt on the terminal.
        Passphrase = "passphrase",
    }
}

choices! {
    /// Which users share the folder of a store.
    StoreAccess {
        /// Its user alone.
        User = "user",
        /// All users of the folder's group.
        Group = "group",
    }
}

choices! {
    /// The behavior while the store is unavailable.
    OnStoreOutage {
        /// Fail with an error.
        Fail = "fail",
        /// Refetch the provider's current token; never log in.
        RefetchOnly = "refetch-only",
        /// Log in at most once per process and token lifetime.
        LoginWithinBudget = "login-within-budget",
    }
}

impl From<Grant> for provider::Grant {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::Password => Self::Password,
            Grant::ClientCredentials => Self::ClientCredentials,
        }
    }
}

impl From<ClientAuth> for provider::ClientAuth {
    fn from(auth: ClientAuth) -> Self {
        match auth {
            ClientAuth::Body => Self::Body,
            ClientAuth::Basic => Self::Basic,
            ClientAuth::BasicRaw => Self::BasicRaw,
        }
    }
}

impl From<TokenHeader> for provider::TokenHeader {
    fn from(header: TokenHeader) -> Self {
        match header {
            TokenHeader::Authorization => Self::Authorization,
            TokenHeader::ReferenceToken => Self::ReferenceToken,
        }
    }
}

impl From<OnStoreOutage> for lifecycle::OnStoreOutage {
    fn from(policy: OnStoreOutage) -> Self {
        match policy {
            OnStoreOutage::Fail => Self::Fail,
            OnStoreOutage::RefetchOnly => Self::RefetchOnly,
            OnStoreOutage::LoginWithinBudget => Self::LoginWithinBudget,
        }
    }
}
