//! Writes notes to their topic, which is created for the first one.

use kolo_core::effect_note::TOPIC;

use crate::command::Sender;
use crate::config::Config;
use crate::topics::create_beside;

use super::board::Change;

/// What is compacted still goes after a day.
const SETTINGS: [(&str, &str); 2] = [
    ("cleanup.policy", "compact,delete"),
    ("retention.ms", "86400000"),
];

pub(super) struct Topic {
    config: Config,
    service: String,
    /// While there are notes; without one, the topic is not known to be there.
    sender: Option<Sender>,
    has_warned: bool,
}

impl Topic {
    pub(super) fn new(config: Config, service: &str) -> Self {
        Topic {
            config,
            service: service.to_owned(),
            sender: None,
            has_warned: false,
        }
    }

    /// Nothing is to be written for a while.
    pub(super) fn rest(&mut self) {
        self.sender = None;
    }

    /// Says whether all is written. That it is not is told once, until it works again.
    pub(super) fn write(&mut self, changes: &[Change]) -> bool {
        match self.try_write(changes) {
            Ok(()) => {
                self.has_warned = false;
                true
            }
            Err(problem) => {
                self.sender = None;
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(
                        "{}: what is known of effects that fail is not told in `{TOPIC}`: {problem}. The service runs without; give it leave to create and write `{TOPIC}`",
                        self.service
                    );
                }
                false
            }
        }
    }

    fn try_write(&mut self, changes: &[Change]) -> Result<(), String> {
        let sender = match self.sender.take() {
            Some(sender) => sender,
            None => {
                self.create()?;
                Sender::open(&self.config)?
            }
        };
        let records = changes.iter();
        sender.write(
            TOPIC,
            records.map(|change| (change.key.as_str(), change.value().map(str::as_bytes))),
        )?;
        self.sender = Some(sender);
        Ok(())
    }

    fn create(&self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let created = runtime.block_on(create_beside(&self.config, TOPIC, &SETTINGS));
        created.map_err(|error| error.to_string())
    }
}
