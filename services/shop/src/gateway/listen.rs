//! The sandbox's listener, which can refuse connections for a while.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{Id, JoinHandle};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long the answer to the call that asked for refusal may take on its way out.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// Connections are to be refused from now on.
#[derive(Debug)]
pub(super) struct Refuse {
    /// For so long.
    pub(super) lasting: Duration,
    /// The task of the connection that asked, if it was asked over HTTP: it still gets its answer.
    pub(super) asked_by: Option<Id>,
}

/// A socket that owns the address and refuses connections until it listens.
fn closed(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A listener; port 0 takes a free one.
pub(super) fn open(address: SocketAddr) -> io::Result<TcpListener> {
    closed(address)?.listen(BACKLOG)
}

/// Serves until the sender of `refusals` is gone.
pub(super) async fn serve(
    mut listener: TcpListener,
    app: axum::Router,
    mut refusals: UnboundedReceiver<Refuse>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut connections: HashMap<Id, JoinHandle<()>> = HashMap::new();
    loop {
        tokio::select! {
            refuse = refusals.recv() => {
                let Some(mut refuse) = refuse else { break };
                drop(listener);
                // Between these two lines the address is nobody's; it is bound again so that it stays ours.
                let socket = closed(address)?;
                while let Some(asked) = refuse.asked_by.take().and_then(|id| connections.remove(&id)) {
                    // Only a slow reader fails to take this answer; it is cut like all others.
                    let abort = asked.abort_handle();
                    if tokio::time::timeout(LAST_ANSWER, asked).await.is_err() {
                        abort.abort();
                    }
                }
                for (_, connection) in connections.drain() {
                    connection.abort();
                }
                let until = tokio::time::sleep(refuse.lasting);
                tokio::pin!(until);
                let go_on = loop {
                    tokio::select! {
                        () = &mut until => break true,
                        // A later wish replaces the running one.
                        next = refusals.recv() => match next {
                            Some(next) => until.as_mut().reset(tokio::time::Instant::now() + next.lasting),
                            None => break false,
                        },
                    }
                };
                if !go_on {
                    break;
                }
                listener = socket.listen(BACKLOG)?;
            }
            accepted = listener.accept() => {
                let stream = match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, or a caller who left at once: the next one may be served.
                        tracing::warn!("a connection could not be accepted: {error}");
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        continue;
                    }
                };
                connections.retain(|_, connection| !connection.is_finished());
                let connection = tokio::spawn(serve_one(stream, app.clone()));
                connections.insert(connection.id(), connection);
            }
        }
    }
    for connection in connections.into_values() {
        connection.abort();
    }
    Ok(())
}

async fn serve_one(stream: TcpStream, app: axum::Router) {
    // Answers are small and waited for.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let service = TowerToHyperService::new(app);
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        // Callers that time out hang up; that is what the injected faults are for.
        tracing::debug!("a connection ended early: {error}");
    }
}
