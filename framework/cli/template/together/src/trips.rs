//! Trips from outside: publishes them as any Kafka client could, and reads how they end.

use std::error::Error;
use std::time::{Duration, Instant};

use kolo::{Config, Event, OwnEvents};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::flight::FlightEvent;
use schemas::trip::TripRequested;
use schemas::{TripId, Uuid};

/// How long all trips together may take, and a record to be acknowledged.
const PATIENCE: Duration = Duration::from_secs(30);

/// A trip that nobody has asked for before.
pub(crate) fn to_lisbon(travellers: i32) -> TripRequested {
    TripRequested {
        trip_id: TripId(Uuid::new_v4()),
        destination: "Lisbon".into(),
        travellers,
    }
}

/// Puts a trip on its topic. Published again under the same `ce_id`, it would be recognised as a repeat.
pub(crate) fn publish(config: &Config, trip: &TripRequested) -> Result<(), Box<dyn Error>> {
    let producer: BaseProducer = config
        .client()
        .set("partitioner", "murmur2_random")
        .create()?;
    let (key, id) = (trip.trip_id.to_string(), Uuid::new_v4().to_string());
    let mut value = Vec::new();
    trip.encode(&mut value);
    let headers = [
        ("ce_id", id.as_str()),
        ("ce_type", TripRequested::TYPE.name),
    ]
    .into_iter()
    .fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    });
    let record = BaseRecord::to(TripRequested::TYPE.topic)
        .key(&key)
        .payload(&value)
        .headers(headers);
    producer.send(record).map_err(|(error, _)| error)?;
    producer.flush(PATIENCE)?;
    Ok(())
}

/// What the flight service has said about each trip, once all of them have ended.
///
/// A plain consumer is enough here: while no owner of a stream is replaced, all that is in it is valid.
pub(crate) fn until_ended(
    config: &Config,
    trips: &[TripRequested],
) -> Result<Vec<String>, Box<dyn Error>> {
    let mut client = config.client();
    client
        .set("group.id", "trips")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = client.create()?;
    consumer.subscribe(&[FlightEvent::STREAM])?;

    let mut said: Vec<Vec<FlightEvent>> = vec![Vec::new(); trips.len()];
    let give_up = Instant::now() + PATIENCE;
    while !said.iter().all(|events| events.last().is_some_and(is_end)) {
        if Instant::now() > give_up {
            return Err(format!("not all trips have ended in time: {said:?}").into());
        }
        let Some(record) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        let Some(event) = decode(&record?)? else {
            continue;
        };
        if let Some(number) = trips.iter().position(|trip| trip.trip_id == *event.key()) {
            said[number].push(event);
        }
    }
    Ok(trips.iter().zip(&said).map(story).collect())
}

/// The event of a record; none in kolo's own records, such as a fence.
fn decode(record: &impl Message) -> Result<Option<FlightEvent>, Box<dyn Error>> {
    let mut headers = record.headers().into_iter().flat_map(Headers::iter);
    let name = headers.find(|header| header.key == "ce_type");
    let name = name.and_then(|header| str::from_utf8(header.value?).ok());
    let value = record.payload().unwrap_or_default();
    let event = name.and_then(|name| FlightEvent::decode(name, value));
    Ok(event.transpose()?)
}

fn is_end(event: &FlightEvent) -> bool {
    !matches!(event, FlightEvent::SeatsHeld(_))
}

fn story((trip, events): (&TripRequested, &Vec<FlightEvent>)) -> String {
    let names: Vec<&str> = events
        .iter()
        .map(|event| event.event_type().short_name())
        .collect();
    let names = names.join(", ");
    format!("{} to {}: {names}", trip.travellers, trip.destination)
}
