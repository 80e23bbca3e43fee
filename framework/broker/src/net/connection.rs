//! One connection: its requests are answered one after the other, in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use super::frame::{FrameError, Frames};
use super::outgoing::Outgoing;
use crate::api::{Refused, Reply, Request};
use crate::node::Node;

/// Who is at the other end.
pub(crate) struct Client {
    /// The client's address as Kafka writes it, such as `/127.0.0.1`.
    pub(crate) host: StrBytes,
    /// The address that the client connected to.
    pub(crate) local: SocketAddr,
}

/// Why a connection ended, other than by the client's wish.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(super) async fn serve(node: Arc<Node>, stream: TcpStream, peer: SocketAddr) {
    if let Err(ended) = converse(&node, stream, peer).await {
        tracing::debug!(%peer, %ended, "connection closed");
    }
}

async fn converse(node: &Arc<Node>, stream: TcpStream, peer: SocketAddr) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    let client = Client {
        host: StrBytes::from_string(format!("/{}", peer.ip())),
        local: stream.local_addr()?,
    };
    let (mut reader, mut writer) = stream.into_split();
    let mut frames = Frames::new();
    let mut outgoing = Outgoing::default();
    loop {
        let frame = match frames.buffered()? {
            Some(frame) => frame,
            None => {
                outgoing.flush(&mut writer).await?;
                let Some(frame) = frames.next(&mut reader).await? else {
                    return Ok(());
                };
                frame
            }
        };
        let request = match Request::open(frame) {
            Ok(request) => request,
            Err(refused) => {
                // What came before it is answered still.
                outgoing.flush(&mut writer).await?;
                return Err(refused.into());
            }
        };
        let waits = request.waits() || node.faults.armed();
        if waits || outgoing.is_full() {
            outgoing.flush(&mut writer).await?;
        }
        let answered = if request.waits() {
            match answer_unless_closed(node, &client, request, &mut frames, &mut reader).await {
                Some(answered) => answered,
                None => return Ok(()),
            }
        } else {
            request.answer(node, &client).await
        };
        match answered {
            Ok(Reply::Parts(parts)) => outgoing.push(parts),
            Ok(Reply::Nothing) => {}
            Err(refused) => {
                outgoing.flush(&mut writer).await?;
                return Err(refused.into());
            }
        }
    }
}

/// `None` if the client goes first. Nobody else waits for what such a request reads, and a member that waits for its
/// group is to be known as gone.
async fn answer_unless_closed(
    node: &Arc<Node>,
    client: &Client,
    request: Request,
    frames: &mut Frames,
    reader: &mut OwnedReadHalf,
) -> Option<Result<Reply, Refused>> {
    tokio::select! {
        biased;
        answered = request.answer(node, client) => Some(answered),
        () = frames.closed(reader) => None,
    }
}
