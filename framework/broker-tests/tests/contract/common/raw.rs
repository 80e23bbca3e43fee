//! A connection that sends any message, or any bytes, and shows the answer as it is.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use super::PATIENCE;

/// The client id of raw connections.
pub(crate) const CLIENT_ID: &str = "contract-raw";

/// One connection.
pub(crate) struct Raw {
    stream: TcpStream,
    correlation: i32,
}

impl Raw {
    /// To the broker at this address; [`Raw::connect`] knows the one under test.
    pub(crate) fn connect_to(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the broker accepts a connection");
        stream.set_nodelay(true).expect("no delay");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a read timeout");
        Raw {
            stream,
            correlation: 0,
        }
    }

    /// Sends a request and returns its answer.
    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let correlation = self.send(version, request);
        self.receive::<R>(version, correlation)
    }

    /// Sends a request, whose correlation id it returns, without waiting for the answer.
    pub(crate) fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation += 1;
        let frame = frame(self.correlation, version, request);
        self.write(&frame);
        self.correlation
    }

    /// Reads the answer to the request with this correlation id, which must be the next one.
    pub(crate) fn receive<R: Request>(&mut self, version: i16, correlation: i32) -> R::Response {
        let mut frame = self
            .read_frame()
            .expect("an answer, not a closed connection");
        let header = ResponseHeader::decode(&mut frame, R::Response::header_version(version))
            .expect("a response header");
        assert_eq!(header.correlation_id, correlation, "answers come in order");
        let response = R::Response::decode(&mut frame, version).expect("a response");
        assert_eq!(frame.remaining(), 0, "nothing follows a response");
        response
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .expect("the broker takes bytes");
    }

    /// Reads one frame; `None` when the broker closed the connection.
    pub(crate) fn read_frame(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        self.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        let mut frame = vec![0; length];
        self.read_exact(&mut frame)?;
        Some(frame.into())
    }

    fn read_exact(&mut self, into: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(into) {
            Ok(()) => Some(()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                None
            }
            Err(error) => panic!("neither an answer nor a closed connection: {error}"),
        }
    }
}

/// The bytes of a request with its length in front.
pub(crate) fn frame<R: Request>(correlation: i32, version: i16, request: &R) -> Vec<u8> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let mut body = BytesMut::new();
    header
        .encode(&mut body, R::header_version(version))
        .expect("a header of this version");
    request
        .encode(&mut body, version)
        .expect("a request of this version");
    framed(&body)
}

/// Bytes with their length in front.
pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(4 + body.len());
    frame.put_u32(body.len() as u32);
    frame.put_slice(body);
    frame
}
