//! A service that starts waits for its brokers, and says so: after a power cut they may be the last to come up.

use std::fmt::Display;
use std::time::Duration;

use kolo_core::Service;

use crate::acls::{Acl, of_service};
use crate::app::StartError;
use crate::beside::Needs;
use crate::config::Config;
use crate::topics::{TopicAdmin, TopicError, Topics};

use super::{Patience, Reach};

/// How long one look takes at most: with the pauses of [`Reach::look`], an answer may take a second and a half.
const LOOK: Duration = Duration::from_secs(3);
/// How long it pauses where brokers answer, and not all are there.
const PAUSE: Duration = Duration::from_millis(500);

/// Who is told what a service waits for, and says whether it still wants to.
pub(crate) trait Arrival {
    fn waits_for(&self, what: Option<String>);
    fn is_stopping(&self) -> bool;
}

/// Waits for the brokers, and makes sure that the topics are as they must be, and may be used.
pub(crate) async fn arrive(
    service: &Service,
    needs: &Needs,
    config: &Config,
    arrival: &impl Arrival,
) -> Result<Topics, StartError> {
    let mut wait = Wait {
        service,
        acls: of_service(service, needs, config),
        config,
        arrival,
        patience: Patience::of(service.name(), config),
    };
    loop {
        wait.reach()?;
        match wait.prepare().await {
            // They were there a moment ago.
            Err(StartError::Topics(TopicError::Unreachable { .. })) if !wait.patience.is_over() => {
                tokio::time::sleep(super::TURN).await;
            }
            prepared => return prepared,
        }
    }
}

/// A wait for brokers, told to whoever asks and, now and then, in the log.
struct Wait<'a, A> {
    service: &'a Service,
    /// What it must be allowed.
    acls: Vec<Acl>,
    config: &'a Config,
    arrival: &'a A,
    patience: Patience<'a>,
}

impl<A: Arrival> Wait<'_, A> {
    /// Waits until a broker answers.
    fn reach(&mut self) -> Result<(), StartError> {
        let reach = Reach::new(self.config)?;
        while !self.arrival.is_stopping() {
            let Err(unreached) = reach.look(LOOK) else {
                self.ends();
                return Ok(());
            };
            if unreached.is_final() || self.patience.is_over() {
                return Err(unreached.into());
            }
            self.says(&unreached);
        }
        Err(StartError::Stopped)
    }

    /// Waits until enough of them are there for the topics that are missing.
    async fn prepare(&mut self) -> Result<Topics, StartError> {
        let admin = TopicAdmin::new(self.config)?.of_service(self.service.name());
        while !self.arrival.is_stopping() {
            match prepare(self.service, &self.acls, &admin).await {
                Err(few @ TopicError::TooFewBrokers { .. }) if !self.patience.is_over() => {
                    self.says(&few);
                    tokio::time::sleep(PAUSE).await;
                }
                prepared => {
                    self.ends();
                    return Ok(prepared?);
                }
            }
        }
        Err(StartError::Stopped)
    }

    fn says(&mut self, what: &impl Display) {
        self.arrival.waits_for(Some(what.to_string()));
        self.patience.says(what);
    }

    fn ends(&mut self) {
        self.arrival.waits_for(None);
        self.patience.ends();
    }
}

async fn prepare(
    service: &Service,
    acls: &[Acl],
    admin: &TopicAdmin<'_>,
) -> Result<Topics, TopicError> {
    admin.permitted(acls)?;
    let topics = admin.prepare(service).await?;
    // What was just created could not be asked about before.
    admin.permitted(acls)?;
    Ok(topics)
}
