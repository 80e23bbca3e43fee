//! Addresses for what is taken away, and comes back to where it was.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Mutex;

use anyhow::bail;

/// Below the range from which systems hand out ports, and below the one from which `scripts/kafka/start` does, so that nobody
/// else takes one while its owner is away.
const PORTS: Range<u16> = 10_000..20_000;

/// One that nobody listens at, and that nobody else in this process was given.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    for _ in 0..200 {
        let port = fastrand::u16(PORTS);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let is_new = GIVEN.lock().map(|mut given| given.insert(port));
        if is_new.unwrap_or(true) && TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("found no free port from {} to {}", PORTS.start, PORTS.end)
}
