//! A service that starts waits for its brokers, and says so: after a power cut they may be the last to come up.

use std::time::{Duration, Instant};

use kolo_core::Service;

use crate::acls::of_service;
use crate::app::StartError;
use crate::config::Config;
use crate::topics::{TopicAdmin, TopicError, Topics};

use super::{Reach, Unreached};

/// How long one look takes at most: with the pauses of [`Reach::look`], an answer may take a second and a half.
const LOOK: Duration = Duration::from_secs(3);
/// How often the log says again what is waited for.
const AGAIN: Duration = Duration::from_secs(10);

/// Who is told what a service waits for, and says whether it still wants to.
pub(crate) trait Arrival {
    fn waits_for(&self, what: Option<&Unreached>);
    fn is_stopping(&self) -> bool;
}

/// Waits for the brokers, and makes sure that the topics are as they must be, and may be used.
pub(crate) async fn arrive(
    service: &Service,
    config: &Config,
    arrival: &impl Arrival,
) -> Result<Topics, StartError> {
    let until = Instant::now() + Duration::from_millis(config.start_timeout_ms);
    loop {
        reach(service.name(), config, arrival, until)?;
        let admin = TopicAdmin::new(config)?.of_service(service.name());
        match prepare(service, config, &admin).await {
            // They were there a moment ago.
            Err(TopicError::Unreachable { .. }) if Instant::now() < until => {
                tokio::time::sleep(super::TURN).await;
            }
            prepared => return Ok(prepared?),
        }
    }
}

async fn prepare(
    service: &Service,
    config: &Config,
    admin: &TopicAdmin<'_>,
) -> Result<Topics, TopicError> {
    let acls = of_service(service, config);
    admin.permitted(&acls)?;
    let topics = admin.prepare(service).await?;
    // What was just created could not be asked about before.
    admin.permitted(&acls)?;
    Ok(topics)
}

/// Waits for the brokers.
fn reach(
    name: &str,
    config: &Config,
    arrival: &impl Arrival,
    until: Instant,
) -> Result<(), StartError> {
    let reach = Reach::new(config)?;
    let mut said: Option<Instant> = None;
    while !arrival.is_stopping() {
        let Err(unreached) = reach.look(LOOK) else {
            arrival.waits_for(None);
            if said.is_some() {
                tracing::info!("{name}: the brokers at {} answer", config.bootstrap);
            }
            return Ok(());
        };
        let now = Instant::now();
        if unreached.is_final() || now >= until {
            return Err(unreached.into());
        }
        arrival.waits_for(Some(&unreached));
        if said.is_none_or(|said| now - said >= AGAIN) {
            said = Some(now);
            tracing::warn!(
                "{name} waits for its brokers, for {:.0?} more: {unreached}",
                until - now
            );
        }
    }
    Err(StartError::Stopped)
}
