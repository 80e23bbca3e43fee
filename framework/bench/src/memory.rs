//! Memory: what live orders of the sample take in a processor, without a broker.

use anyhow::{Context, ensure};
use clap::Args;
use kolo::processor::{Append, InputTopic, Outbox, Outcome, Processor, Rules, Setup};
use kolo::wire::{Headers, Record};
use kolo::{Event, Participant, Service, Timestamp, TopicId};
use shop_schemas::OrderId;
use shop_schemas::order::{OrderCreated, OrderLine};
use shop_schemas::payment::{AuthorizationId, PaymentAuthorized};
use shop_schemas::{CustomerId, Sku};
use uuid::Uuid;

use crate::machine::resident_bytes;
use crate::say;

/// `kolo-bench memory`
#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    /// How many orders are live.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    orders: u32,
}

/// Creates that many orders, then confirms them, and prints what they take each time.
///
/// # Errors
/// When an order is not decided as expected, or the system does not tell.
pub(crate) fn run(arguments: &MemoryArgs) -> anyhow::Result<()> {
    let service = order::service();
    let participant = lifecycle(&service)?;
    let mut bench = Bench::start(participant);
    let empty = resident_bytes().context("the system does not tell the memory of a process")?;
    for number in 0..arguments.orders {
        bench.take(&created(number))?;
    }
    report("open", arguments.orders, &bench, empty)?;
    for number in 0..arguments.orders {
        bench.take(&paid(number))?;
    }
    report("confirmed", arguments.orders, &bench, empty)
}

fn report(what: &str, orders: u32, bench: &Bench, empty: u64) -> anyhow::Result<()> {
    let resident = resident_bytes().context("the system does not tell the memory of a process")?;
    ensure!(
        bench.processor.keys() == usize::try_from(orders)?,
        "an order has no state of its own"
    );
    say(format!(
        "{orders} orders {what}: {:.0} MB resident, {:.0} bytes an order (the empty process: {:.0} MB)",
        resident as f64 / 1e6,
        (resident - empty) as f64 / f64::from(orders),
        empty as f64 / 1e6
    ));
    Ok(())
}

fn lifecycle(service: &Service) -> anyhow::Result<&dyn Participant> {
    service
        .aggregates()
        .first()
        .map(AsRef::as_ref)
        .context("the order service has an aggregate")
}

/// One partition of the order service, with a log that acknowledges at once.
struct Bench {
    processor: Box<dyn Processor>,
    topics: Vec<&'static str>,
    next: Vec<i64>,
    appended: i64,
    outbox: Outbox,
    value: Vec<u8>,
}

impl Bench {
    fn start(participant: &dyn Participant) -> Bench {
        let topics = participant.description().direct_topics();
        let inputs = topics.iter().zip(1..).map(|(&name, number)| InputTopic {
            name: name.to_owned(),
            id: TopicId(Uuid::from_u128(number)),
        });
        let mut processor = participant.processor(Setup {
            service: "order".to_owned(),
            partition: 0,
            partitions: 1,
            nonce: 7,
            inputs: inputs.collect(),
            routed: Vec::new(),
            max_record_bytes: 1_000_000,
            allow_downgrade: false,
            broken: std::collections::HashMap::new(),
            rules: Rules::ALL,
        });
        let mut outbox = Outbox::default();
        processor.fence(Timestamp::from_millis(0), &mut outbox);
        processor.fenced(0);
        outbox.clear();
        Bench {
            next: vec![0; topics.len()],
            topics,
            appended: 0,
            outbox,
            value: Vec::new(),
            processor,
        }
    }

    /// Has an event decided, and its answer acknowledged.
    fn take<E: Event>(&mut self, event: &E) -> anyhow::Result<()> {
        let input = self
            .topics
            .iter()
            .position(|&topic| topic == E::TYPE.topic)
            .context("an input of the service")?;
        self.value.clear();
        event.encode(&mut self.value);
        let key = kolo::Key::text(event.key());
        let id = Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("{}{key}", E::TYPE.name).as_bytes(),
        )
        .to_string();
        let record = Record {
            offset: self.next[input],
            timestamp: Timestamp::from_millis(self.next[input]),
            key: Some(key.as_bytes()),
            value: Some(&self.value),
            headers: Headers {
                id: Some(&id),
                event_type: Some(E::TYPE.name),
                ..Headers::default()
            },
            ..Record::default()
        };
        self.next[input] += 1;
        let outcome = self
            .processor
            .handle(input, &record, record.timestamp, &mut self.outbox)?;
        ensure!(
            outcome == Outcome::Decided(1),
            "{} was {outcome:?}, and one answer was expected",
            E::TYPE.name
        );
        for _ in self.outbox.iter().map(|append: Append<'_>| append.id) {
            self.appended += 1;
            self.processor.acknowledged(self.appended)?;
        }
        self.processor.sound(&mut Vec::new());
        self.outbox.clear();
        Ok(())
    }
}

fn order_id(number: u32) -> OrderId {
    OrderId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

fn created(number: u32) -> OrderCreated {
    let line = |sku: &str| OrderLine {
        sku: Sku(sku.to_owned()),
        quantity: 2,
        unit_price_cents: 1_250,
    };
    OrderCreated {
        order_id: order_id(number),
        customer_id: CustomerId(format!("customer-{:06}", number % 50_000)),
        lines: vec![line("coffee-beans-1kg"), line("filter-paper-100")],
        currency: "EUR".to_owned(),
        total_cents: 5_000,
        answer_within_seconds: None,
    }
}

fn paid(number: u32) -> PaymentAuthorized {
    PaymentAuthorized {
        order_id: order_id(number),
        amount_cents: 5_000,
        currency: "EUR".to_owned(),
        authorization_id: AuthorizationId(format!("authorization-{number}")),
    }
}
