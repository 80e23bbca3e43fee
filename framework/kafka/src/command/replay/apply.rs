//! `replay apply`: answers that are missing are given, by the owners of their keys.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kolo_core::processor::replay::Finding;
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{self, MARKER, Marker, PARKED, REPLAY, Record};
use kolo_core::{EventId, Service};
use serde_json::json;

use crate::config::Config;

use super::super::control::{Sender, control_record};
use super::super::failure::Failure;
use super::super::parked::print_one;
use super::super::reading::Reading;
use super::super::terminal::{confirms, count, harmless, key_shown, note, progress, say};
use super::super::{listen, print};
use super::args::Apply;
use super::compare::{Aggregate, compare};

/// How often the streams are looked at for answers.
const LOOK: Duration = Duration::from_millis(100);
/// How many of those that got no answer are named.
const NAMED: usize = 10;

/// What became of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Outcome {
    /// It was not sent.
    #[default]
    Unsent,
    /// It was sent, and nothing was seen of it.
    Pending,
    /// It has its answer.
    Answered,
    /// It could not be decided, or its key is parked.
    Parked,
    /// Its owner has read it, and says nothing: the key's state is another one by now.
    Nothing,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Outcome::Unsent => "unsent",
            Outcome::Pending => "pending",
            Outcome::Answered => "answered",
            Outcome::Parked => "parked",
            Outcome::Nothing => "nothing",
        }
    }
}

/// An input whose answer is missing.
struct Missing<'a> {
    aggregate: &'a Aggregate,
    partition: i32,
    key: &'a str,
    on: &'a str,
    replay: &'a wire::Replay,
    outcome: Outcome,
}

pub(super) fn run(service: &Service, config: &Config, args: &Apply) -> Result<(), Failure> {
    let all = compare(service, config, &args.filter)?;
    let mut missing: Vec<Missing<'_>> = all.iter().flat_map(of_aggregate).collect();
    let redriven = all
        .iter()
        .map(|aggregate| aggregate.count(Finding::Missing));
    let redriven = redriven.sum::<u64>() - missing.len() as u64;
    if redriven > 0 {
        note(&format!(
            "{redriven} more were parked and then decided with nothing. An owner recognises them as answered: publish them again under other ids if they must have an answer"
        ));
    }
    if !missing.is_empty() {
        confirm(service, &missing, args)?;
        apply(service, config, args, &mut missing)?;
    }
    report(service, args, &missing)?;
    if missing.iter().all(|one| one.outcome == Outcome::Answered) {
        Ok(())
    } else {
        Err(Failure::NotDone)
    }
}

fn of_aggregate(aggregate: &Aggregate) -> impl Iterator<Item = Missing<'_>> {
    let differing = aggregate.differing.iter();
    differing.filter_map(move |(partition, compared)| {
        Some(Missing {
            aggregate,
            partition: *partition,
            key: &compared.key,
            on: &compared.on,
            replay: compared.replay.as_ref()?,
            outcome: Outcome::Unsent,
        })
    })
}

/// Says what would be done, and asks.
fn confirm(service: &Service, missing: &[Missing<'_>], args: &Apply) -> Result<(), Failure> {
    let mut rows: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in missing {
        *rows.entry((one.aggregate.name, one.on)).or_default() += 1;
    }
    for ((aggregate, on), number) in rows {
        let inputs = count(number, "input");
        let (name, on) = (service.name(), harmless(on));
        say(&format!(
            "{name}.{aggregate} would answer {inputs} of {on} now"
        ));
    }
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input(
            "nothing was sent: nobody can be asked here. --yes says that it is meant",
        ));
    }
    if confirms("Send them to their owners?") {
        return Ok(());
    }
    Err(Failure::Run("nothing was sent".into()))
}

