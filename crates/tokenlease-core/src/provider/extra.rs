//! The names of the extra fields that a token request may have.

use crate::{
    error::{Error, ErrorKind, Result},
    identity::Provider,
    provider::wyn,
};

/// The fields that the client sends itself, with the option that sets each.
const RESERVED: [(&str, &str); 6] = [
    ("grant_type", "set the option grant instead"),
    ("username", "set the option user instead"),
    ("password", "set the password as a secret instead"),
    ("client_id", "set the option client_id instead"),
    ("client_secret", "set the client secret as a secret instead"),
    ("scope", "set the option scope instead"),
];

/// Checks the name of an extra field. The error does not contain the field's value.
///
/// Servers such as `IdentityServer` compare the names of fields without case.
pub(crate) fn check(provider: Provider, name: &str) -> Result<()> {
    if provider == Provider::Winkas {
        return Err(Error::new(ErrorKind::Unsupported, "WinKAS Air has no extra fields")
            .advice("remove the extra fields, or choose another provider"));
    }
    if name.is_empty() {
        return Err(Error::new(ErrorKind::Config, "the name of an extra field is empty")
            .expected("a name and a value, such as audience=https://api.example"));
    }
    let of_wyn: &[_] = if provider == Provider::Wyn { &wyn::RESERVED_FIELDS } else { &[] };
    let mut reserved = RESERVED.iter().chain(of_wyn);
    match reserved.find(|(reserved, _)| reserved.eq_ignore_ascii_case(name)) {
        Some((reserved, advice)) => Err(Error::new(
            ErrorKind::Config,
            format!("the extra field `{reserved}` is reserved: the client sends it itself"),
        )
        .advice(*advice)),
        None => Ok(()),
    }
}
