//! Fills the stream as an owner of each partition would, with one event for each aggregate.

use std::time::Duration;

use anyhow::{Context, ensure};
use kolo::processor::{InputTopic, Outbox, Outcome, Processor, Rules, Setup};
use kolo::wire::{CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, Headers, KOLO, Record};
use kolo::{Config, Event, OwnEvents, Timestamp, TopicId, partition_of};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use uuid::Uuid;

use crate::bench::{AccountEvent, Deposited};
use crate::filling::{self, Filling};

use super::RestoreArgs;
use super::account::service;

/// The topic that is read by the service, and stays empty.
pub(super) const INPUT: &str = "bench.deposits";

/// Gives how many bytes an aggregate takes in the stream, before compression.
pub(super) fn fill(config: &Config, arguments: &RestoreArgs) -> anyhow::Result<f64> {
    let producer = filling::open(config)?;
    let service = service();
    let participant = service.aggregates().first().context("an aggregate")?;
    let mut owners: Vec<Owner> = (0..arguments.partitions)
        .map(|partition| Owner::new(participant.processor(setup(partition, arguments.partitions))))
        .collect();
    let mut bytes = 0;
    for (partition, owner) in (0..).zip(&mut owners) {
        owner.processor.fence(now(), &mut owner.outbox);
        bytes += owner.produce(&producer, partition)?;
        owner.processor.fenced(0);
        owner.processor.start(now(), &mut owner.outbox)?;
    }
    for number in 0..arguments.aggregates {
        let event = deposit(number);
        let partition = partition_of(event.account.as_bytes(), arguments.partitions);
        let owner = owners
            .get_mut(usize::try_from(partition)?)
            .context("a partition")?;
        owner.take(&event)?;
        bytes += owner.produce(&producer, partition)?;
    }
    producer
        .flush(Duration::from_secs(120))
        .context("the stream is not filled")?;
    Ok(bytes as f64 / f64::from(arguments.aggregates))
}

struct Owner {
    processor: Box<dyn Processor>,
    outbox: Outbox,
    read: i64,
    appended: i64,
}

impl Owner {
    fn new(processor: Box<dyn Processor>) -> Owner {
        Owner {
            processor,
            outbox: Outbox::default(),
            read: 0,
            appended: 0,
        }
    }

    fn take(&mut self, event: &Deposited) -> anyhow::Result<()> {
        let mut value = Vec::new();
        event.encode(&mut value);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, event.account.as_bytes()).to_string();
        let record = Record {
            offset: self.read,
            timestamp: now(),
            key: Some(event.account.as_bytes()),
            value: Some(&value),
            headers: Headers {
                id: Some(&id),
                event_type: Some(Deposited::TYPE.name),
                ..Headers::default()
            },
            ..Record::default()
        };
        self.read += 1;
        let outcome = self.processor.handle(0, &record, now(), &mut self.outbox)?;
        ensure!(outcome == Outcome::Decided(1), "a deposit was {outcome:?}");
        self.appended += 1;
        self.processor.acknowledged(self.appended)?;
        self.processor.sound(&mut Vec::new());
        Ok(())
    }

    fn produce(&mut self, producer: &Filling, partition: i32) -> anyhow::Result<usize> {
        let mut bytes = 0;
        for append in self.outbox.iter() {
            let id = append.id.to_string();
            let headers = [
                (CE_SPECVERSION, b"1.0".as_slice()),
                (CE_ID, id.as_bytes()),
                (CE_SOURCE, b"/bench-restore/account"),
                (CE_TYPE, append.event_type.as_bytes()),
                (KOLO, append.stamp),
            ];
            bytes += append.key.len() + append.value.len();
            bytes += headers.iter().map(|(_, value)| value.len()).sum::<usize>();
            let headers = headers
                .iter()
                .fold(OwnedHeaders::new(), |headers, (key, value)| {
                    headers.insert(Header {
                        key,
                        value: Some(*value),
                    })
                });
            let record = BaseRecord::to(AccountEvent::STREAM)
                .partition(partition)
                .timestamp(append.at.as_millis())
                .key(append.key)
                .payload(append.value)
                .headers(headers);
            filling::send(producer, record)?;
        }
        self.outbox.clear();
        Ok(bytes)
    }
}

fn setup(partition: i32, partitions: i32) -> Setup {
    Setup {
        service: "bench-restore".to_owned(),
        partition,
        partitions,
        nonce: 7,
        inputs: vec![InputTopic {
            name: INPUT.to_owned(),
            id: TopicId(Uuid::from_u128(1)),
        }],
        routed: Vec::new(),
        max_record_bytes: 1_000_000,
        allow_downgrade: false,
        broken: std::collections::HashMap::new(),
        rules: Rules::ALL,
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

fn deposit(number: u32) -> Deposited {
    let account = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()).to_string();
    Deposited {
        memo: format!("{:>5} {account}", number % 10_000).repeat(4),
        account,
        amount_cents: i64::from(number % 100),
    }
}
