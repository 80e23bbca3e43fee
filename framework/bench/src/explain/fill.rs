//! Writes sagas as services would have that confirmed one order after the other: valid streams with fences, numbers,
//! positions and markers, and routed copies.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use kolo::choreography::Manifest;
use kolo::wire::{
    CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, FENCE, Fence, KOLO, MARKER, Marker, Read, Source,
    Stamp, Writer,
};
use kolo::{Config, CorrelationId, EventId, Origin, Path, Position, TopicId, partition_of};
use kolo_kafka::topics::TopicAdmin;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use uuid::Uuid;

use crate::broker::Topics;
use crate::filling::{self, Filling};

use super::steps::{Key, Kind, STEPS, STREAMS, Step};

const BEGUN_MILLIS: i64 = 1_790_000_000_000;
const NONCE: u64 = 7;
/// Bytes of a value: a third of what the sample's hold, and two thirds of noise.
const VALUE_BYTES: usize = 120;
const SKUS: u64 = 1_000;

/// Topics that are filled, and how far.
pub(super) struct Filler {
    producer: Filling,
    ids: BTreeMap<&'static str, TopicId>,
    partitions: i32,
    /// The next offset of each partition, by the place of the topic in the list and of the partition in it.
    next: BTreeMap<&'static str, Vec<i64>>,
    /// Origins of each stream, in the order of its fence.
    origins: BTreeMap<&'static str, Vec<Origin>>,
    /// The next number of each stream's partition.
    numbers: BTreeMap<&'static str, Vec<u64>>,
    noise: fastrand::Rng,
    value: Vec<u8>,
    pub(super) written: u64,
}

/// What a step wrote.
#[derive(Debug, Clone, Copy)]
struct Written {
    id: EventId,
    partition: i32,
    offset: i64,
}

/// The id of an order.
pub(super) fn order(number: u64) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())
}

