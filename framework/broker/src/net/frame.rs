//! Requests cut out of a byte stream: a length of four bytes, then so many bytes.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest request that is read, as Kafka's `socket.request.max.bytes`.
pub(crate) const MAX_FRAME_BYTES: usize = 100 * 1024 * 1024;

/// Requests are smaller than this, but for those that carry records. What a request holds takes more room in memory than
/// in its frame, so this also says how much a hostile one can take.
pub(crate) const MAX_SMALL_FRAME_BYTES: usize = 1024 * 1024;

/// The API key of `Produce`, with which a frame begins.
const PRODUCE: [u8; 2] = [0, 0];

/// What an idle connection holds.
const IDLE_BYTES: usize = 4 * 1024;

/// Room is made ahead of the bytes only this far, so that a client that announces much and sends little costs little.
const READ_AHEAD_BYTES: usize = 1024 * 1024;

/// The bytes read from one connection and not yet handled.
pub(super) struct Frames {
    buffer: BytesMut,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a request of {0} bytes is announced; at most {MAX_FRAME_BYTES} are read")]
    TooLarge(i64),
    #[error(
        "a request of {0} bytes is announced, and it is none that carries records; at most {MAX_SMALL_FRAME_BYTES} are read"
    )]
    TooLargeForItsKind(usize),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Frames {
    pub(super) fn new() -> Self {
        Frames {
            buffer: BytesMut::new(),
        }
    }

    /// The next request that is already here in full.
    pub(super) fn buffered(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(length) = self.announced()? else {
            return Ok(None);
        };
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        self.buffer.advance(4);
        let frame = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() && length > READ_AHEAD_BYTES {
            // Otherwise the connection would keep the room of its largest request for the next one.
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }

    /// Reads until a request is here in full. `None` when the client closed, be it in the middle of a request.
    pub(super) async fn next(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(Some(frame));
            }
            self.make_room()?;
            if socket.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Ends when the client has closed. Reads ahead meanwhile, as far as one read goes: without reading, a close is not
    /// seen.
    pub(super) async fn closed(&mut self, socket: &mut (impl AsyncRead + Unpin)) {
        while self.buffer.len() < READ_AHEAD_BYTES {
            self.buffer.reserve(IDLE_BYTES);
            match socket.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending::<()>().await;
    }

    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*prefix);
        match usize::try_from(length) {
            Ok(length) if length <= MAX_SMALL_FRAME_BYTES => Ok(Some(length)),
            Ok(length) if length <= MAX_FRAME_BYTES => match self.buffer.get(4..6) {
                Some(key) if key != PRODUCE => Err(FrameError::TooLargeForItsKind(length)),
                _ => Ok(Some(length)),
            },
            _ => Err(FrameError::TooLarge(i64::from(length))),
        }
    }

    fn make_room(&mut self) -> Result<(), FrameError> {
        let missing = match self.announced()? {
            Some(length) => (4 + length).saturating_sub(self.buffer.len()),
            None => IDLE_BYTES,
        };
        let ahead = READ_AHEAD_BYTES.max(self.buffer.len());
        self.buffer.reserve(missing.clamp(IDLE_BYTES, ahead));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_cut_where_they_end_however_the_bytes_arrive() {
        let wire = [
            &[0, 0, 0, 3][..],
            b"abc",
            &[0, 0, 0, 0],
            &[0, 0, 0, 1],
            b"z",
        ]
        .concat();
        for step in 1..=wire.len() {
            let (mut client, mut server) = tokio::io::duplex(step);
            let sent = wire.clone();
            let sender = tokio::spawn(async move {
                tokio::io::AsyncWriteExt::write_all(&mut client, &sent)
                    .await
                    .unwrap();
            });
            let mut frames = Frames::new();
            assert_eq!(
                frames.next(&mut server).await.unwrap().unwrap(),
                &b"abc"[..]
            );
            assert_eq!(frames.next(&mut server).await.unwrap().unwrap(), &b""[..]);
            assert_eq!(frames.next(&mut server).await.unwrap().unwrap(), &b"z"[..]);
            assert!(frames.next(&mut server).await.unwrap().is_none());
            sender.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_frame_over_the_limit_or_below_zero_is_refused_before_it_is_read() {
        for length in [100 * 1024 * 1024 + 1, i32::MAX, -1, i32::MIN] {
            let mut wire = &length.to_be_bytes()[..];
            let refused = Frames::new().next(&mut wire).await;
            assert!(
                matches!(refused, Err(FrameError::TooLarge(l)) if l == i64::from(length)),
                "{length}"
            );
        }
    }

    #[tokio::test]
    async fn only_what_carries_records_may_be_large() {
        let large = i32::try_from(MAX_SMALL_FRAME_BYTES).unwrap() + 1;
        for (length, key, is_read) in [
            (large, 0_i16, true),
            (large, 3, false),
            (large - 1, 3, true),
        ] {
            let mut wire = length.to_be_bytes().to_vec();
            wire.extend(key.to_be_bytes());
            let mut wire = &wire[..];
            let read = Frames::new().next(&mut wire).await;
            assert_eq!(read.is_ok(), is_read, "{length} bytes of API {key}");
        }
    }

    #[tokio::test]
    async fn a_large_frame_leaves_no_room_behind() {
        let mut frames = Frames::new();
        let mut wire = (3_i32 << 20).to_be_bytes().to_vec();
        wire.resize(4 + (3 << 20), 0);
        let frame = frames.next(&mut &wire[..]).await.unwrap().unwrap();
        assert_eq!(frame.len(), 3 << 20);
        drop(frame);
        frames.buffer.reserve(IDLE_BYTES);
        assert!(frames.buffer.capacity() <= READ_AHEAD_BYTES);
    }

    #[tokio::test]
    async fn what_is_announced_is_not_allocated_ahead() {
        let mut frames = Frames::new();
        let mut wire = &[0x06, 0x00, 0x00, 0x00, 1][..];
        assert!(frames.next(&mut wire).await.unwrap().is_none());
        assert!(frames.buffer.capacity() <= 2 * READ_AHEAD_BYTES);
    }
}
