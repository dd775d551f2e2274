//! The options of `credential`: the protocols by which other programs ask for a token.

use clap::Subcommand;

use super::{after_help, connection::Connection};

#[derive(Debug, Subcommand)]
pub(crate) enum Protocol {
    /// Print an `ExecCredential` for kubectl and other clients of Kubernetes.
    ///
    /// A kubeconfig names this command under `user.exec`. The version of the answer is the one that
    /// `KUBERNETES_EXEC_INFO` names: v1 or v1beta1 of client.authentication.k8s.io.
    #[command(after_long_help = after_help(&[
        "tokenlease credential kubernetes --profile bi",
    ]))]
    Kubernetes(ForAny),
    /// Answer git as its credential helper: `get`, `store` or `erase`.
    ///
    /// Reads attributes from standard input. `get` prints the token as a password, or as a Bearer
    /// credential if the server and git can use one. `erase` reports the token as rejected. git also finds
    /// this command by the name `git-credential-tokenlease`.
    #[command(after_long_help = after_help(&[
        "git config --global credential.https://git.example.com.helper \\\n    \
         '!tokenlease credential git --profile bi --host git.example.com'",
        "printf 'protocol=https\\nhost=git.example.com\\n' | tokenlease credential git \\\n    \
         --profile bi --host git.example.com get",
    ]))]
    Git(ForHosts),
    /// Answer docker as its credential helper: `get`, `list`, `store`, `erase` or `version`.
    ///
    /// Reads an address from standard input. `get` prints the token as a secret in JSON, `erase` removes it
    /// from the store. docker calls this command by the name `docker-credential-tokenlease`.
    #[command(after_long_help = after_help(&[
        "echo registry.example.com | tokenlease credential docker \\\n    \
         --profile bi --host registry.example.com get",
    ]))]
    Docker(ForHosts),
    /// Print a token in the format of AWS' `credential_process`.
    ///
    /// The token is in the members `SessionToken` and `SecretAccessKey`. It is for programs that read this
    /// format. AWS itself takes no such token: give it a file by `exec --renew`.
    #[command(after_long_help = after_help(&["tokenlease credential process --profile bi"]))]
    Process(ForAny),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ForAny {
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ForHosts {
    /// The operation, such as `get`. git and docker add it.
    #[arg(value_name = "OPERATION")]
    pub(crate) operation: String,
    /// Answer for this host alone, named with its port if it has one: `git.example.com:8443`. Without
    /// it, the tables `[git."HOST"]` or `[docker."HOST"]` of the configuration file name hosts and profiles.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// The user name that the host expects beside the token. The default is the name that git already
    /// has, else `oauth2`.
    #[arg(long, value_name = "NAME", requires = "host")]
    pub(crate) username: Option<String>,
    // Last, because its headings of `--help` also apply to the options that follow.
    #[command(flatten)]
    pub(crate) connection: Connection,
}
