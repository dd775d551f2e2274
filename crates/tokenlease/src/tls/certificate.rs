//! The fields of certificates (RFC 5280) that decide about trust, and that errors name.

use rustls::pki_types::CertificateDer;
use tokenlease_core::WallTime;
use x509_cert::{
    Certificate,
    der::{Decode as _, asn1::ObjectIdentifier},
    ext::pkix::{SubjectAltName, name::GeneralName},
    name::Name,
    time::Time,
};

/// `commonName` (RFC 5280 appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The longest name that an error quotes, in characters.
const LONGEST_NAME: usize = 100;

/// A certificate, as far as it is read.
pub(super) struct Parsed(Certificate);

impl Parsed {
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        Certificate::from_der(der).ok().map(Self)
    }

    /// Returns the name of the issuer, for errors.
    pub(super) fn issuer(&self) -> String {
        shown(&self.0.tbs_certificate.issuer)
    }

    /// Returns whether issuer and subject have the same name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.0.tbs_certificate.issuer == self.0.tbs_certificate.subject
    }

    /// Returns the times of the first and the last moment of validity.
    pub(super) fn validity(&self) -> (WallTime, WallTime) {
        let validity = &self.0.tbs_certificate.validity;
        (wall(validity.not_before), wall(validity.not_after))
    }

    /// Returns the host that a certificate without alternative names has as its common name. The
    /// certificates that plain `openssl req -x509` makes are such ones.
    pub(super) fn host_in_common_name(&self) -> Option<String> {
        let fields = &self.0.tbs_certificate;
        if let Some((_, SubjectAltName(names))) = fields.get::<SubjectAltName>().ok()? {
            let is_host = |name: &GeneralName| {
                matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_))
            };
            if names.iter().any(is_host) {
                return None;
            }
        }
        let mut parts = fields.subject.0.iter().rev().flat_map(|part| part.0.iter());
        let name = parts.find(|part| part.oid == COMMON_NAME)?;
        String::from_utf8(name.value.value().to_vec()).ok()
    }
}

/// Returns the time at which a certificate in DER expires, or `None` if it is malformed.
pub fn expires_at(der: &[u8]) -> Option<WallTime> {
    Parsed::of(der).map(|certificate| certificate.validity().1)
}

/// Returns the name of the issuer of the last certificate of a chain.
pub(super) fn last_issuer(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Option<Parsed> {
    Parsed::of(intermediates.last().unwrap_or(leaf))
}

fn wall(time: Time) -> WallTime {
    let since_1970 = time.to_unix_duration().as_millis();
    WallTime(i64::try_from(since_1970).unwrap_or(i64::MAX))
}

fn shown(name: &Name) -> String {
    let text: String = name.to_string().chars().take(LONGEST_NAME).collect();
    if text.is_empty() { "an authority without a name".into() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Rule: Trust: a certificate that is cut or damaged has no expiry, and does not end the process.
    #[test]
    fn a_malformed_certificate_has_no_expiry() {
        let mut params = CertificateParams::new(["h".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1970, 1, 1);
        for (year, expected) in [(2026, "2026-02-03T00:00:00Z"), (2999, "2999-02-03T00:00:00Z")] {
            params.not_after = date_time_ymd(year, 2, 3);
            let whole = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let whole = whole.der();
            assert_eq!(expires_at(whole).unwrap().to_string(), expected);
            for length in 0..whole.len() {
                assert_eq!(expires_at(&whole[..length]), None);
                let mut damaged = whole.to_vec();
                damaged[length] ^= 0xff;
                let _ = expires_at(&damaged);
            }
        }
    }
}
