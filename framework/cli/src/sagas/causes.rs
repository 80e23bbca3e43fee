//! Sagas that wait for the same thing, counted: a thousand orders behind one service that is down are one line.

use std::collections::BTreeMap;

use kolo_core::Timestamp;
use kolo_core::wire::FailureClass;

use super::row::Row;
use crate::evidence::Cause;

/// What sagas have in common that wait for one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Common {
    cause: Option<Cause>,
    by: String,
    /// The event that calls are made for, or the class of what is parked.
    of: String,
}

/// Sagas that wait for one thing.
#[derive(Debug)]
pub(super) struct Group<'r> {
    pub(super) cause: Option<Cause>,
    /// Empty where nothing that is declared is open.
    pub(super) by: String,
    pub(super) sagas: usize,
    /// Since when the oldest of them waits.
    pub(super) oldest: Timestamp,
    /// The longest way that one of them is behind.
    behind: Option<i64>,
    /// The one that has waited longest.
    pub(super) example: &'r Row,
}

/// The groups of sagas that are not over, the worst first, and of those the largest.
pub(super) fn groups<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Group<'r>> {
    let mut groups: BTreeMap<Common, Group<'r>> = BTreeMap::new();
    for row in rows {
        if row.status.is_over() {
            continue;
        }
        let common = Common::of(row);
        let behind = row.waits.as_ref().and_then(|waits| waits.behind);
        let group = groups.entry(common).or_insert_with_key(|common| Group {
            cause: common.cause,
            by: common.by.clone(),
            sagas: 0,
            oldest: row.since,
            behind,
            example: row,
        });
        group.sagas += 1;
        group.behind = group.behind.max(behind);
        if row.since < group.oldest {
            group.oldest = row.since;
            group.example = row;
        }
    }
    let mut groups: Vec<Group<'r>> = groups.into_values().collect();
    groups.sort_by_key(|group| {
        let waits_for_nothing = group.cause.is_none();
        (
            waits_for_nothing,
            group.cause,
            std::cmp::Reverse(group.sagas),
        )
    });
    groups
}

impl Common {
    fn of(row: &Row) -> Self {
        let Some(waits) = &row.waits else {
            return Common {
                cause: None,
                by: String::new(),
                of: String::new(),
            };
        };
        Common {
            cause: Some(waits.cause),
            by: waits.by.clone(),
            of: match waits.cause {
                Cause::Parked => waits.class.map(FailureClass::name).unwrap_or_default(),
                Cause::Breaker | Cause::Failing | Cause::Calling => &waits.event,
                _ => "",
            }
            .to_owned(),
        }
    }
}

impl Group<'_> {
    /// "wait for payment.payment: nobody is in its group", without how many.
    pub(super) fn text(&self) -> String {
        let (Some(cause), Some(waits)) = (self.cause, &self.example.waits) else {
            let verb = if self.sagas == 1 { "waits" } else { "wait" };
            return format!("{verb} for an event from outside, or for a deadline");
        };
        let why = match cause {
            Cause::Parked | Cause::Calling => self.for_example(&waits.why),
            Cause::Queued => "their keys are parked for what came before".to_owned(),
            Cause::Down => "nobody is in its group".to_owned(),
            Cause::Breaker | Cause::Failing => {
                format!("{}: {}", waits.event, self.for_example(&waits.why))
            }
            Cause::Behind => match self.behind {
                Some(behind) => format!("it is behind, by up to {behind} records"),
                None => "how far it has read is not told by its stream".to_owned(),
            },
            Cause::Unrouted => "its router has not come so far".to_owned(),
        };
        let verb = if self.sagas == 1 { "waits" } else { "wait" };
        format!("{verb} for {}: {why}", self.by)
    }

    fn for_example(&self, why: &str) -> String {
        match self.sagas {
            1 => why.to_owned(),
            _ => format!("{why} (for example)"),
        }
    }

    /// What to type next for all of them.
    pub(super) fn next(&self) -> Option<String> {
        let parked = matches!(self.cause, Some(Cause::Parked | Cause::Queued));
        if parked && self.sagas > 1 {
            let service = self.by.split('.').next().unwrap_or(&self.by);
            return Some(format!("{service} parked list --by fingerprint"));
        }
        self.example.next.clone()
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::CorrelationId;

    use super::*;
    use crate::evidence::Status;
    use crate::sagas::row::Waits;

    /// A saga that waits for `by` since then.
    fn row(name: &str, since: i64, waits: Option<(&str, Cause)>) -> Row {
        Row {
            saga: CorrelationId::of_saga(name),
            name: name.to_owned(),
            status: match waits {
                Some((_, cause)) if cause.is_stuck() => Status::Stuck,
                _ => Status::Running,
            },
            begun: Timestamp::from_millis(0),
            since: Timestamp::from_millis(since),
            by: waits.iter().map(|(by, _)| (*by).to_owned()).collect(),
            text: String::new(),
            next: Some(format!("next of {name}")),
            waits: waits.map(|(by, cause)| Waits {
                by: by.to_owned(),
                event: "PaymentRequested".to_owned(),
                cause,
                class: (cause == Cause::Parked).then_some(FailureClass::Panic),
                why: format!("why {name}"),
                behind: (cause == Cause::Behind).then_some(since),
            }),
        }
    }

    #[test]
    fn the_worst_comes_first_then_the_largest_and_the_oldest_is_the_example() {
        let over = Row {
            status: Status::Completed,
            ..row("over", 0, None)
        };
        let rows = [
            over,
            row("idle", 1, None),
            row("behind-1", 7, Some(("stock.stock", Cause::Behind))),
            row("behind-2", 9, Some(("stock.stock", Cause::Behind))),
            row("parked", 5, Some(("order.order", Cause::Parked))),
            row("down-1", 8, Some(("pay.pay", Cause::Down))),
            row("down-2", 3, Some(("pay.pay", Cause::Down))),
            row("down-3", 2, Some(("post.post", Cause::Down))),
            row("fails-1", 4, Some(("pay.pay", Cause::Failing))),
            row("fails-2", 6, Some(("pay.pay", Cause::Failing))),
        ];
        let told: Vec<(usize, String, Option<String>)> = groups(&rows)
            .iter()
            .map(|group| (group.sagas, group.text(), group.next()))
            .collect();
        let group = |sagas, text: &str, next: &str| (sagas, text.to_owned(), Some(next.to_owned()));
        assert_eq!(
            told,
            [
                group(1, "waits for order.order: why parked", "next of parked"),
                group(
                    2,
                    "wait for pay.pay: nobody is in its group",
                    "next of down-2"
                ),
                group(
                    1,
                    "waits for post.post: nobody is in its group",
                    "next of down-3"
                ),
                group(
                    2,
                    "wait for pay.pay: PaymentRequested: why fails-1 (for example)",
                    "next of fails-1"
                ),
                group(
                    2,
                    "wait for stock.stock: it is behind, by up to 9 records",
                    "next of behind-1"
                ),
                group(
                    1,
                    "waits for an event from outside, or for a deadline",
                    "next of idle"
                ),
            ]
        );
    }

    #[test]
    fn several_parked_ones_are_looked_at_together() {
        let rows = ["a", "b"].map(|name| row(name, 1, Some(("order.order", Cause::Parked))));
        let next = groups(&rows)[0].next();
        assert_eq!(next.as_deref(), Some("order parked list --by fingerprint"));
    }
}