fn apply(
    service: &Service,
    config: &Config,
    args: &Apply,
    missing: &mut [Missing<'_>],
) -> Result<(), Failure> {
    send(service, config, args, missing)?;
    // By partition: which of the inputs are in it.
    let mut waited: BTreeMap<(&str, i32), Vec<usize>> = BTreeMap::new();
    for (at, one) in missing.iter().enumerate() {
        if one.outcome == Outcome::Pending {
            let partition = (one.aggregate.stream, one.partition);
            waited.entry(partition).or_default().push(at);
        }
    }
    let mut follows = Vec::new();
    for ((_, partition), of_partition) in waited {
        let aggregate = missing[of_partition[0]].aggregate;
        follows.push(Follow::new(
            config,
            aggregate,
            partition,
            of_partition,
            missing,
        )?);
    }
    let bar = progress(missing.len() as u64, 2, "inputs answered");
    let begun = Instant::now();
    loop {
        let mut left = 0;
        for follow in &mut follows {
            follow.look(missing)?;
        }
        for one in missing.iter() {
            left += u64::from(one.outcome == Outcome::Pending);
        }
        bar.set_position(missing.len() as u64 - left);
        if left == 0 || begun.elapsed() > args.timeout {
            bar.finish_and_clear();
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Sends them, so many a second. Ctrl-C ends it between two.
fn send(
    service: &Service,
    config: &Config,
    args: &Apply,
    missing: &mut [Missing<'_>],
) -> Result<(), Failure> {
    let stop = listen()?;
    let sender = Sender::new(config)?;
    let source = format!("/{}/replay", service.name());
    let bar = progress(missing.len() as u64, 2, "inputs sent");
    let begun = Instant::now();
    for (at, one) in missing.iter_mut().enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let due = Duration::from_secs(at as u64) / args.rate.get();
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let value = serde_json::to_vec(one.replay)?;
        let inbox = &one.aggregate.inbox.name;
        let record = control_record(inbox, one.partition, one.key, REPLAY, &source, &value);
        sender.send(record)?;
        one.outcome = Outcome::Pending;
        bar.inc(1);
    }
    bar.finish_and_clear();
    sender.acknowledged()?;
    if stop.load(Ordering::Relaxed) {
        note(
            "interrupted: type the same command again, and it goes on with those that have no answer yet",
        );
    }
    Ok(())
}

/// One partition of a stream, from where it was compared.
struct Follow {
    reading: Reading,
    reader: StreamReader,
    inbox: kolo_core::TopicId,
    /// Where the inbox ended once everything was sent.
    sent: i64,
    by_id: HashMap<(EventId, String), usize>,
}

impl Follow {
    fn new(
        config: &Config,
        aggregate: &Aggregate,
        partition: i32,
        of_partition: Vec<usize>,
        missing: &[Missing<'_>],
    ) -> Result<Self, Failure> {
        let (end, cursor) = aggregate.ends.get(&partition).copied().unwrap_or_default();
        let mut reading = Reading::new(config, aggregate.stream)?;
        reading.begin_at(partition, end)?;
        let (_, sent) = Reading::new(config, &aggregate.inbox.name)?.marks(partition)?;
        let by_id = of_partition.into_iter().map(|at| {
            let one = &missing[at];
            ((one.replay.id, one.key.to_owned()), at)
        });
        Ok(Follow {
            reading,
            reader: StreamReader::resume(cursor),
            inbox: aggregate.inbox.id,
            sent,
            by_id: by_id.collect(),
        })
    }

    /// Takes up what has come.
    fn look(&mut self, missing: &mut [Missing<'_>]) -> Result<(), Failure> {
        self.reading.go_on()?;
        let Follow {
            reading,
            reader,
            inbox,
            sent,
            by_id,
        } = self;
        reading.each(&mut |record| {
            let verdict = reader.read(record.offset, &record.headers);
            let verdict = verdict.map_err(|error| Failure::run(error.to_string()))?;
            let Verdict::Valid(stamp) = verdict else {
                return Ok(true);
            };
            let event_type = record.headers.event_type.unwrap_or_default();
            if event_type == MARKER {
                if read_up_to(record, *inbox) >= *sent {
                    let pending = by_id
                        .values()
                        .filter(|at| missing[**at].outcome == Outcome::Pending);
                    let pending: Vec<usize> = pending.copied().collect();
                    pending
                        .into_iter()
                        .for_each(|at| missing[at].outcome = Outcome::Nothing);
                }
                return Ok(true);
            }
            let key = String::from_utf8_lossy(record.key.unwrap_or_default());
            if let Some(cause) = stamp.causation
                && stamp.index == 1
                && let Some(at) = by_id.get(&(cause, key.into_owned()))
            {
                missing[*at].outcome = if event_type == PARKED {
                    Outcome::Parked
                } else {
                    Outcome::Answered
                };
            }
            Ok(true)
        })
    }
}

/// How far a marker says that the inbox was read.
fn read_up_to(marker: &Record<'_>, inbox: kolo_core::TopicId) -> i64 {
    let marker = serde_json::from_slice(marker.value.unwrap_or_default());
    let reads = marker.map_or_else(|_| Vec::new(), |marker: Marker| marker.reads);
    let read = reads.into_iter().find(|read| read.topic == inbox);
    read.map_or(0, |read| read.next)
}

fn report(service: &Service, args: &Apply, missing: &[Missing<'_>]) -> Result<(), Failure> {
    let number = |outcome| missing.iter().filter(|one| one.outcome == outcome).count();
    if args.json {
        let inputs = missing.iter().map(|one| {
            json!({
                "aggregate": format!("{}.{}", service.name(), one.aggregate.name),
                "partition": one.partition,
                "key": one.key,
                "id": one.replay.id,
                "on": one.on,
                "outcome": one.outcome.name(),
            })
        });
        return print_one(&json!({ "inputs": inputs.collect::<Vec<_>>() }));
    }
    if missing.is_empty() {
        return print("Nothing is missing.\n");
    }
    let mut text = format!(
        "{} of {} have their answer\n",
        number(Outcome::Answered),
        count(missing.len(), "input")
    );
    let all = [
        (Outcome::Parked, "are parked: see `parked list`"),
        (
            Outcome::Nothing,
            "get none by their owners: the state of their keys is another one by now",
        ),
        (
            Outcome::Pending,
            "are not handled yet: is the service running? They stand in the inbox, and are decided when it is back",
        ),
        (Outcome::Unsent, "were not sent"),
    ];
    for (outcome, what) in all.into_iter().filter(|(outcome, _)| number(*outcome) > 0) {
        let _ = writeln!(text, "{} {what}", number(outcome));
        let named = missing.iter().filter(|one| one.outcome == outcome);
        for one in named.clone().take(NAMED) {
            let (name, key) = (one.aggregate.name, key_shown(one.key));
            let on = harmless(one.on);
            let _ = writeln!(
                text,
                "  {}.{name} {key}, {on} {}",
                service.name(),
                one.replay.id
            );
        }
        if named.count() > NAMED {
            let _ = writeln!(text, "  … (--json names all)");
        }
    }
    print(&text)
}
