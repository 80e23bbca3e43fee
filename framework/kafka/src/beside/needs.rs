//! What runs beside a service needs, as its app says: the topics that it publishes to and projects, and where it listens.

use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::Pin;

use kolo_core::{Event, EventType, OwnEvents};
use tokio::net::TcpListener;

/// All of it, of one app.
#[derive(Default)]
pub(crate) struct Needs {
    /// Events from outside.
    pub(crate) publishes: Vec<&'static EventType>,
    /// Streams.
    pub(crate) projects: Vec<&'static str>,
    pub(crate) listens: Vec<Listens>,
}

type Bound = Result<Option<SocketAddr>, String>;

/// Something that listens, and how it does.
pub(crate) struct Listens {
    pub(crate) name: &'static str,
    bind: Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Bound>>> + Send>,
}

impl Needs {
    pub(crate) fn publish<E: Event>(&mut self) {
        self.publishes.push(E::TYPE);
    }

    pub(crate) fn project<E: OwnEvents>(&mut self) {
        self.projects.push(E::STREAM);
    }

    pub(crate) fn listen<F, E>(
        &mut self,
        name: &'static str,
        bind: impl FnOnce() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Option<TcpListener>, E>> + 'static,
        E: Display,
    {
        let address = async |bound: F| match bound.await {
            Ok(Some(listener)) => listener
                .local_addr()
                .map(Some)
                .map_err(|error| error.to_string()),
            Ok(None) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        self.listens.push(Listens {
            name,
            bind: Box::new(move || Box::pin(address(bind()))),
        });
    }

    /// Whether nothing was said of topics.
    pub(crate) fn no_topics(&self) -> bool {
        self.publishes.is_empty() && self.projects.is_empty()
    }

    /// The topics.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &'static str> {
        let published = self.publishes.iter().map(|event| event.topic);
        published.chain(self.projects.iter().copied())
    }
}

impl Listens {
    /// Listens for a moment; says where, or that it is to listen nowhere.
    ///
    /// # Errors
    /// Why it cannot, in its own words.
    pub(crate) async fn try_out(self) -> Bound {
        (self.bind)().await
    }
}
