//! Every broker lets the service in, at the address by which it is advertised, and is new enough.

use std::time::Duration;

use crate::config::{Config, refused};
use crate::reach::{FETCH, METADATA, Reach};

use super::finding::Findings;

const WHAT: &str = "brokers";
/// How long one broker may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The first version of the request for metadata that tells topics' ids, which came with Kafka 2.8.
const WITH_TOPIC_IDS: i16 = 10;
/// By the newest version of the request to fetch: the release of Kafka that brought it.
const RELEASES: [(i16, &str); 6] = [
    (12, "2.7"),
    (13, "3.1"),
    (15, "3.5"),
    (16, "3.7"),
    (17, "3.9"),
    (18, "4.1"),
];

/// Says whether anybody can be asked about the rest.
pub(super) fn check(config: &Config, found: &mut Findings) -> bool {
    let reach = match Reach::curious(config) {
        Ok(reach) => reach,
        Err(error) => {
            let problem = refused(&error);
            found.error(WHAT, format_args!("librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…"));
            return false;
        }
    };
    let brokers = match reach.look(ANSWER) {
        Ok(brokers) => brokers,
        Err(unreached) => {
            found.error(WHAT, unreached);
            return false;
        }
    };
    let (bootstrap, who) = (&config.bootstrap, config.principal());
    found.ok(
        WHAT,
        format_args!(
            "{bootstrap} lets {who} in, and names {}",
            brokers.join(", ")
        ),
    );
    version(&reach, config, found);
    for broker in brokers.iter().filter(|broker| *broker != bootstrap) {
        advertised(config, broker, found);
    }
    true
}

fn version(reach: &Reach<'_>, config: &Config, found: &mut Findings) {
    let bootstrap = &config.bootstrap;
    let (metadata, fetch) = (reach.newest(METADATA), reach.newest(FETCH));
    match (metadata, fetch) {
        (Some(metadata), _) if metadata < WITH_TOPIC_IDS => found.error(
            WHAT,
            format_args!("{bootstrap} does not tell the ids of topics, by which positions are kept: kolo needs Kafka 2.8 or newer"),
        ),
        (Some(_), Some(fetch)) => {
            let known = RELEASES.iter().rev().find(|(version, _)| *version <= fetch);
            let release = known.map_or("2.8", |(_, release)| *release);
            found.ok(WHAT, format_args!("{bootstrap} speaks as Kafka {release} does, or as one that is not much newer"));
        }
        _ => found.warn(WHAT, format_args!("{bootstrap} does not say which requests it knows; kolo needs Kafka 2.8 or newer")),
    }
}

/// A broker that is advertised under a name that is not reached from here lets nobody read what it leads.
fn advertised(config: &Config, broker: &str, found: &mut Findings) {
    let mut alone = config.clone();
    broker.clone_into(&mut alone.bootstrap);
    for property in ["bootstrap.servers", "metadata.broker.list"] {
        alone.kafka.remove(property);
    }
    match Reach::new(&alone).map(|reach| reach.look(ANSWER)) {
        Ok(Ok(_)) => found.ok(WHAT, format_args!("{broker} answers as well")),
        Ok(Err(unreached)) => found.error(
            WHAT,
            format_args!(
                "{unreached}. {broker} is how the brokers advertise it (`advertised.listeners`)"
            ),
        ),
        Err(error) => found.error(WHAT, refused(&error)),
    }
}
