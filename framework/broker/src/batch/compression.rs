//! Compressed records: opened within a bound, closed again by kafka-protocol.
//!
//! A megabyte of zstd can claim to hold gigabytes. kafka-protocol would unpack them all, so the codecs are called here,
//! each as a stream that ends at the bound.

use std::io::Read;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::compression::{Compressor, Gzip, Lz4, Snappy, Zstd};
use kafka_protocol::records::Compression;

use super::BatchError;

/// What the records of one batch may take up at most once decompressed: 64 MiB, far above what a batch may weigh.
pub(crate) const MAX_RECORDS_BYTES: usize = 64 << 20;

const BAD: BatchError = BatchError::Invalid("its records cannot be decompressed");
const TOO_LARGE: BatchError = BatchError::Invalid("its records decompress to more than 64 MiB");

/// What snappy-java, and so Kafka, writes before its blocks: magic, version 1, compatible with 1.
const SNAPPY_JAVA: &[u8; 16] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

pub(crate) fn decompress(data: Bytes, codec: Compression) -> Result<Bytes, BatchError> {
    match codec {
        Compression::None => Ok(data),
        Compression::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(&data[..])),
        Compression::Lz4 => read_bounded(lz4::Decoder::new(&data[..]).map_err(|_| BAD)?),
        Compression::Zstd => {
            read_bounded(zstd::stream::read::Decoder::with_buffer(&data[..]).map_err(|_| BAD)?)
        }
        Compression::Snappy => snappy(&data),
    }
}

fn read_bounded(from: impl Read) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    from.take(MAX_RECORDS_BYTES as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|_| BAD)?;
    if out.len() > MAX_RECORDS_BYTES {
        return Err(TOO_LARGE);
    }
    Ok(out.into())
}

/// Blocks behind snappy-java's header, or one bare block.
fn snappy(mut data: &[u8]) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    let Some(mut blocks) = data.strip_prefix(SNAPPY_JAVA) else {
        snappy_block(&mut data, &mut out)?;
        return Ok(out.into());
    };
    while !blocks.is_empty() {
        let length = blocks.try_get_u32().map_err(|_| BAD)?;
        let length = usize::try_from(length).map_err(|_| BAD)?;
        let (mut block, rest) = blocks.split_at_checked(length).ok_or(BAD)?;
        snappy_block(&mut block, &mut out)?;
        blocks = rest;
    }
    Ok(out.into())
}

fn snappy_block(block: &mut &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
    let length = snap::raw::decompress_len(block).map_err(|_| BAD)?;
    if length > MAX_RECORDS_BYTES - out.len() {
        return Err(TOO_LARGE);
    }
    // Snappy cannot pack more than 64 bytes into three: a larger claim is not worth its memory.
    if length / 64 > block.len() {
        return Err(BAD);
    }
    let start = out.len();
    out.resize(start + length, 0);
    let written = snap::raw::Decoder::new()
        .decompress(block, &mut out[start..])
        .map_err(|_| BAD)?;
    out.truncate(start + written);
    Ok(())
}

pub(crate) fn compress(data: &[u8], codec: Compression) -> Result<Bytes, BatchError> {
    let mut out = BytesMut::new();
    let write = |buf: &mut BytesMut| {
        buf.put_slice(data);
        Ok(())
    };
    let done = match codec {
        Compression::None => return Ok(Bytes::copy_from_slice(data)),
        Compression::Gzip => Gzip::compress(&mut out, write),
        Compression::Snappy => Snappy::compress(&mut out, write),
        Compression::Lz4 => Lz4::compress(&mut out, write),
        Compression::Zstd => Zstd::compress(&mut out, write),
    };
    done.map_err(|_| BatchError::Invalid("its records cannot be compressed again"))?;
    Ok(out.freeze())
}
