//! `shop gateway`: the sandbox as a process of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::{Faults, Gateway};

/// `shop gateway`
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port to listen on; 0 takes a free one. The first line of stdout is the URL.
    #[arg(long, default_value_t = 9400)]
    port: u16,
    /// Starts nothing: asks the gateway that listens there whether it answers. The exit code tells, as a health check wants it.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    faults: FaultArgs,
}

/// What the sandbox is told at its start.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The sandbox gateway")]
pub struct FaultArgs {
    /// Keep the gateway's ledger in this file, one JSON line an entry; an existing one is continued.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Every answer takes this long.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    gateway_latency_ms: u64,
    /// Share of the calls that are answered by status 500 and do nothing.
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    gateway_error_rate: f64,
    /// Share of the calls that are carried out and never answered.
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    gateway_timeout_rate: f64,
    /// Seed of the faults.
    #[arg(long, value_name = "N", default_value_t = 0)]
    gateway_seed: u64,
}

impl FaultArgs {
    /// The faults to start with.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults {
            latency_ms: self.gateway_latency_ms,
            error_rate: self.gateway_error_rate,
            timeout_after_charge_rate: self.gateway_timeout_rate,
            refuse_ms: 0,
            seed: Some(self.gateway_seed),
        }
    }
}

/// How long a gateway that is asked may take.
const CHECK: Duration = Duration::from_secs(2);

/// Runs until it is told to stop (SIGTERM, SIGINT); or asks the one that runs.
///
/// # Errors
/// When the address is taken, the ledger cannot be used, or the listener fails. When the one that is asked does not answer.
pub fn run(args: &GatewayArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no tokio runtime")?;
    let address = SocketAddr::new(args.host, args.port);
    if args.check {
        return runtime.block_on(check(address));
    }
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut term = signal(SignalKind::terminate()).context("SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
        let gateway = Gateway::start(address, args.faults.faults(), args.faults.ledger.as_deref())?;
        crate::print(&gateway.url())?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = term.recv() => break,
                _ = interrupt.recv() => break,
                _ = tick.tick() => if gateway.failed() {
                    return gateway.stop().and_then(|()| bail!("the gateway ended by itself"));
                },
            }
        }
        gateway.stop()
    })
}

/// What listens on every address answers on this machine's own.
async fn check(mut address: SocketAddr) -> anyhow::Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let client = reqwest::Client::builder()
        .timeout(CHECK)
        .no_proxy()
        .build()?;
    let answer = client.get(format!("http://{address}/faults")).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    answer.with_context(|| format!("no gateway answers at {address}"))?;
    Ok(())
}
