//! `health`: what the process beside this one says of itself, as an exit code.
//!
//! Supervisors that can only run a command, such as a container's health check, have nothing else: an image of a service has no
//! client for HTTP.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use clap::Args;

use super::failure::Failure;
use super::print;
use crate::config::Config;

/// An answer has a line for each partition at most.
const LONGEST_ANSWER: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  Is the service of this machine ready? The exit code tells, and the output what is missing.
    KOLO_MANAGEMENT=127.0.0.1:9400 order health

  Should it be left alone, as it is?
    order health --live

It asks where KOLO_MANAGEMENT, or `management` in the configuration file, has the service listen.
Exit codes: 0 ready (or live), 1 not, or nobody answers, 2 the configuration names no address.")]
pub(super) struct Health {
    /// Ask whether the process should be left alone (/livez), instead of whether it is ready (/readyz).
    #[arg(long)]
    live: bool,
    /// How long to wait for the answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
}

pub(super) fn run(config: &Config, asked: &Health) -> Result<(), Failure> {
    let address = &config.management;
    if address.is_empty() {
        return Err(Failure::input(
            "no address is known to ask at: health is served where KOLO_MANAGEMENT says, as in KOLO_MANAGEMENT=127.0.0.1:9400; start the service with it, and ask with the same",
        ));
    }
    let path = if asked.live { "/livez" } else { "/readyz" };
    let limit = Duration::from_millis(asked.timeout_ms);
    let (status, body) = get(address, path, limit).map_err(|problem| {
        Failure::run(format!(
            "http://{address}{path} does not answer: {problem}. KOLO_MANAGEMENT must be that of the service that runs"
        ))
    })?;
    print(&format!("{}\n", body.trim_end()))?;
    if status == 200 {
        Ok(())
    } else {
        Err(Failure::NotDone)
    }
}

/// Status and body. By the oldest version of HTTP, in which an answer ends with its connection.
fn get(address: &str, path: &str, limit: Duration) -> io::Result<(u16, String)> {
    let until = Instant::now() + limit;
    let mut stream = connect(address, limit)?;
    let left = until.saturating_duration_since(Instant::now());
    let left = left.max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream
        .take(LONGEST_ANSWER)
        .read_to_string(&mut answer)
        .map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => {
                io::Error::other(format!("it has not answered in {limit:.0?}"))
            }
            _ => error,
        })?;
    parse(&answer).ok_or_else(|| io::Error::other("what answers there does not speak HTTP"))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some((status.parse().ok()?, body.to_owned()))
}

fn connect(address: &str, limit: Duration) -> io::Result<TcpStream> {
    let mut problem = io::Error::other("it is no host and port");
    for found in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&reachable(found), limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// Who listens on all addresses is asked on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_on_all_addresses_is_asked_on_this_machine() {
        let reachable = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(reachable("0.0.0.0:9400"), "127.0.0.1:9400");
        assert_eq!(reachable("[::]:9400"), "[::1]:9400");
        assert_eq!(reachable("10.0.0.7:9400"), "10.0.0.7:9400");
    }

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse(answer), Some((503, "{}".to_owned())));
        assert_eq!(parse("SSH-2.0-x\r\n\r\n"), None);
    }
}
