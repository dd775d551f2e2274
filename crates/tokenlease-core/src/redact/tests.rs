use base64::engine::general_purpose::{
    STANDARD as BASE64, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD,
};
use proptest::prelude::*;

use super::*;

/// An encoding in which a server may echo a text.
type Encoding = (&'static str, fn(&str) -> String);

const ENCODINGS: &[Encoding] = &[
    ("plain", str::to_owned),
    ("JSON", json),
    ("JSON with slashes", |text| json(text).replace('/', "\\/")),
    ("JSON in ASCII", |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
    ("Rust", |text| text.escape_default().collect()),
    ("bytes of Python", |text| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()),
    ("HTML by name", html),
    ("HTML, decimal", |text| text.chars().map(|c| format!("&#{};", u32::from(c))).collect()),
    ("HTML, hexadecimal", |text| text.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect()),
    ("percent-encoded", |text| percent(text).replace('+', "%20")),
    ("percent-encoded, lower", |text| lower(&percent(text).replace('+', "%20"))),
    ("form", percent),
    ("form, lower", |text| lower(&percent(text))),
    ("all percent-encoded", |text| text.bytes().map(|byte| format!("%{byte:02X}")).collect()),
    ("wide percent-encoded", |text| {
        text.encode_utf16().map(|unit| format!("%u{unit:04X}")).collect()
    }),
    ("base64", |text| BASE64.encode(text)),
    ("base64 without padding", |text| STANDARD_NO_PAD.encode(text)),
    ("base64 for URLs", |text| URL_SAFE.encode(text)),
    ("base64 for URLs without padding", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64 in lines", |text| {
        let encoded = BASE64.encode(text).into_bytes();
        let lines: Vec<_> = encoded.chunks(8).map(String::from_utf8_lossy).collect();
        lines.join("\r\n")
    }),
    ("hexadecimal", |text| text.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("hexadecimal, upper", |text| text.bytes().map(|byte| format!("{byte:02X}")).collect()),
];

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Writes the hexadecimal digits of a percent-encoded text in lower case.
fn lower(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text.extend(["%", &part[..2].to_ascii_lowercase(), &part[2..]]);
    }
    text
}

fn html(text: &str) -> String {
    let named = |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&apos;".to_owned(),
        'ä' => "&auml;".to_owned(),
        '€' => "&euro;".to_owned(),
        _ => String::from(c),
    };
    text.chars().map(named).collect()
}

/// Checks that only the marks around an echo, and digits that encode nothing of the secret, remain.
///
/// `others` are what the echo would be with other secrets.
fn check(name: &str, echo: &str, secret: &str, others: &[String]) -> Result<(), TestCaseError> {
    let redacted = redact(&format!("«{echo}»"), &[secret]);
    let shared = others.iter().map(|other| {
        echo.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
    });
    let shared = shared.min().unwrap_or_default();
    let rest = redacted.strip_prefix('«').and_then(|rest| rest.strip_suffix("[redacted]»"));
    prop_assert!(
        rest.is_some_and(|rest| rest.len() <= shared && echo.starts_with(rest)),
        "{name}: {secret:?} as {echo:?} is printed as {redacted:?}"
    );
    Ok(())
}

fn secret() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range(' ', '~'),
        prop::sample::select(r#"%&\+/"'<>;=:{}#u0125xäß€😀 "#.chars().collect::<Vec<_>>()),
    ];
    prop::collection::vec(character, 4..=40)
        .prop_map(String::from_iter)
        // The marks of the test are part of no secret.
        .prop_filter("marks", |secret| !secret.contains(['«', '»']))
}

