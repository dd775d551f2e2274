//! A TLS server that closes each connection abruptly: without TLS's end, and with a reset.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// When the server closes a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Close {
    AfterHandshake,
    AfterAnswer,
}

/// A server, whose threads end with the process.
pub(crate) struct AbruptServer {
    pub(crate) address: SocketAddr,
    /// The file of the authority that the server is trusted by.
    pub(crate) authority: PathBuf,
    /// The connections that it accepted to close them.
    pub(crate) closed: Arc<AtomicUsize>,
}

/// Starts a server.
pub(crate) fn start(close: Close, folder: &Path) -> AbruptServer {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let chain = vec![CertificateDer::from(params.signed_by(&key, &authority).unwrap())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (config, file) = (Arc::new(config), folder.join("authority.pem"));
    std::fs::write(&file, authority.pem()).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let closed = Arc::new(AtomicUsize::new(0));
    let count = closed.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, count) = (config.clone(), count.clone());
            thread::spawn(move || {
                // Before the close: the program may end at once after it.
                count.fetch_add(1, Ordering::SeqCst);
                serve(stream.unwrap(), config, close);
            });
        }
    });
    AbruptServer { address, authority: file, closed }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, close: Close) {
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            return;
        }
    }
    if matches!(close, Close::AfterAnswer) {
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.flush());
    }
    // FIN, then a reset: the peer learns of the end, writes its own, and gets the reset.
    let _ = stream.sock.shutdown(Shutdown::Write);
    let socket = socket2::SockRef::from(&stream.sock);
    let _ = socket.set_linger(Some(Duration::ZERO));
}
