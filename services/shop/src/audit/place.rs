//! Where a record stands.

use std::fmt;

/// The topics that the audit reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Orders and cancellations, from outside.
    Orders,
    /// Goods that arrive, from outside.
    Receipts,
    /// The stream of reservations.
    Reservations,
    /// The stream of the stock.
    Stock,
    /// The stream of payments.
    Payments,
    /// The stream of orders.
    Outcome,
}

impl Topic {
    /// All of them, facts from outside first.
    pub const ALL: [Topic; 6] = [
        Topic::Orders,
        Topic::Receipts,
        Topic::Reservations,
        Topic::Stock,
        Topic::Payments,
        Topic::Outcome,
    ];

    /// Its name on the broker.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Orders => "orders",
            Topic::Receipts => "stock-receipts",
            Topic::Reservations => "inventory",
            Topic::Stock => "inventory.stock",
            Topic::Payments => "payments",
            Topic::Outcome => "orders.outcome",
        }
    }

    /// The topic of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// Whether it is a stream, in which only the owner's records count.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Topic::Orders | Topic::Receipts)
    }
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} partition {} offset {}",
            self.topic.name(),
            self.partition,
            self.offset
        )
    }
}
