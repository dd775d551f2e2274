//! A running server with its emulator, and requests to it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use http::StatusCode;
use serde_json::Value;
use tempfile::TempDir;
use tokenlease::{HttpOptions, core::Secret};
use tokenlease_emulator::Emulator;
use tokenlease_serve::{Control, ForwardTo, Limits, Server, Settings, hash};
use tokio::task::JoinHandle;

/// The secret of all consumers.
pub(crate) const SECRET: &str = "uRrj1sG_E0Tz9m5OGoQJkN3NkGkDq3R0xg4x9v8Yc2M";

/// A server, its emulator and its folder.
pub(crate) struct Running {
    pub(crate) emulator: Emulator,
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) control: Control,
    pub(crate) http: reqwest::Client,
    run: JoinHandle<()>,
}

/// The consumers of most tests: `php` may get tokens of one profile, `all` of both and has all rights,
/// and `proxy` may only forward.
pub(crate) fn consumers() -> String {
    let hash = hash(&Secret::from(SECRET));
    format!(
        "[consumer.php]\nsecret_hash = \"{hash}\"\nprofiles = [\"erp\"]\n\
         [consumer.all]\nsecret_hash = \"{hash}\"\nprofiles = [\"erp\", \"bi\"]\n\
         rights = [\"validate\", \"revoke\"]\n\
         [consumer.bi]\nsecret_hash = \"{hash}\"\nprofiles = [\"bi\"]\n\
         rights = [\"validate\", \"revoke\"]\n\
         [consumer.proxy]\nsecret_hash = \"{hash}\"\nforwards = [\"erp\", \"bi\", \"other\"]\n"
    )
}

/// Writes the configuration, with both providers of the emulator and a store in the folder.
pub(crate) fn write(folder: &Path, emulator: &Emulator, consumers: &str) -> PathBuf {
    let (winkas, wyn) = (emulator.winkas(), emulator.wyn());
    let file = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    file("erp.password", &winkas.password());
    file("bi.password", &wyn.password());
    file("bi.secret", &wyn.client_secret());
    let text = format!(
        "[profile.erp]\nprovider = \"winkas\"\nserver = \"{}\"\nuser = \"{}\"\ncontract = \"{}\"\n\
         password_file = \"erp.password\"\nstore = \"file:store\"\n\
         [profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
         password_file = \"bi.password\"\nclient_secret_file = \"bi.secret\"\nstore = \"file:store\"\n\
         {consumers}",
        winkas.server(),
        winkas.user(),
        winkas.contract(),
        wyn.server(),
        wyn.user(),
    );
    file("config.toml", &text);
    folder.join("config.toml")
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(&consumers(), |_, _| {}).await
    }

    pub(crate) async fn with(
        consumers: &str,
        change: impl FnOnce(&mut Settings, &Emulator),
    ) -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = write(folder.path(), &emulator, consumers);
        Self::open(emulator, folder, config, change)
    }

    fn open(
        emulator: Emulator,
        folder: TempDir,
        config: PathBuf,
        change: impl FnOnce(&mut Settings, &Emulator),
    ) -> Self {
        let mut settings = Settings::default();
        settings.config = Some(config);
        settings.listen = vec!["127.0.0.1:0".parse().unwrap()];
        let to = |name: &str, profile: &str, url: String| ForwardTo {
            name: name.into(),
            profile: profile.into(),
            url,
        };
        settings.forwards = vec![
            to("erp", "erp", format!("{}/api/", emulator.winkas().server())),
            to("bi", "bi", emulator.wyn().server()),
        ];
        settings.forwards.push(to("other", "bi", emulator.wyn().server()));
        change(&mut settings, &emulator);
        let server = Server::open(settings).unwrap();
        let (address, control) = (server.addresses()[0], server.control());
        let run = tokio::spawn(server.run());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(
                tokenlease::bindings::tls_config(&HttpOptions::default()).unwrap(),
            )
            .no_proxy()
            // The server may close an idle connection while a request is sent on it.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { emulator, folder, address, control, http, run }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts a form as a consumer, and returns the status and the JSON of the answer.
    pub(crate) async fn post(
        &self,
        consumer: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(path)).basic_auth(consumer, Some(SECRET));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.unwrap();
        let status = response.status();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Returns a token of a profile, got by a consumer.
    pub(crate) async fn token(&self, consumer: &str, profile: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", profile)];
        let (status, body) = self.post(consumer, "/token", &form).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Stops the server, and waits for its end.
    pub(crate) async fn stop(self) {
        self.control.stop();
        self.run.await.unwrap();
    }

    /// Stops the server and starts another one with the same folder and emulator.
    pub(crate) async fn restart(self) -> Self {
        let Self { emulator, folder, control, run, .. } = self;
        control.stop();
        run.await.unwrap();
        let config = folder.path().join("config.toml");
        Self::open(emulator, folder, config, |_, _| {})
    }
}

/// Returns limits that tests reach.
pub(crate) fn short() -> Limits {
    let mut limits = Limits::default();
    let short = std::time::Duration::from_secs(1);
    limits.head_timeout = short;
    limits.body_timeout = short;
    limits.idle_timeout = short;
    limits.drain_timeout = short;
    limits
}
