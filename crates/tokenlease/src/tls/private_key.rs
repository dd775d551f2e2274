//! The private key of a client certificate.

use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use tokenlease_core::{Error, ErrorKind, Result};

/// The marks of an encrypted key: of PKCS#8 (RFC 5958), and of OpenSSL's older files.
const ENCRYPTED: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];

/// Reads an unencrypted key. No error quotes the key, as those of the parser may.
pub(super) fn read(pem: &[u8]) -> Result<PrivateKeyDer<'static>> {
    let error = |detail| Error::new(ErrorKind::Config, detail);
    let has = |mark: &[u8]| pem.windows(mark.len()).any(|part| part == mark);
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(_) if ENCRYPTED.into_iter().any(has) => Err(error(
            "the key of the client certificate is encrypted, and no option has its password",
        )
        .expected("an unencrypted private key in PEM (BEGIN PRIVATE KEY)")
        .advice(
            "decrypt it with `openssl pkey -in FILE -out FILE.pem`, and make the new file \
                     readable for its user alone",
        )),
        Err(_) if !has(b"PRIVATE KEY-----") => {
            Err(error("the client certificate has no private key in its file")
                .expected("one private key in PEM, in that file or in that of `client_key`"))
        }
        Err(_) => Err(error("the key of the client certificate cannot be read")
            .expected("one unencrypted private key in PEM (BEGIN PRIVATE KEY)")
            .advice("decrypt or convert the key with `openssl pkey`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encrypted with a password, by `openssl genpkey -aes256` and `openssl ec -aes128`.
    const PKCS8: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjiCPxWVr6zzQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEH1iO3ShspcgrzR7jRrxefsEgZB+
RQaVqFHwUuFeOV1h+ZIXQuKEeLkEGiDisH/xOr1gHctxOagGEIL745rUxN9cJmtZ
eaLhUPJaZrz4PEBsjX7rX/Ul8O0VzRz0M9laEWirfML2Py4p1s3A0km+naocr5Xa
9KyxuS5scGj7bSExhk2MsAkM00lIqmj0Ei7+LeI+siHWxqavu1nh9dF/yajoS80=
-----END ENCRYPTED PRIVATE KEY-----
";
    const OLDER: &str = "\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,49476C66FD622D62D5025DCF99F9147C

hhhRlZsnScBuRFZsglm4v9k5mdpMPyi0XRRT9IulnZUR1QZ2TWPMlEOJ6foVI4BP
2+ydN+NEUwKNhcnq/TPWMTCm57M9k4yY15FlqBjmOT7G+k07GFGAQjVV0KdAU9zK
ZyGht0J1M7MWahWboLg4O/2/m21ay6j4mDtDNVxhAxY=
-----END EC PRIVATE KEY-----
";

    /// Rule: Trust: an encrypted key of a client certificate, one that is missing and one that is damaged
    /// are errors of the configuration that say so, and quote no key.
    #[test]
    fn an_encrypted_missing_or_damaged_client_key_is_named() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let damaged = "-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----\n";
        for (pem, expected) in [
            (PKCS8.to_owned(), "is encrypted"),
            (OLDER.to_owned(), "is encrypted"),
            (format!("{certificate}{PKCS8}"), "is encrypted"),
            (certificate.to_owned(), "has no private key"),
            (damaged.to_owned(), "cannot be read"),
        ] {
            let error = read(pem.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = format!("{error} {error:?}");
            assert!(text.contains(expected), "{text}");
            for quoted in ["canary", "hhhRlZ", "MIHs"] {
                assert!(!text.contains(quoted), "{text}");
            }
        }
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert!(read(format!("{certificate}{key}").as_bytes()).is_ok());
    }
}
