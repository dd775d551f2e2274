//! Certificates in PEM: the path of a file, or the text itself.

use std::path::{Path, PathBuf};

use tokenlease::Result;

use crate::config;

/// Where certificates in PEM are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PemSource {
    /// A file.
    File(PathBuf),
    /// The text of the certificates, which are public.
    Text(String),
}

impl PemSource {
    /// Reads the path of a file, or text that contains `-----BEGIN`. Text with a private key is
    /// rejected: options are no place for secrets.
    ///
    /// # Errors
    /// The reason, which does not quote the text.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the path is empty; expected the path of a PEM file, or PEM text".into());
        }
        if !text.contains("-----BEGIN") {
            return Ok(Self::File(text.into()));
        }
        if text.contains("PRIVATE KEY-----") {
            return Err("the text contains a private key; expected certificates alone, and the \
                        key in a file"
                .into());
        }
        Ok(Self::Text(text.to_owned()))
    }

    /// Returns the file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Text(_) => None,
        }
    }

    /// Resolves a relative path against a folder.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            Self::Text(_) => self,
        }
    }

    /// Returns the certificates. `what` names them in an error: `CA`.
    pub(crate) fn bytes(&self, what: &str) -> Result<Vec<u8>> {
        match self {
            Self::File(path) => std::fs::read(path).map_err(|error| {
                config(format!("the {what} file {} can't be read: {error}", path.display()))
                    .expected("a file of certificates in PEM")
            }),
            Self::Text(text) => Ok(text.clone().into_bytes()),
        }
    }

    /// As [`bytes`](Self::bytes). A file in PKCS#12, which is not in PEM, is an error that says how to
    /// convert it.
    pub(crate) fn bytes_in_pem(&self, what: &str) -> Result<Vec<u8>> {
        let bytes = self.bytes(what)?;
        // A PKCS#12 file is a SEQUENCE in DER.
        if let (Some(0x30), Some(path)) = (bytes.first(), self.file()) {
            let path = path.display();
            return Err(config(format!("the {what} file {path} is not in PEM"))
                .expected("PEM text (-----BEGIN)")
                .advice(
                    "convert a PKCS#12 file with `openssl pkcs12 -in FILE -nodes -out FILE.pem`",
                ));
        }
        Ok(bytes)
    }
}

/// Returns the parser of an argument, whose path need not be UTF-8.
#[cfg(feature = "clap")]
pub(crate) fn parser() -> impl clap::builder::TypedValueParser<Value = PemSource> {
    use clap::builder::{OsStringValueParser, TypedValueParser as _};
    OsStringValueParser::new().try_map(|text| match text.to_str() {
        Some(text) => PemSource::read(text),
        None => Ok(PemSource::File(text.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Formats: certificates are given as the path of a PEM file or as PEM text; text with a private
    /// key is rejected and not quoted.
    #[test]
    fn certificates_are_a_path_or_text_without_a_private_key() {
        let text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(PemSource::read(text).unwrap().bytes("CA").unwrap(), text.as_bytes());
        assert_eq!(PemSource::read("ca.pem").unwrap().file(), Some(Path::new("ca.pem")));
        let moved = PemSource::read("ca.pem").unwrap().relative_to(Path::new("/etc"));
        assert_eq!(moved.file(), Some(Path::new("/etc/ca.pem")));
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let key = format!("{text}-----BEGIN {label}-----\ncanary\n");
            let error = PemSource::read(&key).unwrap_err();
            assert!(error.contains("private key") && !error.contains("canary"), "{error}");
        }
        assert!(PemSource::read("").is_err());
    }
}
