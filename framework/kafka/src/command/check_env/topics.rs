//! Topics are as they must be, or could be created; and what the service does with them is allowed.

use std::collections::{BTreeMap, BTreeSet};

use kolo_core::Service;

use crate::acls::{Denied, Lacking, of_service};
use crate::beside::Needs;
use crate::config::Config;
use crate::topics::{TopicAdmin, TopicError, Topics, roles};

use super::finding::Findings;

const TOPICS: &str = "topics";
const PERMISSIONS: &str = "permissions";

pub(super) async fn check(service: &Service, needs: &Needs, config: &Config, found: &mut Findings) {
    let admin = match TopicAdmin::new(config) {
        Ok(admin) => admin,
        Err(error) => return found.error(TOPICS, error),
    };
    let lacking = match permissions(&admin, service, needs, config, found) {
        Ok(lacking) => lacking,
        Err(error) => return found.error(PERMISSIONS, error),
    };
    // What may not even be asked about has its line already.
    let denied: BTreeSet<&str> = lacking
        .iter()
        .map(|lacking| lacking.name.as_str())
        .collect();
    let mut wanted = BTreeSet::new();
    for participant in service.aggregates() {
        wanted.extend(
            roles(service, &participant.description())
                .into_iter()
                .map(|(name, _)| name),
        );
    }
    let is_allowed = |name: &&str| !denied.contains(name);
    let own = wanted.iter().map(String::as_str).filter(is_allowed);
    let own: BTreeSet<&str> = own.collect();
    let beside = needs.topics().filter(is_allowed);
    let beside: BTreeSet<&str> = beside.filter(|name| !own.contains(name)).collect();
    let asked: Vec<&str> = own.union(&beside).copied().collect();
    let topics = match admin.describe(&asked) {
        Ok(topics) => topics,
        Err(error) => return found.error(TOPICS, error),
    };
    there(&admin, service, &topics, found).await;
    missing(&admin, service, config, (&own, &topics), found).await;
    for topic in beside.iter().filter(|name| !topics.contains_key(**name)) {
        found.error(TOPICS, format_args!("missing, and not this service's to create: {topic}, which is used beside it. Start the service that reads or owns it first"));
    }
    durable(&admin, &topics, found).await;
}

/// What lacks, told.
fn permissions(
    admin: &TopicAdmin<'_>,
    service: &Service,
    needs: &Needs,
    config: &Config,
    found: &mut Findings,
) -> Result<Vec<Lacking>, TopicError> {
    let needed = of_service(service, needs, config);
    let lacking = admin.lacking(&needed)?;
    let (beside, vital): (Vec<Lacking>, Vec<Lacking>) = lacking
        .iter()
        .cloned()
        .partition(|lacking| lacking.is_optional);
    for lacking in &vital {
        let lacking = std::slice::from_ref(lacking);
        found.error(
            PERMISSIONS,
            Denied::new(config, Some(service.name()), lacking),
        );
    }
    for lacking in &beside {
        let lacking = std::slice::from_ref(lacking);
        let denied = Denied::new(config, Some(service.name()), lacking);
        found.warn(
            PERMISSIONS,
            format_args!("{denied}. The service runs without, and tools know less of it"),
        );
    }
    if lacking.is_empty() {
        let (who, count) = (config.principal(), needed.len());
        found.ok(PERMISSIONS, format_args!("{who} lacks nothing on the {count} topics and groups, as far as they are there and the brokers say it"));
    }
    Ok(lacking)
}

/// Those that are there.
async fn there(admin: &TopicAdmin<'_>, service: &Service, topics: &Topics, found: &mut Findings) {
    match admin.judge(service, topics).await {
        Ok(problems) if problems.is_empty() && !topics.is_empty() => {
            let names: Vec<String> = topics
                .iter()
                .map(|(name, topic)| format!("{name} ({})", topic.partitions))
                .collect();
            found.ok(
                TOPICS,
                format_args!(
                    "as they must be, with so many partitions: {}",
                    names.join(", ")
                ),
            );
        }
        Ok(problems) => {
            for problem in problems {
                found.error(TOPICS, problem);
            }
        }
        Err(error) => found.error(TOPICS, error),
    }
}

/// Those that are not there.
async fn missing(
    admin: &TopicAdmin<'_>,
    service: &Service,
    config: &Config,
    (own, topics): (&BTreeSet<&str>, &Topics),
    found: &mut Findings,
) {
    let is_missing = |name: &&str| !topics.contains_key(*name);
    let missing: Vec<&str> = own.iter().copied().filter(is_missing).collect();
    if missing.is_empty() {
        return;
    }
    let (names, name) = (missing.join(", "), service.name());
    if !config.create_topics {
        return found.error(TOPICS, format_args!("missing, and create_topics is off: {names}. `{name} topics`, run with KOLO_CREATE_TOPICS=true by who may, creates them"));
    }
    match admin.could_create(&missing, config.partitions).await {
        Ok(()) => found.ok(
            TOPICS,
            format_args!("not there, and created when the service starts: {names}"),
        ),
        Err(error) => found.error(
            TOPICS,
            format_args!("missing, and cannot be created when the service starts: {error}"),
        ),
    }
}

/// Whether what is acknowledged outlives a broker. Where the settings may not be read, nothing is said.
async fn durable(admin: &TopicAdmin<'_>, topics: &Topics, found: &mut Findings) {
    let mut weak: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in topics.keys() {
        if admin.replicas(name).is_ok_and(|replicas| replicas < 2) {
            weak.entry("have one replica, and are gone with its broker: three, and min.insync.replicas=2, outlive it").or_default().push(name);
            continue;
        }
        let Ok(settings) = admin.settings(name).await else {
            continue;
        };
        let value = |name: &str| settings.get(name).map_or("", String::as_str);
        if value("min.insync.replicas") == "1" {
            weak.entry("acknowledge what one replica has (min.insync.replicas=1): 2 loses nothing with a broker").or_default().push(name);
        }
        if value("unclean.leader.election.enable") == "true" {
            weak.entry("may be led by a replica that lacks acknowledged records (unclean.leader.election.enable=true): set it to false").or_default().push(name);
        }
    }
    for (how, names) in weak {
        found.warn(TOPICS, format_args!("{} {how}", names.join(", ")));
    }
}
