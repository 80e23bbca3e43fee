//! A sandbox of a payment gateway: HTTP, a ledger keyed by idempotency key, and faults on request.
//!
//! | call | answer |
//! |---|---|
//! | `POST /charges` `{order_id, customer_id, amount_cents, currency}` | 200 `{authorization_id}`, or 402 `{reason}` |
//! | `POST /refunds` `{order_id, authorization_id, amount_cents, currency}` | 200 `{refund_id}` |
//! | `GET /ledger` | `{charges, refunds, declines, calls}`, see [`Statement`] |
//! | `GET /faults`, `PUT /faults` | [`Faults`]; what a PUT leaves out does not happen any more |
//!
//! Charges and refunds need the header `Idempotency-Key`: the first call under a key is recorded, and every later one
//! gets the same answer. The same key with another content is refused (422), and so is a refund of an unknown charge.
//! A customer whose id ends in `-no-funds` is declined. The sandbox does not judge what it is asked under new keys: an
//! order charged twice stands in the ledger twice, for the audit to find.

mod command;
mod faults;
mod http;
mod ledger;
mod listen;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use command::{FaultArgs, GatewayArgs, run};
pub use faults::Faults;
pub use ledger::{Charge, Decline, Entry, Refund, Statement};

use faults::Dice;
use ledger::Ledger;
use listen::Refuse;

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    dice: Mutex<Dice>,
    /// Gone once the gateway stops, which ends the listener.
    refusals: Mutex<Option<UnboundedSender<Refuse>>>,
}

impl Shared {
    fn set_faults(&self, faults: Faults) -> Result<(), String> {
        faults.check()?;
        self.dice.lock().set(Faults {
            refuse_ms: 0,
            ..faults
        });
        if faults.refuse_ms > 0
            && let Some(refusals) = &*self.refusals.lock()
        {
            let lasting = Duration::from_millis(faults.refuse_ms);
            // Only a gateway that has stopped receives nothing, and it refuses connections by itself.
            let _ = refusals.send(Refuse {
                lasting,
                asked_by: tokio::task::try_id(),
            });
        }
        Ok(())
    }
}

/// A running gateway, on a thread of its own; dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Gateway {
    /// Starts a gateway at an address (port 0 takes a free one); its ledger is kept in a file if one is named.
    ///
    /// # Errors
    /// When the address is taken, or the ledger cannot be read or written.
    pub fn start(
        address: SocketAddr,
        faults: Faults,
        ledger: Option<&Path>,
    ) -> anyhow::Result<Gateway> {
        faults.check().map_err(anyhow::Error::msg)?;
        let ledger = ledger.map(Ledger::open).transpose()?.unwrap_or_default();
        let (refusals, received) = unbounded_channel();
        let dice = Mutex::new(Dice::new(Faults {
            refuse_ms: 0,
            ..faults
        }));
        let shared = Arc::new(Shared {
            ledger: Mutex::new(ledger),
            dice,
            refusals: Mutex::new(Some(refusals)),
        });

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no tokio runtime")?;
        let listener = {
            let _context = runtime.enter();
            listen::open(address)
                .with_context(|| format!("the gateway cannot listen on {address}"))?
        };
        let address = listener
            .local_addr()
            .context("the gateway has no address")?;
        let app = http::router(Arc::clone(&shared));
        let serve = move || runtime.block_on(listen::serve(listener, app, received));
        let thread = std::thread::Builder::new()
            .name("gateway".into())
            .spawn(serve)
            .context("no thread")?;
        let gateway = Gateway {
            address,
            shared,
            thread: Some(thread),
        };
        if faults.refuse_ms > 0 {
            gateway.set_faults(faults).map_err(anyhow::Error::msg)?;
        }
        Ok(gateway)
    }

    /// Where it listens, such as `http://127.0.0.1:9400`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the ledger says now.
    #[must_use]
    pub fn statement(&self) -> Statement {
        self.shared.ledger.lock().statement()
    }

    /// Changes the faults, as `PUT /faults` does.
    ///
    /// # Errors
    /// When a rate is not between 0 and 1.
    pub fn set_faults(&self, faults: Faults) -> Result<(), String> {
        self.shared.set_faults(faults)
    }

    /// Whether it has ended by itself, which it does only on an error of the listener.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Stops it.
    ///
    /// # Errors
    /// When the listener had failed before.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        drop(self.shared.refusals.lock().take());
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error).context("the gateway's listener failed"),
            Some(Err(_)) => anyhow::bail!("the gateway's thread panicked"),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!("{error:#}");
        }
    }
}
