//! Why a broker does not start.

use std::io;
use std::path::PathBuf;

use crate::groups::RestoreError;
use crate::log::LogError;

/// A broker that does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another broker has the data directory: stop that one, or take another directory.
    #[error("the data directory {} is in use by another broker: stop that one, or use another directory", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The data directory cannot be made or written to.
    #[error("the data directory {} cannot be used: {source}", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The address cannot be listened at: another program has the port, or it is none of this machine's.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory holds something that cannot be read.
    #[error("what is kept cannot be read: {0}")]
    Data(String),
    /// The system gave no threads.
    #[error("no threads to run in: {0}")]
    Runtime(io::Error),
}

impl From<LogError> for StartError {
    fn from(error: LogError) -> Self {
        StartError::Data(error.to_string())
    }
}

impl From<RestoreError> for StartError {
    fn from(error: RestoreError) -> Self {
        StartError::Data(error.to_string())
    }
}