impl Filler {
    /// Creates the sample's topics anew, with the manifests of its services and a fence in each partition of a stream.
    pub(super) fn begin(config: &Config, topics: &Topics, partitions: i32) -> anyhow::Result<Self> {
        let mut names: Vec<&'static str> = STEPS.iter().map(|step| step.topic).collect();
        names.extend(["stock-receipts", "kolo.manifests"]);
        names.sort_unstable();
        names.dedup();
        for name in &names {
            let count = if *name == "kolo.manifests" {
                1
            } else {
                partitions
            };
            topics.renew(name, count)?;
        }
        let described = TopicAdmin::new(config)?.describe(&names)?;
        let id = |name: &&'static str| {
            let topic = described.get(*name);
            Ok((*name, topic.context("a topic that was just created")?.id))
        };
        let ids = names
            .iter()
            .map(id)
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let zeros = usize::try_from(partitions)?;
        let mut filler = Filler {
            producer: filling::open(config)?,
            next: names.iter().map(|&name| (name, vec![0; zeros])).collect(),
            numbers: names.iter().map(|&name| (name, vec![0; zeros])).collect(),
            origins: STREAMS
                .iter()
                .map(|&(stream, ..)| (stream, origins(stream, &ids)))
                .collect(),
            ids,
            partitions,
            noise: fastrand::Rng::with_seed(7),
            value: Vec::new(),
            written: 0,
        };
        filler.declare()?;
        filler.fences()?;
        Ok(filler)
    }

    fn declare(&mut self) -> anyhow::Result<()> {
        for service in [order::service(), inventory::service(), payment::service()] {
            let manifest = Manifest::from(&service);
            let text = manifest.to_json();
            let record = BaseRecord::to("kolo.manifests")
                .key(manifest.service.as_str())
                .payload(text.as_str());
            let sent = self.producer.send(record);
            sent.map_err(|(error, _)| error).context("a manifest")?;
        }
        Ok(())
    }

    fn fences(&mut self) -> anyhow::Result<()> {
        for (stream, service, aggregate) in STREAMS {
            let fence = Fence {
                service: service.to_owned(),
                aggregate: aggregate.to_owned(),
                partitions: self.partitions,
                version: 1,
                origins: self.origins[stream].clone(),
            };
            let value = serde_json::to_vec(&fence)?;
            for partition in 0..self.partitions {
                let stamp = self.own(stream, partition);
                self.send(stream, partition, "", &value, FENCE, None, Some(&stamp), 0)?;
            }
        }
        Ok(())
    }

    /// Writes the sagas of these orders, and what each aggregate has read behind them.
    pub(super) fn fill(&mut self, orders: std::ops::Range<u64>) -> anyhow::Result<()> {
        for number in orders {
            self.saga(number)?;
        }
        self.markers()?;
        self.producer
            .flush(Duration::from_secs(600))
            .context("the topics are not filled")
    }

    fn saga(&mut self, number: u64) -> anyhow::Result<()> {
        let order = order(number).to_string();
        let sku = format!("sku-{}", number % SKUS);
        let saga = CorrelationId::of_saga(&order);
        let at = BEGUN_MILLIS + i64::try_from(number)?;
        let mut written: Vec<Written> = Vec::with_capacity(STEPS.len());
        for (index, step) in STEPS.iter().enumerate() {
            let key = match step.key {
                Key::Order => &order,
                Key::Sku => &sku,
            };
            let partition = partition_of(key.as_bytes(), self.partitions);
            let (id, stamp) = self.stamp(step, index, partition, saga, &written);
            let mut value = std::mem::take(&mut self.value);
            value.clear();
            value.extend_from_slice(order.as_bytes());
            value.resize_with(VALUE_BYTES, || self.noise.u8(..));
            let at = at + i64::try_from(index)?;
            let offset = self.send(
                step.topic,
                partition,
                key,
                &value,
                step.event,
                Some(id),
                stamp.as_ref(),
                at,
            )?;
            self.value = value;
            written.push(Written {
                id,
                partition,
                offset,
            });
        }
        Ok(())
    }

    fn stamp(
        &mut self,
        step: &Step,
        index: usize,
        partition: i32,
        saga: CorrelationId,
        written: &[Written],
    ) -> (EventId, Option<Stamp>) {
        let fresh = EventId(Uuid::new_v5(
            &saga.0,
            &[u8::try_from(index).unwrap_or(u8::MAX)],
        ));
        let (cause, source, own) = match step.kind {
            Kind::Intake => return (fresh, None),
            Kind::Copy(of) => {
                let origin = written[of];
                let source = Source::Copy {
                    path: Path::CURRENT_ROUTE,
                    topic: self.ids[STEPS[of].topic],
                    partition: origin.partition,
                    position: Position::direct(origin.offset),
                    after: None,
                };
                let mut stamp = Stamp::own(Writer {
                    epoch: None,
                    nonce: 0,
                    number: 0,
                });
                stamp.writer = None;
                stamp.correlation = Some(saga);
                stamp.source = source;
                // A copy is the same event.
                return (origin.id, Some(stamp));
            }
            Kind::Reply(of) => (
                written[of].id,
                Source::None,
                self.own(step.topic, partition),
            ),
            Kind::Own(of) => {
                let (origin, path) = match STEPS[of].kind {
                    Kind::Copy(origin) => (origin, Path::CURRENT_ROUTE),
                    _ => (of, Path::Direct),
                };
                let id = self.ids[STEPS[origin].topic];
                let at = |known: &Origin| known.id == id && known.path == path;
                let number = self.origins[step.topic].iter().position(at);
                let source = Source::Input {
                    origin: u16::try_from(number.unwrap_or_default()).unwrap_or_default(),
                    partition: written[origin].partition,
                    position: Position::direct(written[origin].offset),
                };
                (written[of].id, source, self.own(step.topic, partition))
            }
        };
        let stamp = Stamp {
            correlation: Some(saga),
            causation: Some(cause),
            source,
            ..own
        };
        (fresh, Some(stamp))
    }

    /// The stamp of the owner's next record: its fence, or what follows it.
    fn own(&mut self, stream: &'static str, partition: i32) -> Stamp {
        let at = usize::try_from(partition).unwrap_or_default();
        let mut number = 0;
        if let Some(numbers) = self.numbers.get_mut(stream) {
            number = numbers[at];
            numbers[at] += 1;
        }
        Stamp::own(Writer {
            epoch: (number > 0).then_some(0),
            nonce: NONCE,
            number,
        })
    }

    /// Each aggregate has read all its inputs.
    fn markers(&mut self) -> anyhow::Result<()> {
        let ends = self.next.clone();
        for (stream, service, aggregate) in STREAMS {
            let inbox = format!("{service}.{aggregate}.inbox");
            let inputs = self.origins[stream].iter();
            let direct = inputs.filter(|origin| origin.path == Path::Direct);
            let mut names: Vec<String> = direct.map(|origin| origin.topic.clone()).collect();
            names.push(inbox);
            for partition in 0..self.partitions {
                let at = usize::try_from(partition)?;
                let reads = names.iter().filter_map(|name| {
                    Some(Read {
                        topic: *self.ids.get(name.as_str())?,
                        next: ends.get(name.as_str())?[at],
                        cursor: None,
                    })
                });
                let marker = Marker {
                    reads: reads.collect(),
                    ..Marker::default()
                };
                let value = serde_json::to_vec(&marker)?;
                let stamp = self.own(stream, partition);
                self.send(stream, partition, "", &value, MARKER, None, Some(&stamp), 0)?;
            }
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "they are the parts of one record"
    )]
    fn send(
        &mut self,
        topic: &'static str,
        partition: i32,
        key: &str,
        value: &[u8],
        event: &str,
        id: Option<EventId>,
        stamp: Option<&Stamp>,
        after: i64,
    ) -> anyhow::Result<i64> {
        let id = id
            .unwrap_or(EventId(Uuid::from_u128(u128::from(self.written))))
            .to_string();
        let stamp = stamp.map(ToString::to_string);
        let headers = [
            (CE_SPECVERSION, Some("1.0")),
            (CE_ID, Some(id.as_str())),
            (CE_SOURCE, Some("/bench/explain")),
            (CE_TYPE, Some(event)),
            (KOLO, stamp.as_deref()),
        ];
        let headers = headers.iter().filter(|(_, value)| value.is_some());
        let headers = headers.fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: *value })
        });
        let record = BaseRecord::to(topic)
            .partition(partition)
            .timestamp(after.max(BEGUN_MILLIS))
            .key(key)
            .payload(value)
            .headers(headers);
        filling::send(&self.producer, record)?;
        self.written += 1;
        let next = self.next.get_mut(topic).context("a topic of the sample")?;
        let next = &mut next[usize::try_from(partition)?];
        *next += 1;
        Ok(*next - 1)
    }
}

/// What an aggregate reads, as its steps say.
fn origins(stream: &'static str, ids: &BTreeMap<&'static str, TopicId>) -> Vec<Origin> {
    let mut all: Vec<Origin> = Vec::new();
    // A confirmed order settles payment and reservation, which answer nothing.
    let settled = (stream != "orders.outcome").then_some((STEPS.len() - 1, Path::Direct));
    let answered = STEPS.iter().filter(|step| step.topic == stream);
    let answered = answered.filter_map(|step| match step.kind {
        Kind::Own(of) => Some(match STEPS[of].kind {
            Kind::Copy(origin) => (origin, Path::CURRENT_ROUTE),
            _ => (of, Path::Direct),
        }),
        _ => None,
    });
    for (step, path) in answered.chain(settled) {
        let topic = STEPS[step].topic;
        let origin = Origin {
            path,
            id: ids[topic],
            topic: topic.to_owned(),
        };
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    all
}
