//! Options that are one word of a few.

use tokenlease::core::{lifecycle, provider};

/// Makes an enum of the words; each is written once, for options, help and errors.
macro_rules! choices {
    ($(#[$about:meta])* $name:ident { $($(#[doc = $help:literal])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $help])* $variant),* }

        impl $name {
            /// The words of all.
            pub const WORDS: &[&str] = &[$($word),*];
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that options write.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads the word. The error says what was wrong and what was expected.
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
    /// Whose protocol the server speaks.
    Provider {
        /// WinKAS Air.
        Winkas = "winkas",
        /// Wyn Enterprise.
        Wyn = "wyn",
        /// Any OAuth2 server.
        OAuth2 = "oauth2",
    }
}

choices! {
    /// How tokens are asked for.
    Grant {
        /// For a user, by name and password.
        Password = "password",
        /// For the client itself.
        ClientCredentials = "client_credentials",
    }
}

choices! {
    /// Where the client's id and secret are sent.
    ClientAuth {
        /// In the body of the request.
        Body = "body",
        /// In a Basic header, form-encoded first, as the standard says.
        Basic = "basic",
        /// In a Basic header as they are, for servers that do not decode them.
        BasicRaw = "basic-raw",
    }
}

choices! {
    /// Where a store's key comes from, if not from a file.
    StoreKey {
        /// This user's keyring: Secret Service, keychain or Credential Manager.
        Keyring = "keyring",
        /// The keyring of the Linux kernel, which forgets at each boot.
        KernelKeyring = "kernel-keyring",
        /// A passphrase: `TOKENLEASE_STORE_PASSPHRASE`, or a terminal to ask on.
        Passphrase = "passphrase",
    }
}

choices! {
    /// What happens while the store is away.
    OnStoreOutage {
        /// An error.
        Fail = "fail",
        /// Only the provider's running token is asked for.
        RefetchOnly = "refetch-only",
        /// One new token a process and lifetime.
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

impl From<OnStoreOutage> for lifecycle::OnStoreOutage {
    fn from(policy: OnStoreOutage) -> Self {
        match policy {
            OnStoreOutage::Fail => Self::Fail,
            OnStoreOutage::RefetchOnly => Self::RefetchOnly,
            OnStoreOutage::LoginWithinBudget => Self::LoginWithinBudget,
        }
    }
}
