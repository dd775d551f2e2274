//! A TLS server that requires a client certificate, in front of a server without TLS.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A TLS server on loopback, and the files of its clients. It passes the bytes of clients whose
/// certificate its authority signed on to another server. It ends with the process.
pub struct ClientCertificates {
    address: SocketAddr,
    folder: TempDir,
}

impl ClientCertificates {
    /// Starts the server in front of that one.
    ///
    /// # Panics
    /// If it does not start.
    pub fn required_before(server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "tokenlease test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = Authority::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let of_server = signed(&authority, "127.0.0.1");
        let of_client = signed(&authority, "client");
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("client.pem", of_client.0.pem()),
            ("client.key", of_client.1.serialize_pem()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let config = Arc::new(config(&authority, &of_server));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        thread::spawn(move || serve(listener, &config, server));
        Self { address, folder }
    }

    /// The address of the TLS server.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The file of the authority's certificate, for the option `ca`.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The file of the client's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("client.pem")
    }

    /// The file of the client's key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("client.key")
    }

    /// A file of a key that is encrypted with a password.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn encrypted_key(&self) -> PathBuf {
        let path = self.folder.path().join("encrypted.key");
        let text =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHs\n-----END ENCRYPTED PRIVATE KEY-----\n";
        fs::write(&path, text).unwrap();
        path
    }
}

fn signed(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.signed_by(&key, authority).unwrap(), key)
}

fn config(
    authority: &Authority,
    (certificate, key): &(rcgen::Certificate, KeyPair),
) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap()
}

/// Passes connections on until the process ends.
fn serve(listener: TcpListener, config: &Arc<ServerConfig>, server: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(config.clone());
            tokio::spawn(async move {
                // A client without a certificate is rejected here, with an alert.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(server).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
}
