//! What one process asks of the gateway: its calls go through here, and their keys are kept.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Context;
use uuid::Uuid;

const KEY: &[u8] = b"idempotency-key: ";
const KEY_BYTES: usize = 36;

/// A call, when it passed, and its idempotency key.
type Calls = Arc<Mutex<Vec<(Instant, Uuid)>>>;

/// Forwards bytes to the gateway.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    calls: Calls,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Forwards to the gateway at this URL.
    ///
    /// # Errors
    /// When the URL is none, or no port is free.
    pub fn start(gateway: &str) -> anyhow::Result<Proxy> {
        let gateway: SocketAddr = gateway
            .strip_prefix("http://")
            .unwrap_or(gateway)
            .parse()
            .context("the gateway's address")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (calls, stop) = (Calls::default(), Arc::new(AtomicBool::new(false)));
        let (kept, stopped) = (Arc::clone(&calls), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that cannot be made is a fault that the caller must survive as well.
                if let Ok(client) = client
                    && let Ok(server) = TcpStream::connect(gateway)
                {
                    let _ = forward(&client, &server, &kept);
                }
            }
        });
        Ok(Proxy {
            address,
            calls,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The keys of all calls so far, with when they passed.
    #[must_use]
    pub fn calls(&self) -> Vec<(Instant, Uuid)> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies both ways, each on a thread that ends with the connection.
fn forward(client: &TcpStream, server: &TcpStream, calls: &Calls) -> std::io::Result<()> {
    let calls = Arc::clone(calls);
    let mut keys = Keys::default();
    copy(client.try_clone()?, server.try_clone()?, move |bytes| {
        let found = keys.take(bytes);
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.extend(found.into_iter().map(|key| (Instant::now(), key)));
    });
    copy(server.try_clone()?, client.try_clone()?, |_| {});
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8]) + Send + 'static) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            look(&buffer[..bytes]);
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Finds the keys in the bytes of a connection, also where they are torn over two reads.
#[derive(Default)]
struct Keys(Vec<u8>);

impl Keys {
    fn take(&mut self, bytes: &[u8]) -> Vec<Uuid> {
        self.0.extend(bytes.iter().map(u8::to_ascii_lowercase));
        let mut found = Vec::new();
        while let Some(at) = self.0.windows(KEY.len()).position(|window| window == KEY) {
            let key = at + KEY.len();
            let Some(text) = self.0.get(key..key + KEY_BYTES) else {
                break;
            };
            found.extend(Uuid::try_parse_ascii(text));
            self.0.drain(..key + KEY_BYTES);
        }
        let keep = KEY.len() + KEY_BYTES;
        let spent = self.0.len().saturating_sub(keep);
        self.0.drain(..spent);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_however_the_bytes_come() {
        let key = Uuid::from_u128(7);
        let call =
            format!("POST /charges HTTP/1.1\r\nIdempotency-Key: {key}\r\n\r\n{{}}").repeat(3);
        for size in [1, 7, 50, 1_000] {
            let mut keys = Keys::default();
            let found: Vec<Uuid> = call
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| keys.take(chunk))
                .collect();
            assert_eq!(found, [key; 3], "in pieces of {size}");
        }
    }
}
