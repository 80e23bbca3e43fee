//! Cold: more keys than memory, in one processor with the shell's store and without a broker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use kolo::processor::{InputTopic, Outbox, Outcome, Processor, Rules, Setup};
use kolo::wire::{Headers, Record};
use kolo::{Event, EventId, Timestamp, TopicId};
use kolo_kafka::Cold;

use crate::bench::Deposited;
use crate::machine::{cpu_seconds, resident_bytes};
use crate::restore::account::service;
use crate::say;

/// `kolo-bench cold`
#[derive(Debug, Args)]
pub(crate) struct ColdArgs {
    /// How many accounts there are.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10..))]
    aggregates: u32,
    /// How many inputs are decided in each part.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    inputs: u32,
    /// What the keys may take in memory, in MiB; 0: all that they need.
    #[arg(long, default_value_t = 0)]
    state_memory_mb: usize,
    /// Where the store is.
    #[arg(long, default_value = "target/bench-cold")]
    folder: std::path::PathBuf,
}

/// Fills the processor, then has inputs decided for any account, and for some more often than for others.
///
/// # Errors
/// When something is not decided as expected, or the store fails.
pub(crate) fn run(arguments: &ColdArgs) -> anyhow::Result<()> {
    std::fs::create_dir_all(&arguments.folder)?;
    let cold = match arguments.state_memory_mb {
        0 => None,
        mb => Some(Cold::open(&arguments.folder, mb << 20)?),
    };
    let empty = resident_bytes().context("the system does not tell the memory of a process")?;
    let mut bench = Bench::start(cold.as_ref())?;
    let all = arguments.aggregates;
    let random = &mut fastrand::Rng::with_seed(7);
    bench.part("fill", all, |number| number)?;
    let resident = resident_bytes().context("the system does not tell the memory of a process")?;
    let (in_memory, away) = bench.processor.keys_in_memory();
    say(format!(
        "{all} accounts: {in_memory} in memory and {away} out of it, estimated {:.0} MB; {:.0} MB resident more than empty",
        bench.processor.keys_bytes() as f64 / 1e6,
        resident.saturating_sub(empty) as f64 / 1e6
    ));
    bench.part("uniform", arguments.inputs, |_| random.u32(0..all))?;
    bench.part(
        "90 % of the inputs to 10 % of the accounts",
        arguments.inputs,
        |_| {
            if random.u32(0..10) == 0 {
                random.u32(0..all)
            } else {
                random.u32(0..all / 10)
            }
        },
    )?;
    let keys = bench.processor.keys();
    ensure!(keys == usize::try_from(all)?, "{keys} accounts are known");
    drop(bench);
    if let Some(cold) = cold {
        cold.close();
    }
    Ok(())
}

/// One partition, with a log that acknowledges at once.
struct Bench {
    processor: Box<dyn Processor>,
    outbox: Outbox,
    value: Vec<u8>,
    next: i64,
    appended: i64,
}

impl Bench {
    fn start(cold: Option<&Cold>) -> anyhow::Result<Bench> {
        let service = service();
        let participant = service.aggregates().first().context("an aggregate")?;
        let mut processor = participant.processor(Setup {
            service: "bench-cold".to_owned(),
            partition: 0,
            partitions: 1,
            nonce: 7,
            inputs: vec![InputTopic {
                name: "bench.deposits".to_owned(),
                id: TopicId(uuid::Uuid::from_u128(1)),
            }],
            routed: Vec::new(),
            max_record_bytes: 1_000_000,
            allow_downgrade: false,
            broken: std::collections::HashMap::new(),
            rules: Rules::ALL,
        });
        if let Some(cold) = cold {
            let share = cold.share_bytes();
            let store = cold.store("account", 0)?;
            ensure!(share.load(Ordering::Relaxed) > 0, "no memory at all");
            processor.keep_cold(Box::new(store), Arc::clone(&share));
        }
        let mut outbox = Outbox::default();
        processor.fence(Timestamp::from_millis(0), &mut outbox);
        processor.fenced(0);
        processor.start(Timestamp::from_millis(0), &mut outbox)?;
        outbox.clear();
        Ok(Bench {
            processor,
            outbox,
            value: Vec::new(),
            next: 0,
            appended: 0,
        })
    }

    fn part(
        &mut self,
        name: &str,
        inputs: u32,
        mut account: impl FnMut(u32) -> u32,
    ) -> anyhow::Result<()> {
        let cpu = cpu_seconds(None).unwrap_or_default();
        let (began, mut longest) = (Instant::now(), Duration::ZERO);
        for number in 0..inputs {
            let took = self.take(account(number))?;
            longest = longest.max(took);
        }
        let seconds = began.elapsed().as_secs_f64();
        let cpu = cpu_seconds(None).unwrap_or_default() - cpu;
        say(format!(
            "{name}: {:.0} inputs a second, {:.1} CPU s a million; the longest took {longest:.1?}",
            f64::from(inputs) / seconds,
            cpu / f64::from(inputs) * 1e6
        ));
        Ok(())
    }

    /// Has a deposit decided, and its answer acknowledged. Gives how long the processor took.
    fn take(&mut self, number: u32) -> anyhow::Result<Duration> {
        let account = EventId::foreign(&number.to_string()).to_string();
        let event = Deposited {
            memo: format!("{:>5} {account}", number % 10_000).repeat(4),
            account,
            amount_cents: i64::from(number % 100),
        };
        self.value.clear();
        event.encode(&mut self.value);
        let id = EventId::foreign(&format!("input {}", self.next)).to_string();
        let record = Record {
            offset: self.next,
            timestamp: Timestamp::from_millis(self.next),
            key: Some(event.account.as_bytes()),
            value: Some(&self.value),
            headers: Headers {
                id: Some(&id),
                event_type: Some(Deposited::TYPE.name),
                ..Headers::default()
            },
            ..Record::default()
        };
        self.next += 1;
        let began = Instant::now();
        let outcome = self
            .processor
            .handle(0, &record, record.timestamp, &mut self.outbox)?;
        let took = began.elapsed();
        ensure!(outcome == Outcome::Decided(1), "a deposit was {outcome:?}");
        self.outbox.clear();
        self.appended += 1;
        self.processor.acknowledged(self.appended)?;
        self.processor.sound(&mut Vec::new());
        Ok(took)
    }
}