proptest! {
    // Each case tries all pairs of encodings.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Rule: Secrets: no encoding of a secret that a server echoes is printed, nor an encoding of an
    /// encoding.
    #[test]
    fn no_encoding_of_a_secret_is_printed(secret in secret()) {
        for (inner, encode) in ENCODINGS {
            let echo = encode(&secret);
            check(inner, &echo, &secret, &[])?;
            for (outer, encode) in ENCODINGS {
                check(&format!("{inner}, {outer}"), &encode(&echo), &secret, &[])?;
            }
        }
    }

    /// Rule: Secrets: of a Basic header that a server echoes, nothing of the secret is printed, even if
    /// the id is not known.
    #[test]
    fn no_secret_of_a_basic_header_is_printed(secret in secret(), id in "[a-z]{0,6}") {
        let forms: [fn(&str) -> String; 2] = [str::to_owned, percent];
        for form in forms {
            for (inner, encode) in ENCODINGS.iter().filter(|(name, _)| name.contains("base64")) {
                for (outer, again) in ENCODINGS {
                    let echo = |secret: &str| again(&encode(&format!("{id}:{}", form(secret))));
                    let others = ["\0", "\u{7f}", "é", "😀"].map(|first| {
                        echo(&format!("{first}{secret}"))
                    });
                    check(&format!("{inner}, {outer}"), &echo(&secret), &secret, &others)?;
                }
            }
        }
    }

    /// Rule: Secrets: redaction leaves a text without secrets as it is.
    #[test]
    fn a_text_without_secrets_stays_as_it_is(text in "[a-z0-9%&;+ \\\\]{0,80}") {
        prop_assert_eq!(redact(&text, &["Päss-W0rd", "X!"]), text.clone());
        prop_assert_eq!(redact(&text, &[]), text);
    }
}

/// Rule: Secrets: secrets that are short or that overlap are redacted as a whole, and the text around
/// them stays readable.
#[test]
fn short_and_overlapping_secrets_are_redacted_as_a_whole() {
    assert_eq!(redact("a wrong d", &["d", "w"]), "a [redacted]rong [redacted]");
    assert_eq!(redact("it was abcde!", &["abc", "bcde"]), "it was [redacted]!");
    assert_eq!(redact("aaa, ab", &["aa"]), "[redacted], ab");
    let header = BASE64.encode("id:d");
    assert_eq!(redact(&format!("Basic {header}, ZA=="), &["d"]), "Basic aW[redacted], [redacted]");
}

/// Rule: Secrets: a secret that a server echoes is redacted in plain text, percent-encoded, escaped as
/// in JSON or HTML, in base64 and in hexadecimal digits.
#[test]
fn secrets_are_redacted_in_every_form_a_server_may_echo() {
    let secret = "pä|w \"d/&";
    for echo in [
        secret,
        "p%C3%A4%7Cw+%22d%2F%26",
        "p%c3%A4%7cw%20%22d%2f%26",
        "p%E4%7Cw%20%22d%2F%26",
        r#"pä|w \"d\/\u0026"#,
        r"p\u00e4|w \u0022d/\u0026",
        "pä|w &quot;d/&amp;",
        "p&auml;|w &#34;d&#x2f;&#038;",
        "p&amp;auml;|w &amp;#34;d/&amp;amp;",
        "p%25C3%25A4%257Cw%2520%2522d%252F%2526",
        "p%C3%A4|w &quot;d\\/\\u0026",
        &BASE64.encode(secret),
        &percent(&BASE64.encode(secret)),
        "70c3a47c772022642f26",
    ] {
        assert_eq!(redact(&format!("({echo})"), &[secret, ""]), "([redacted])", "{echo}");
    }
    assert_eq!(redact("p%41&amp;x, pA&x", &["p%41&x"]), "[redacted], pA&x");
}

/// Rule: Secrets: the redaction of a body takes time in proportion to its length.
#[test]
fn the_time_of_redaction_is_proportional_to_the_length() {
    let secrets =
        ["a".repeat(40), "a".repeat(4000), "\\".repeat(40), format!("%{}", "25".repeat(20))];
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    for part in ["a", "\\", "%25", "&amp;", "&#0", "amp;", "%5C", "YWFh", "61", "aaaaaaa+", "\n"] {
        let text = part.repeat((256 << 10) / part.len());
        let redacted = redact(&text, &secrets);
        assert!(secrets.iter().all(|secret| !redacted.contains(secret)), "{part}");
    }
}

/// Rule: Secrets: of a long text only the start is redacted and quoted, and no part of a secret that
/// goes beyond it.
#[test]
fn a_secret_across_the_limit_is_redacted() {
    let secret = "correct horse";
    for encoded in [secret.to_owned(), "%2563orrect%20horse".to_owned(), BASE64.encode(secret)] {
        let text = format!("{}{encoded}{}", "-".repeat(40), "-".repeat(100_000));
        for limit in 40..=40 + encoded.len() {
            let redacted = redact_start(&text, &[secret], limit);
            let shown = "-".repeat(40) + if limit == 40 { "" } else { "[redacted]" };
            assert_eq!(redacted, shown, "{limit}");
        }
    }
}
