//! The order service's HTTP API. `docs/edge.md` shows it, `openapi.json` describes it.
//!
//! It runs beside the service and shares nothing with it but the topics: what a client wants is published on `orders`, and
//! what became of it is read from `orders.outcome`. So every instance answers for every order, and none asks another.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `listen.rs` | where it listens |
//! | `routes.rs` | paths, and what all answers have in common: problems, a line in the log |
//! | `place.rs` `look.rs` `cancel.rs` | one call each |
//! | `body.rs` | an order as JSON: every field that is wrong, at once |
//! | `ids.rs` | what the client's key makes of orders and events |
//! | `accepted.rs` | what this instance has taken in, and its topic may not show yet |
//! | `view.rs` | what is known of each order: a fold of the stream, in memory |
//! | `wait.rs` | `?wait=2s` |
//! | `answer.rs` `problem.rs` | what is answered, as JSON |

mod accepted;
mod answer;
mod body;
mod cancel;
mod ids;
mod listen;
mod look;
mod place;
mod problem;
mod routes;
mod view;
mod wait;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kolo::{Beside, Projection, ProjectionError, PublishError, Publisher};
use tokio::sync::Semaphore;

use accepted::Accepted;
use listen::CannotListen;
use view::View;

pub(crate) use listen::listen;

/// Who the events that it publishes say they are from.
const SOURCE: &str = "/order/http";

/// How long an event may stay without acknowledgement before the client is told.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(5);

/// How many requests may wait for an outcome at once: each has a connection, of which a process may have about a thousand.
const WAITING: usize = 500;

/// What the calls share.
struct Api {
    beside: Beside,
    publisher: Publisher,
    projection: Projection,
    view: Arc<View>,
    accepted: Accepted,
    waiting: Semaphore,
}

/// Why the API cannot begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Listen(#[from] CannotListen),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Project(#[from] ProjectionError),
    #[error("the listener failed: {0}")]
    Serve(#[from] std::io::Error),
}

/// Serves until the process is told to stop, and requests that are under way are answered.
pub(crate) async fn serve(beside: Beside) -> Result<(), ApiError> {
    let Some(listener) = listen().await? else {
        return Ok(());
    };
    let unready = beside.unready("what was decided is not all known yet");
    let view = Arc::new(View::default());
    let folded = Arc::clone(&view);
    let projection = Projection::start(beside.config(), move |record| folded.take(record))?;
    let publisher = beside
        .publisher(SOURCE)
        .acknowledged_within(ACKNOWLEDGED_WITHIN);
    let publisher = tokio::select! {
        publisher = publisher.connect(beside.config()) => publisher?,
        () = beside.stopping() => return Ok(()),
    };
    let stopping = beside.stopping();
    let api = Arc::new(Api {
        beside,
        publisher,
        projection,
        view,
        accepted: Accepted::default(),
        waiting: Semaphore::new(WAITING),
    });
    tracing::info!(
        "the HTTP API listens on http://{}; it describes itself at /openapi.json",
        listener.local_addr()?
    );
    let router = routes::router(Arc::clone(&api));
    let becomes_ready = async {
        // Should the projection end before, that is told below.
        let _ = api.projection.ready().await;
        drop(unready);
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        never = becomes_ready => match never {},
        served = async { axum::serve(listener, router).with_graceful_shutdown(stopping).await } => served?,
        why = api.projection.ended() => return Err(why.into()),
    }
    api.publisher.close().await;
    Ok(())
}
