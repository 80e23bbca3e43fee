//! `parked mirror`: what is parked, as dead letters for foreign tools.

use std::sync::atomic::Ordering;

use kolo_core::Service;
use kolo_core::wire::{Parked, ParkedChange, ParkedQueues};
use rdkafka::producer::BaseRecord;

use crate::config::Config;
use crate::topics::{TopicAdmin, roles};

use super::super::client::settings;
use super::super::control::Sender;
use super::super::failure::Failure;
use super::super::listen;
use super::super::terminal::{count, note, say};
use super::args::Mirror;
use super::connect::headers;
use super::select::Wanted;
use super::streams::{At, Streams};

pub(super) fn run(service: &Service, config: &Config, args: &Mirror) -> Result<(), Failure> {
    check(service, config, &args.to)?;
    let queues = ParkedQueues::default();
    let mut streams = Streams::open(service, config, args.aggregate.as_deref(), &queues)?;
    let stop =
        listen().map_err(|error| Failure::run(format!("signals cannot be heard: {error}")))?;
    streams.read_to_end()?;
    let (sender, mut written) = (Sender::new(config)?, 0);
    for found in streams.found(&Wanted::default()) {
        for queued in streams.part(&found.at).queues.of(&found.at.key) {
            streams.write(&sender, &args.to, &found.at, &queued.parked)?;
            written += 1;
        }
    }
    sender.acknowledged()?;
    say(&told(written, &args.to));
    if !args.follow {
        return Ok(());
    }
    say("following what is parked from now on, until SIGTERM or Ctrl-C");
    let (before, mut consumed) = (written, streams.follow()?);
    while !stop.load(Ordering::Relaxed) {
        streams.take_up(&mut consumed, &mut |streams, at, change| {
            let last = streams.part(at).queues.of(&at.key).next_back();
            if let (ParkedChange::Parked, Some(queued)) = (change, last) {
                streams.write(&sender, &args.to, at, &queued.parked)?;
                written += 1;
            }
            Ok(())
        })?;
    }
    sender.acknowledged()?;
    say(&told(written - before, &args.to));
    Ok(())
}

fn told(written: usize, topic: &str) -> String {
    let records = count(written, "parked record");
    format!("{records} written to `{topic}`, at least once: each start writes all that is parked")
}

/// A topic of the service's own must not be fed with what it could not decide.
fn check(service: &Service, config: &Config, topic: &str) -> Result<(), Failure> {
    for known in service.aggregates() {
        let description = known.description();
        if roles(service, &description)
            .iter()
            .any(|(name, _)| name == topic)
        {
            return Err(Failure::input(format!(
                "{}.{} reads or writes `{topic}` itself: dead letters need a topic of their own",
                service.name(),
                description.aggregate
            )));
        }
    }
    let admin = TopicAdmin::new(config).map_err(|error| settings(&error))?;
    if !admin.describe(&[topic])?.contains_key(topic) {
        return Err(Failure::run(format!(
            "the brokers at {} have no topic `{topic}`: create it first, with the retention that dead letters are to have",
            config.bootstrap
        )));
    }
    Ok(())
}

impl Streams<'_> {
    fn write(&self, sender: &Sender, topic: &str, at: &At, parked: &Parked) -> Result<(), Failure> {
        let stream = self.streams[at.stream].topic;
        let headers = headers(parked, &self.aggregate(at), stream, self.part(at).number);
        if parked.too_large {
            note(&format!(
                "the value of {} was too large to be kept: its dead letter has none",
                parked.id
            ));
        }
        let mut record = BaseRecord::to(topic)
            .timestamp(parked.at.as_millis())
            .headers(headers);
        if !at.key.is_empty() {
            record = record.key(at.key.as_bytes());
        }
        if let Some(value) = parked.value.as_deref() {
            record = record.payload(value);
        }
        sender.send(record)
    }
}
