//! The words of a history: kinds, causes and results, with the codes that records keep for them.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $code:literal $word:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* $word,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$word,)*];

            /// Returns the name, which never changes.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// Returns the code in records, which never changes.
            pub(super) fn code(self) -> u8 {
                match self {
                    $(Self::$word => $code,)*
                }
            }

            /// Returns the one with this code, unless a later version added it.
            pub(super) fn of_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

words! {
    /// The kind of an entry of the history.
    HistoryKind {
        /// A request for a new token.
        0 Login "login",
        /// A request for the running token (WinKAS).
        1 Refetch "refetch",
        /// An API rejected the token, or the server rejected the credentials.
        2 Rejection "rejection",
    }
}

words! {
    /// Why a login or a refetch was sent, or what was rejected.
    HistoryCause {
        /// A cause that this version does not know.
        0 Other "other",
        /// The store had no token of the identity.
        1 First "first",
        /// The store had tokens of other credentials only.
        2 NewCredentials "new_credentials",
        /// The token was about to expire.
        3 Expiring "expiring",
        /// The token had expired.
        4 Expired "expired",
        /// The token was past its assumed expiry, and the server did not say whether it was active.
        5 Unvalidated "unvalidated",
        /// The server called the token inactive.
        6 Inactive "inactive",
        /// An API rejected the token, and the server did not say whether it was active.
        7 TokenRejected "token_rejected",
        /// The token was revoked.
        8 Revoked "revoked",
        /// The token was removed by `forget`.
        9 Forgotten "forgotten",
        /// A caller required a longer remaining lifetime.
        10 MinRemaining "min_remaining",
        /// The answer to the last login was lost.
        11 AnswerLost "answer_lost",
        /// The server had rejected the credentials before.
        12 CredentialsRejected "credentials_rejected",
        /// A caller requested it (`refetch`).
        13 Requested "requested",
        /// The process had no token and could not read the store.
        14 StoreUnavailable "store_unavailable",
    }
}

words! {
    /// The result of a login, a refetch or a rejection.
    HistoryResult {
        /// A result that this version does not know.
        0 Other "other",
        /// The answer was lost: the server may have issued a token that no client knows.
        1 Lost "lost",
        /// The server returned a token that serves no longer than the one in use, or not at all.
        2 NoBetterToken "no_better_token",
        /// A token came.
        3 Token "token",
        /// The server called the rejected token active.
        4 StillActive "still_active",
        /// The server did not say whether the rejected token was active: it was replaced.
        5 Unconfirmed "unconfirmed",
        /// The server called the rejected token inactive.
        6 Inactive "inactive",
        /// The credentials are not sent again for now.
        7 CircuitOpened "circuit_opened",
    }
}

impl HistoryCause {
    /// Returns the cause as a clause for people: "because …".
    pub fn description(self) -> &'static str {
        match self {
            Self::Other => "for another reason",
            Self::First => "the store had no token of this identity",
            Self::NewCredentials => "the store had no token of these credentials",
            Self::Expiring => "the token was about to expire",
            Self::Expired => "the token had expired",
            Self::Unvalidated => {
                "the token was past its assumed expiry, and the server did not say whether it was active"
            }
            Self::Inactive => "the server called the token inactive",
            Self::TokenRejected => {
                "an API rejected the token, and the server did not say whether it was active"
            }
            Self::Revoked => "the token was revoked",
            Self::Forgotten => "the token was removed by `forget`",
            Self::MinRemaining => "a caller required a longer remaining lifetime",
            Self::AnswerLost => "the answer to the login before was lost",
            Self::CredentialsRejected => "the server had rejected the credentials before",
            Self::Requested => "a caller requested it",
            Self::StoreUnavailable => "the store was unavailable, and the process had no token",
        }
    }

    /// Whether a login with this cause may be sent while a token is active that a client could use.
    pub fn is_extra(self) -> bool {
        match self {
            Self::First
            | Self::NewCredentials
            | Self::Expiring
            | Self::Expired
            | Self::Inactive
            | Self::Revoked
            | Self::CredentialsRejected => false,
            Self::Other
            | Self::Unvalidated
            | Self::TokenRejected
            | Self::Forgotten
            | Self::MinRemaining
            | Self::AnswerLost
            | Self::Requested
            | Self::StoreUnavailable => true,
        }
    }
}

impl HistoryResult {
    /// Returns the result as a clause for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::Other => "another result",
            Self::Lost => "the answer was lost",
            Self::NoBetterToken => "no better token came",
            Self::Token => "a token came",
            Self::StillActive => "the server called the token active",
            Self::Unconfirmed => "the server did not say whether the token was active",
            Self::Inactive => "the server called the token inactive",
            Self::CircuitOpened => "the credentials are not sent again for now",
        }
    }
}
