//! What all connections share.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use parking_lot::RwLock;

use crate::faults::Faults;
use crate::groups::Groups;
use crate::net::Client;
use crate::topics::Catalogue;

/// The one broker's id, which is also the leader of everything and the controller.
pub(crate) const NODE_ID: BrokerId = BrokerId(1);

/// There is one leader and it never changes.
pub(crate) const LEADER_EPOCH: i32 = 0;

/// A broker's state, apart from its sockets.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    /// How many partitions a topic has if nobody says.
    pub(crate) default_partitions: i32,
    pub(crate) auto_create_topics: bool,
    pub(crate) catalogue: Catalogue,
    pub(crate) faults: Faults,
    /// Replaced when the broker is started again.
    pub(crate) groups: RwLock<Arc<Groups>>,
}

impl Node {
    pub(crate) fn groups(&self) -> Arc<Groups> {
        Arc::clone(&self.groups.read())
    }

    /// Where a client finds this broker: where it listens, or if that is everywhere, where the client found it. Nowhere if
    /// nobody is to name it.
    pub(crate) fn advertised(&self, client: &Client) -> Option<(StrBytes, i32)> {
        if self.faults.is_brokerless() {
            return None;
        }
        let ip: IpAddr = if self.address.ip().is_unspecified() {
            client.local.ip()
        } else {
            self.address.ip()
        };
        Some((
            StrBytes::from_string(ip.to_string()),
            i32::from(self.address.port()),
        ))
    }
}
