//! Where the API listens: `ORDER_HTTP`, or this machine's port 8080, or a free one beside whatever has that.

use std::env::VarError;
use std::io::{Error, ErrorKind};

use tokio::net::TcpListener;

/// The variable that says where; empty for an instance without an API.
const VARIABLE: &str = "ORDER_HTTP";
/// Where it listens unless told otherwise: nobody on another machine reaches it.
const DEFAULT: &str = "127.0.0.1:8080";
/// A port that the system chooses.
const FREE: &str = "127.0.0.1:0";

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotListen {
    #[error(
        "{VARIABLE}={address}: nothing can listen there: {source}. Give a host and a port of this machine that nobody else has, such as {VARIABLE}={DEFAULT}; {VARIABLE}={FREE} takes a free port, and {VARIABLE}= runs this instance without its HTTP API"
    )]
    Address { address: String, source: Error },
    #[error("{VARIABLE} is not text: give a host and a port, such as {VARIABLE}={DEFAULT}")]
    NotText,
}

/// A listener; none where no API is wanted.
pub(crate) async fn listen() -> Result<Option<TcpListener>, CannotListen> {
    match std::env::var(VARIABLE) {
        Ok(address) => listen_at(Some(address.trim())).await,
        Err(VarError::NotPresent) => listen_at(None).await,
        Err(VarError::NotUnicode(_)) => Err(CannotListen::NotText),
    }
}

async fn listen_at(wanted: Option<&str>) -> Result<Option<TcpListener>, CannotListen> {
    let cannot = |address: &str, source| CannotListen::Address {
        address: address.to_owned(),
        source,
    };
    match wanted {
        Some("") => {
            tracing::info!("{VARIABLE} is empty: this instance has no HTTP API");
            Ok(None)
        }
        Some(address) => match TcpListener::bind(address).await {
            Ok(listener) => Ok(Some(listener)),
            Err(error) => Err(cannot(address, error)),
        },
        // A second instance on a machine is there to share the work, whoever has the port.
        None => match TcpListener::bind(DEFAULT).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let free = TcpListener::bind(FREE).await;
                let free = free.map_err(|error| cannot(FREE, error))?;
                tracing::warn!(
                    "{DEFAULT} is taken, so this instance's HTTP API has a free port; {VARIABLE}=HOST:PORT gives it one of its own, and {VARIABLE}= none"
                );
                Ok(Some(free))
            }
            bound => bound.map(Some).map_err(|error| cannot(DEFAULT, error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_asked_for_and_taken_is_an_error_that_says_what_to_do() {
        let taken = TcpListener::bind(FREE).await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = listen_at(Some(&address)).await.unwrap_err().to_string();
        assert!(error.contains(&format!("ORDER_HTTP={address}")), "{error}");
        assert!(error.contains("ORDER_HTTP=127.0.0.1:0"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_address_is_named() {
        let error = listen_at(Some("8081")).await.unwrap_err().to_string();
        assert!(error.starts_with("ORDER_HTTP=8081: "), "{error}");
    }

    #[tokio::test]
    async fn without_a_wish_there_is_always_a_port_and_an_empty_one_means_none() {
        let first = listen_at(None).await.unwrap().unwrap();
        let second = listen_at(None).await.unwrap().unwrap();
        assert_ne!(first.local_addr().unwrap(), second.local_addr().unwrap());
        assert!(listen_at(Some("")).await.unwrap().is_none());
    }
}
