//! One configuration at one server, through the client, the exchanges and the program.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use http::Response;
use serde_json::Value;
use tokenlease::{
    Client, Error, HttpOptions, Registry, Result,
    core::{
        Credentials, Secret, Timestamp, Token, TokenKind,
        http::Request,
        provider::{Answer, Call, ClientAuth, Server, oauth2, wyn},
    },
};
use tokenlease_config::Options;
use tokenlease_tests::servers::Running;
use toml::Table;

/// The accounts of the servers, as `servers/README.md` lists them.
pub(crate) const PASSWORD: &str = "admin-password";
pub(crate) const CLIENTS: [(&str, &str); 3] = [
    ("integration", "integration-secret-0123456789abcdef"),
    ("special", "s+e&c %r=t:/\"x"),
    ("special8", "s+e&c %r=t:/\"xø😀"),
];

/// A configuration: a profile's options and the secrets.
#[derive(Clone)]
pub(crate) struct Trial<'a> {
    pub(crate) running: &'a Running,
    pub(crate) options: Table,
    pub(crate) password: Option<String>,
    pub(crate) client_secret: Option<String>,
}

/// How the program ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: Value,
    pub(crate) error: Value,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(running: &'a Running, profile: &Table) -> Self {
        let (client, secret) = CLIENTS[0];
        let trial = Self {
            running,
            options: profile.clone(),
            password: Some(PASSWORD.into()),
            client_secret: Some(secret.into()),
        };
        trial.with("user", "admin").with("client_id", client)
    }

    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        self.options.insert(option.into(), value.into());
        self
    }

    pub(crate) fn without(mut self, option: &str) -> Self {
        self.options.remove(option);
        self
    }

    pub(crate) fn password(mut self, password: &str) -> Self {
        self.password = Some(password.into());
        self
    }

    pub(crate) fn secret(mut self, secret: &str) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    pub(crate) fn option(&self, name: &str) -> &str {
        self.options.get(name).and_then(|value| value.as_str()).unwrap_or_default()
    }

    /// The options as all languages read them.
    fn read_options(&self) -> Result<Options> {
        let mut options = Options::default();
        options.set("server", &self.running.address())?;
        for (option, value) in &self.options {
            options.set(option, value.as_str().expect("options are texts"))?;
        }
        Ok(options)
    }

    pub(crate) fn server(&self) -> Result<Server> {
        self.read_options()?.server()
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            password: self.password.as_deref().map(Into::into),
            client_secret: self.client_secret.as_deref().map(Into::into),
            ..Credentials::default()
        }
    }

    /// A client that shares nothing with another one, so that no backoff or circuit of an earlier case is
    /// left.
    pub(crate) fn client(&self) -> Result<tokenlease::blocking::Client> {
        let registry = Registry::builder().http(HttpOptions::new().without_proxy()).build()?;
        let client = Client::builder(self.server()?, self.credentials()).registry(&registry);
        Ok(client.build()?.blocking())
    }

    /// Gets a token by the exchange alone, over a plain socket.
    pub(crate) fn fresh_token(&self) -> Result<Token> {
        let secret = self.client_secret.as_deref().map(Secret::from);
        let auth = self.read_options()?.client_auth;
        let client = |default| oauth2::Client {
            id: self.option("client_id"),
            secret: secret.as_ref(),
            auth: auth.map_or(default, Into::into),
        };
        let password = Secret::from(self.password.as_deref().unwrap_or_default());
        let (user, scope) = (self.option("user"), self.option("scope"));
        let endpoint = &(self.running.address() + self.option("token_path"));
        let (request, wyn) = if self.option("provider") == "wyn" {
            let login = wyn::Login {
                server: &self.running.address(),
                path: wyn::TOKEN_PATH,
                user,
                password: &password,
                client: client(ClientAuth::Body),
                tenant: "/",
                lifetime: None,
                scope,
                extra: &[],
            };
            (login.request()?, true)
        } else if user.is_empty() {
            let client = client(ClientAuth::Basic);
            (oauth2::ClientLogin { endpoint, client, scope, extra: &[] }.request()?, false)
        } else {
            let client = client(ClientAuth::Basic);
            let password = &password;
            let login = oauth2::Login { endpoint, user, password, client, scope, extra: &[] };
            (login.request()?, false)
        };
        let response = self.send(&request);
        let granted = if wyn {
            wyn::Login::parse(&response, Timestamp(0))
        } else {
            oauth2::Login::parse(&response, Timestamp(0))
        };
        Ok(granted?.token)
    }

    /// Sends any other call by its exchange alone.
    pub(crate) fn exchange(&self, call: &Call) -> Result<Answer> {
        let (server, credentials) = (self.server()?, self.credentials());
        let response = self.send(&server.request(call, &credentials)?);
        Ok(server.read(call, &response, Timestamp(0), &credentials))
    }

    fn send(&self, request: &Request) -> Response<Vec<u8>> {
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
            .collect();
        let path = request.uri().path_and_query().expect("a path").as_str();
        let answer =
            self.running.send(request.method().as_str(), path, &headers, request.body().as_bytes());
        answer.expect("an answer")
    }

    /// Calls the server's API with a token.
    pub(crate) fn api(&self, path: &str, token: &Token) -> Response<Vec<u8>> {
        let bearer = format!("Bearer {}", token.expose());
        self.running.send("GET", path, &[("Authorization", &bearer)], b"").expect("an answer")
    }

    /// Runs the program, with the options in a profile and the secrets in the environment.
    pub(crate) fn program(&self, command: &str, state: &std::path::Path, input: &str) -> Run {
        let mut options = self.options.clone();
        options.insert("server".into(), self.running.address().into());
        let profiles = Table::from_iter([("tried".to_owned(), options.into())]);
        let file = Table::from_iter([("profile".to_owned(), profiles.into())]);
        let config = state.join("config.toml");
        std::fs::write(&config, file.to_string()).expect("a configuration file");

        let mut program = Command::new(env!("CARGO_BIN_EXE_tokenlease-under-test"));
        program
            .args([command, "--profile", "tried", "--output", "json", "--config"])
            .arg(&config)
            .env_clear()
            .env("HOME", state)
            .env("TOKENLEASE_STORE", format!("file:{}", state.join("leases").display()));
        for (name, secret) in [
            ("TOKENLEASE_PASSWORD", &self.password),
            ("TOKENLEASE_CLIENT_SECRET", &self.client_secret),
        ] {
            if let Some(secret) = secret {
                program.env(name, secret);
            }
        }
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        // A command that reads no input may have ended already.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its output");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        self.has_no_secret(&message);
        assert!(input.is_empty() || !message.contains(input), "a token in {message}");
        let line = |text: &str| serde_json::from_str(text.trim()).unwrap_or_default();
        Run {
            code: output.status.code(),
            out: line(&String::from_utf8_lossy(&output.stdout)),
            error: line(&message)["error"].take(),
        }
    }

    /// Asserts that a message has no secret, also if the server echoed one.
    #[track_caller]
    fn has_no_secret(&self, message: &str) {
        for secret in [&self.password, &self.client_secret].into_iter().flatten() {
            assert!(!message.contains(secret.as_str()), "a secret in {message}");
        }
    }

    /// Logs in through client, exchange and program, and returns the outcome, which must be the same.
    #[track_caller]
    pub(crate) fn login(&self, case: &str) -> String {
        let by_exchange = summary(self.fresh_token());
        let result = self.client().and_then(|client| client.token());
        if let Err(error) = &result {
            self.has_no_secret(&format!("{error} {error:?}"));
        }
        let by_client = summary(result);
        assert_eq!(by_client, by_exchange, "client and exchange, {case}");
        let state = tempfile::tempdir().expect("a folder");
        let run = self.program("token", state.path(), "");
        let by_program = match run.code {
            Some(0) => "a token".to_owned(),
            _ => in_words(
                run.error["kind"].as_str().unwrap_or("no error at all"),
                run.error["status"].as_u64(),
                run.error["code"].as_str(),
            ),
        };
        assert_eq!(by_program, by_exchange, "program and exchange, {case}");
        match run.code {
            Some(0) => by_program,
            code => format!("{by_program}, exit {}", code.unwrap_or(-1)),
        }
    }
}

/// A token that no server issued.
pub(crate) fn unknown_token() -> Token {
    Token::new(TokenKind::Bearer, "no-such-token")
}

/// The outcome of a call, without the parts that change from run to run.
pub(crate) fn summary(result: Result<Token>) -> String {
    match result {
        Ok(_) => "a token".into(),
        Err(error) => error_summary(&error),
    }
}

pub(crate) fn error_summary(error: &Error) -> String {
    in_words(error.kind().as_str(), error.status().map(Into::into), error.code())
}

fn in_words(kind: &str, status: Option<u64>, code: Option<&str>) -> String {
    let status = status.map(|status| format!(" ({status}")).unwrap_or_default();
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let end = if status.is_empty() { "" } else { ")" };
    format!("{kind}{status}{code}{end}")
}
