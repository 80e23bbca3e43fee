//! What can be typed behind `parked`.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use kolo_core::wire::FailureClass;
use kolo_core::{EventId, Timestamp};

use super::super::terminal::moment;

#[derive(Subcommand)]
pub(crate) enum Action {
    /// List the keys that are parked now, with what each of them is parked for.
    #[command(
        after_help = "Exit codes: 0 whether or not anything is parked, 1 the streams cannot be read, 2 wrong usage."
    )]
    List(List),
    /// Show every parked record of a key, whole and in order.
    #[command(
        after_help = "Exit codes: 0 shown, 1 the streams cannot be read, 2 wrong usage, or nothing is parked under the key."
    )]
    Show(Show),
    /// Run what is parked again, in order, by the code that is deployed now.
    ///
    /// One control record for each key goes to the aggregate's inbox; the owner of the key's partition runs the key's
    /// records until one fails again. An owner that is down runs them when it is back.
    #[command(
        after_help = "Exit codes: 0 every key is free, 1 one is not (yet), 2 wrong usage, and nothing was sent."
    )]
    Redrive(Redrive),
    /// Forget one parked record, with a reason. What waited behind it runs by itself.
    #[command(
        after_help = "Exit codes: 0 it is dropped, 1 it is not (yet), 2 wrong usage, and nothing was sent."
    )]
    Drop(Drop),
    /// Write what is parked to a dead-letter topic, in the form of Kafka Connect, for foreign tools.
    ///
    /// At least once: each start writes all that is parked now. Nothing is read back from that topic: redrive and drop
    /// are the ways out.
    #[command(
        after_help = "Exit codes: 0 written, or stopped on request, 1 failed, 2 wrong usage."
    )]
    Mirror(Mirror),
}

/// Which of the parked keys are meant.
#[derive(Args)]
pub(crate) struct Filter {
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// Only keys whose first record failed in this way.
    #[arg(long, value_parser = classes())]
    pub(super) class: Option<FailureClass>,
    /// Only keys whose first record's fingerprint has this text in it (`list --by fingerprint` shows them).
    #[arg(long, value_name = "TEXT")]
    pub(super) fingerprint: Option<String>,
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Only this key.
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// Only keys that were parked at this time or later: RFC 3339, or how long ago, such as 10m or 2h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(super) since: Option<Timestamp>,
    /// A line for each key, or one for all that failed alike.
    #[arg(long, value_enum, default_value_t)]
    pub(super) by: By,
    /// Print one JSON array.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    #[default]
    Key,
    Fingerprint,
}

/// One key.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct OneKey {
    /// The key.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// What came without a key, or with one that is no text.
    #[arg(long)]
    no_key: bool,
}

impl OneKey {
    pub(super) fn text(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }
}

#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(super) key: OneKey,
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// Show values also where something sensitive may be in them, by the schemas of the service.
    #[arg(long)]
    pub(super) reveal: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Redrive {
    /// The keys.
    #[arg(
        value_name = "KEY",
        required_unless_present_any = ["no_key", "all", "class", "fingerprint"],
        conflicts_with_all = ["all", "class", "fingerprint"]
    )]
    pub(super) keys: Vec<String>,
    /// What came without a key, or with one that is no text.
    #[arg(long, conflicts_with_all = ["all", "class", "fingerprint"])]
    pub(super) no_key: bool,
    /// Every key that is parked.
    #[arg(long, conflicts_with_all = ["class", "fingerprint"])]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) filter: Filter,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// Print one JSON array.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Patience {
    /// How long to wait for the owners of the keys.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(super) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    pub(super) key: OneKey,
    /// Why. It stays in the stream.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(super) reason: String,
    /// The record that was parked under this id, instead of the key's first one.
    #[arg(long)]
    pub(super) id: Option<EventId>,
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Mirror {
    /// The dead-letter topic; it must exist, and be none that the service reads or writes.
    #[arg(long, value_name = "TOPIC")]
    pub(super) to: String,
    /// Go on with what is parked from now on, until SIGTERM or Ctrl-C.
    #[arg(long)]
    pub(super) follow: bool,
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
}

fn classes() -> impl TypedValueParser<Value = FailureClass> {
    let names = FailureClass::ALL.map(FailureClass::name);
    PossibleValuesParser::new(names).try_map(|name| {
        let named = FailureClass::ALL
            .into_iter()
            .find(|class| class.name() == name);
        named.ok_or("no class of failure")
    })
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why: whoever looks at the stream later will want to know".into()),
        reason => Ok(reason.to_owned()),
    }
}

pub(in crate::command) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok();
    let positive = parsed.and_then(|duration| Duration::try_from(duration).ok());
    positive.ok_or_else(|| "expected a duration such as 30s, 5m or 1h30m".into())
}

pub(in crate::command) fn since(text: &str) -> Result<Timestamp, String> {
    moment(text).ok_or_else(|| {
        "expected a time such as 2026-11-23T08:00:00Z, or how long ago, such as 10m or 2h".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_reasons_that_say_nothing_are_refused() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert!(duration("soon").is_err() && duration("-3s").is_err());
        assert!(reason(" ").is_err());
        assert_eq!(reason(" why ").as_deref(), Ok("why"));
        let given = since("2026-11-23T08:00:00Z").unwrap();
        assert_eq!(given.as_millis(), 1_795_420_800_000);
        let now = jiff::Timestamp::now().as_millisecond();
        let minutes = (now - since("10m").unwrap().as_millis() + 30_000) / 60_000;
        assert_eq!(minutes, 10);
        assert!(since("yesterday").is_err());
    }
}
