//! Addresses that do not answer.

use std::time::Instant;

use socket2::{Domain, Socket, Type};

use super::*;
use crate::transport::addresses::Addresses;

/// Listens at an address with a full backlog, so that the system drops each further connection.
fn black_hole(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(0).unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100));
    let waiting = std::iter::from_fn(|| connect().ok()).collect();
    (socket.into(), waiting)
}

/// Rule: Deadlines: if the first address of a host does not answer, the next one is tried at once, long
/// before the first one's share of the timeout has passed.
#[tokio::test]
async fn an_address_that_does_not_answer_holds_up_no_connection() {
    let listener = TcpListener::bind("127.0.0.3:0").unwrap();
    let answers = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read(&mut stream);
            stream.write_all(OKAY.as_bytes()).unwrap();
        }
    });
    let full_one = SocketAddr::new("127.0.0.2".parse().unwrap(), answers.port());
    let _full = black_hole(full_one);
    let addresses = vec![SocketAddr::new(full_one.ip(), 0), SocketAddr::new(answers.ip(), 0)];
    let timeout = Duration::from_secs(80);
    let mut options = HttpOptions::new().without_proxy().with_timeout(timeout);
    options.addresses = Addresses::looked_up(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    });
    let transport = Transport::new(&options.dangerously_allow_plain_http()).unwrap();
    let begun = Instant::now();
    let address = format!("http://two.example:{}", answers.port());
    transport.send(post(&address), timeout).await.unwrap();
    // Half of the timeout is for the connection, and each address has half of that.
    let share = timeout / 4;
    assert!(begun.elapsed() < share / 4, "{:?} of {share:?}", begun.elapsed());
}
