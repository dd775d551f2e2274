//! The injecting proxy: a request to `/forward/NAME/…` goes to the pinned upstream with the token.
//!
//! The consumer proves who it is as at the token endpoint, and never sees the token: its own credentials
//! are removed, the token is added, and an answer that echoes the token has it masked.

mod exchange;
mod headers;
mod json_body;
mod mask;
mod recording;
mod response;

use std::{str::FromStr, sync::Arc};

use http::Uri;
use tokenlease::{
    Error, ErrorKind, Result, bindings,
    core::{TokenKind, provider::ApiAnswer},
};
use tokenlease_config::{Provider, is_loopback};
use url::{Position, Url};

pub(crate) use self::exchange::forward;
use crate::{answer::Failure, limits::Limits, profiles::Profile};

/// An upstream by its name, from `NAME=PROFILE,URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardTo {
    /// The name in the path: `/forward/NAME/`.
    pub name: String,
    /// The profile whose token is added.
    pub profile: String,
    /// The base URL. Nothing above it can be reached.
    pub url: String,
}

impl FromStr for ForwardTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected NAME=PROFILE,URL, such as erp=erp,https://air.winkas.net/api/";
        let parts =
            text.split_once('=').and_then(|(name, rest)| Some((name, rest.split_once(',')?)));
        let (name, (profile, url)) =
            parts.ok_or_else(|| format!("a part is missing; {expected}"))?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || profile.is_empty() || !name.chars().all(is_plain) {
            return Err(format!("a name has letters, digits, -, _ and .; {expected}"));
        }
        base(url).map_err(|why| format!("{why}; {expected}"))?;
        Ok(Self { name: name.into(), profile: profile.into(), url: url.into() })
    }
}

/// Reads a base URL, which ends with a slash.
fn base(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "the URL is malformed")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("the URL is no http:// or https:// URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL contains credentials, which other users can read");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL has a query or a fragment");
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// An upstream with its HTTP client.
#[derive(Debug)]
pub(crate) struct Upstream {
    name: String,
    profile: Arc<Profile>,
    base: Url,
    http: reqwest::Client,
}

impl Upstream {
    pub(crate) fn new(to: &ForwardTo, profile: Arc<Profile>, limits: &Limits) -> Result<Self> {
        let config = |detail: String| Error::new(ErrorKind::Config, detail);
        let base = base(&to.url).map_err(|why| config(format!("--forward {}: {why}", to.name)))?;
        let is_private = base.scheme() == "https"
            || is_loopback(base.as_str())
            || profile.options.allow_plain_http == Some(true);
        if !is_private {
            let detail = format!("--forward {}: the token would be sent unencrypted", to.name);
            return Err(config(detail).expected("an https:// URL"));
        }
        let options = profile.options.http()?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(bindings::tls_config(&options)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .no_proxy()
            .read_timeout(limits.upstream_timeout);
        let uri: Uri = base.as_str().parse().map_err(|_| config("the URL is malformed".into()))?;
        if let Some(proxy) = bindings::proxy_for(&options, &uri)? {
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| config(format!("--forward {}: the proxy can't be used", to.name)))?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the HTTP client could not be set up")
                .with_source(error.without_url())
        })?;
        Ok(Self { name: to.name.clone(), profile, base, http })
    }

    /// Returns whether this is the upstream for that profile.
    pub(crate) fn is_for(&self, profile: &Arc<Profile>) -> bool {
        Arc::ptr_eq(&self.profile, profile)
    }

    /// Returns the URL of a request: the base, the rest of the path, and the query.
    fn url(&self, rest: &str, query: Option<&str>) -> Result<Url, Failure> {
        let path = format!("./{}", rest.trim_start_matches('/'));
        let url = self.base.join(&path);
        let mut url = url.map_err(|_| Failure::invalid("the path is no path of a URL"))?;
        // The parser has resolved `..` in every spelling.
        let server = ..Position::BeforePath;
        let is_below = url[server] == self.base[server] && url.path().starts_with(self.base.path());
        if !is_below || rest.contains('\\') {
            return Err(Failure::forbidden("the path leads out of the upstream's base URL"));
        }
        url.set_query(query);
        url.set_fragment(None);
        Ok(url)
    }

    /// Returns whether the token goes into the body of a request.
    fn token_kind(&self) -> TokenKind {
        match self.profile.options.provider {
            Some(Provider::Winkas) => TokenKind::Winkas,
            _ => TokenKind::Bearer,
        }
    }

    /// Returns whether the body of an answer with that status may say that the token was rejected.
    fn reads_body(&self, status: u16) -> bool {
        match self.token_kind() {
            TokenKind::Winkas => (200..300).contains(&status),
            _ => matches!(status, 400 | 401 | 403),
        }
    }

    fn read_answer(&self, response: &http::Response<impl AsRef<[u8]>>) -> ApiAnswer {
        self.profile.client.read_answer(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_named_by_three_parts() {
        let to: ForwardTo = "erp=winkas,https://air.winkas.net/api".parse().unwrap();
        assert_eq!((to.name.as_str(), to.profile.as_str()), ("erp", "winkas"));
        assert_eq!(base(&to.url).unwrap().as_str(), "https://air.winkas.net/api/");
        for (text, part) in [
            ("erp", "a part is missing"),
            ("erp=winkas", "a part is missing"),
            ("=p,https://h/", "a name has"),
            ("a/b=p,https://h/", "a name has"),
            ("a=p,ftp://h/", "no http://"),
            ("a=p,https://canary:canary@h/", "contains credentials"),
            ("a=p,https://h/?x=1", "query"),
            ("a=p,h", "malformed"),
        ] {
            let error = text.parse::<ForwardTo>().unwrap_err();
            assert!(error.contains(part) && !error.contains("canary"), "{text}: {error}");
        }
    }

    /// Rule: Secrets: a forwarded request reaches nothing but the paths below its upstream's base URL.
    #[test]
    fn a_path_cannot_lead_out_of_the_base_url() {
        let options = tokenlease_config::Options {
            provider: Some(Provider::Winkas),
            user: Some("u".into()),
            contract: Some("c".into()),
            ..Default::default()
        };
        let credentials = tokenlease::core::Credentials::password("p");
        let client = options.client(credentials, None).unwrap().build().unwrap();
        let profile = Arc::new(Profile { name: "p".into(), options, client });
        let to = |url: &str| ForwardTo { name: "e".into(), profile: "p".into(), url: url.into() };
        let limits = Limits::default();
        let upstream =
            Upstream::new(&to("https://h.example/api"), profile.clone(), &limits).unwrap();
        for (rest, expected) in [
            ("", Some("https://h.example/api/?q=1")),
            ("a/b", Some("https://h.example/api/a/b?q=1")),
            ("//a", Some("https://h.example/api/a?q=1")),
            ("a/../b", Some("https://h.example/api/b?q=1")),
            ("a%2Fb", Some("https://h.example/api/a%2Fb?q=1")),
            ("../x", None),
            ("%2e%2e/x", None),
            ("a/%2E./../x", None),
            ("..\\x", None),
            ("a\\b", None),
        ] {
            let found = upstream.url(rest, Some("q=1")).ok().map(String::from);
            assert_eq!(found.as_deref(), expected, "{rest}");
        }
        let error = Upstream::new(&to("http://h.example/"), profile.clone(), &limits).unwrap_err();
        assert!(error.to_string().contains("unencrypted"), "{error}");
        Upstream::new(&to("http://127.0.0.1:1/"), profile, &limits).unwrap();
    }
}
