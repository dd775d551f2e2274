//! `emulate`: runs an emulator of both providers on this machine.

use std::io;

use tokenlease_emulator::Emulator;

use crate::{
    args::Emulate,
    output::{Failure, config, line, warn},
    session,
};

pub(crate) fn run(args: &Emulate) -> Result<(), Failure> {
    for (provider, address) in [("winkas", args.winkas), ("wyn", args.wyn)] {
        if !address.ip().is_loopback() {
            warn(format!(
                "{provider} listens on {address}: everyone who can connect to it can control the \
                 emulator and read its tokens"
            ));
        }
    }
    session::block_on(async {
        let emulator = Emulator::builder()
            .winkas_addr(args.winkas)
            .wyn_addr(args.wyn)
            .quirks(args.quirks.iter().copied())
            .start()
            .await
            .map_err(|error| cannot_listen(args, &error))?;
        // Before the line is printed: a program that reads it may send a signal at once.
        let interrupted = interrupted().map_err(|error| {
            config(format!("signal handlers can't be installed: {error}"))
                .expected("a system with signals")
        })?;
        line(&emulator.ready_line().to_string())?;
        emulator.serve_until(interrupted).await;
        Ok::<(), Failure>(())
    })
}

fn cannot_listen(args: &Emulate, error: &io::Error) -> Failure {
    config(format!("the emulator can't listen on {} and {}: {error}", args.winkas, args.wyn))
        .expected("addresses of this machine that no other program uses")
        .advice("use port 0 to take a free port")
        .into()
}

/// Returns a future that completes at the first SIGTERM or SIGINT (Windows: Ctrl-C) after this call.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
