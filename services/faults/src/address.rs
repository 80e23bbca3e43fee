//! Addresses for what is taken away, and comes back to where it was.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use anyhow::bail;

/// Below the range from which systems hand out ports, so that nobody else takes one while its owner is away.
const PORTS: Range<u16> = 20_000..32_000;

/// One that nobody listens at.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..200 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("found no free port from {} to {}", PORTS.start, PORTS.end)
}
