//! Answers on their way out, written without copying the record batches in them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Answers wait for each other up to this size: one write for several small ones.
pub(super) const FLUSH_BYTES: usize = 64 * 1024;

/// The parts of the answers that are not written yet.
#[derive(Default)]
pub(super) struct Outgoing {
    parts: VecDeque<Bytes>,
    len_bytes: usize,
}

impl Outgoing {
    pub(super) fn push(&mut self, parts: impl IntoIterator<Item = Bytes>) {
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.len_bytes += part.len();
            self.parts.push_back(part);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.len_bytes >= FLUSH_BYTES
    }

    pub(super) async fn flush(&mut self, socket: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.len_bytes == 0 {
            return Ok(());
        }
        socket.write_all_buf(self).await
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.len_bytes
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| part)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(part);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        self.len_bytes -= count;
        while let Some(part) = self.parts.front_mut() {
            if count < part.len() {
                part.advance(count);
                return;
            }
            count -= part.len();
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_in_order_whatever_the_steps() {
        let whole = b"onetwothreefour";
        for step in 1..=whole.len() {
            let mut outgoing = Outgoing::default();
            outgoing.push(
                ["one", "", "two", "three", "four"].map(|part| Bytes::from_static(part.as_bytes())),
            );
            let mut out = Vec::new();
            while outgoing.has_remaining() {
                let take = step.min(outgoing.chunk().len());
                out.extend_from_slice(&outgoing.chunk()[..take]);
                outgoing.advance(take);
            }
            assert_eq!(out, whole);
            assert_eq!(outgoing.remaining(), 0);
        }
    }

    #[test]
    fn a_step_may_cross_parts() {
        let mut outgoing = Outgoing::default();
        outgoing.push(["ab", "cd", "ef"].map(|part| Bytes::from_static(part.as_bytes())));
        outgoing.advance(5);
        assert_eq!(outgoing.chunk(), b"f");
        outgoing.advance(1);
        assert!(!outgoing.has_remaining());
    }
}
