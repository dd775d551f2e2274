//! `credential git`: git's credential helper.
//!
//! Source: [git-credential](https://git-scm.com/docs/git-credential) and
//! [gitcredentials](https://git-scm.com/docs/gitcredentials), of git 2.55. Unknown attributes and operations
//! are ignored, as git asks of helpers.

use std::fmt::Write as _;

use tokenlease::{
    Result,
    core::{Secret, provider::challenge_schemes},
};
use tokenlease_config::profile::Hosts;
use zeroize::Zeroizing;

use super::hosts::{Configured, Target};
use crate::{
    args::ForHosts,
    output::{Failure, config, line},
    session::{self, Leased},
    settings::Environment,
};

pub(super) fn run(args: &ForHosts, environment: Environment<'_>) -> Result<(), Failure> {
    let get = match args.operation.as_str() {
        "get" => true,
        "erase" => false,
        // The token is in the store already.
        _ => return super::input().map(drop).map_err(Failure::from),
    };
    let input = super::input()?;
    let request = Request::parse(&input);
    let Some(target) = Configured::read(args, Hosts::Git, environment)?.find(request.host)? else {
        return Ok(());
    };
    if !get {
        return erase(&request, &target);
    }
    // Another helper or a person can't give a better answer for this host.
    answer(&request, &target).inspect_err(|_| drop(line("quit=1")))
}

fn answer(request: &Request<'_>, target: &Target) -> Result<(), Failure> {
    target.check_is_encrypted(request.protocol, request.host)?;
    let form = request.form()?;
    let leased = super::lease(&target.settings)?;
    line(form.text(&leased, target.username(request.username)).trim_end())
}

/// Reports the token that git names as rejected. The server is asked before it is replaced.
fn erase(request: &Request<'_>, target: &Target) -> Result<(), Failure> {
    let Some(text) = request.credential.or(request.password).filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let token = session::token(&target.settings, Secret::from(text.to_owned()))?;
    super::report_rejected(&target.settings, token)
}

/// The attributes of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request<'a> {
    protocol: &'a str,
    /// With the port, if the URL has one.
    host: &'a str,
    username: Option<&'a str>,
    password: Option<&'a str>,
    /// The credential that git sent in the header.
    credential: Option<&'a str>,
    /// Whether git takes a scheme and its credential instead of a user name and a password.
    can_authtype: bool,
    /// The schemes of the server's challenges.
    schemes: Vec<String>,
}

impl<'a> Request<'a> {
    fn parse(input: &'a str) -> Self {
        let mut request = Self::default();
        for line in input.lines().take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once('=') else { continue };
            match name {
                "protocol" => request.protocol = value,
                "host" => request.host = value,
                "username" => request.username = Some(value),
                "password" => request.password = Some(value),
                "credential" => request.credential = Some(value),
                "capability[]" if value == "authtype" => request.can_authtype = true,
                // An empty value clears the list.
                "wwwauth[]" if value.is_empty() => request.schemes.clear(),
                "wwwauth[]" => request.schemes.extend(challenge_schemes(value)),
                _ => {}
            }
        }
        request
    }

    /// Returns the form of the token that git and the server take.
    fn form(&self) -> Result<Form> {
        let challenges =
            |scheme: &str| self.schemes.iter().any(|one| one.eq_ignore_ascii_case(scheme));
        if self.can_authtype && challenges("bearer") {
            return Ok(Form::Bearer);
        }
        // Without a challenge, as before git 2.41, most servers take a token as a password.
        if self.schemes.is_empty() || challenges("basic") {
            return Ok(Form::Password);
        }
        Err(config(format!("{} asks for {}", self.host, self.schemes.join(", ")))
            .expected("a server that takes Basic, or Bearer and git 2.46 or later"))
    }
}

/// How git sends the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As the password of HTTP's Basic.
    Password,
    /// As HTTP's Bearer.
    Bearer,
}

impl Form {
    fn text(self, leased: &Leased, username: &str) -> Zeroizing<String> {
        let token = leased.token.expose();
        // Room for all, so that no copy of the token stays behind.
        let mut text = Zeroizing::new(String::with_capacity(token.len() + username.len() + 256));
        let _ = match self {
            Self::Password => write!(text, "username={username}\npassword={token}\n"),
            // No other helper is to save it.
            Self::Bearer => write!(
                text,
                "capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n"
            ),
        };
        if let Some(until) = leased.served_until() {
            let _ = writeln!(text, "password_expiry_utc={}", until.0.div_euclid(1000));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_up_to_a_blank_line_and_unknown_ones_ignored() {
        let input = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=h:1\n\
                     username=u\npassword=a=b\nwwwauth[]=Digest x\nwwwauth[]=\n\
                     wwwauth[]=Basic realm=\"r\", Bearer\nnew=1\nnonsense\n\nhost=other\n";
        let expected = Request {
            protocol: "https",
            host: "h:1",
            username: Some("u"),
            password: Some("a=b"),
            credential: None,
            can_authtype: true,
            schemes: vec!["Basic".to_owned(), "Bearer".to_owned()],
        };
        assert_eq!(Request::parse(input), expected);
    }

    #[test]
    fn the_form_is_one_that_git_and_the_server_take() {
        for (input, expected) in [
            ("host=h\n", Some(Form::Password)),
            ("capability[]=authtype\n", Some(Form::Password)),
            ("wwwauth[]=Bearer\nwwwauth[]=basic realm=x\n", Some(Form::Password)),
            ("capability[]=authtype\nwwwauth[]=Basic\nwwwauth[]=bearer\n", Some(Form::Bearer)),
            ("capability[]=authtype\nwwwauth[]=Negotiate\n", None),
            ("wwwauth[]=Bearer\n", None),
        ] {
            let form = Request::parse(input).form();
            assert_eq!(form.as_ref().ok().copied(), expected, "{input}: {form:?}");
        }
    }
}
