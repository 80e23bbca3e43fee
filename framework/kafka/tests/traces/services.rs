//! The two services: one asks a bank, the other waits in vain for what never comes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kolo_core::{CallPolicy, Deadline, Pauses};
use kolo_kafka::{Adapter, AdapterError, App, Call};

/// Says to this program which of them it is.
pub(crate) const SERVICE: &str = "TEST_SERVICE";

crate::common::counter_events!("traces.added", "traces.counted");
crate::common::asker!("traces.asks");
event!(Waited, "traces.waits");
event!(Failed, "traces.waits", Failure);
crate::common::own_events!(WaitEvent, "traces.waits", Waited, Failed);

/// A bank that replies when it is asked the second time.
struct Second;

impl Adapter<Bank> for Second {
    async fn call(&self, call: Call<'_, Asked>) -> Result<(), AdapterError> {
        if let Some(context) = call.traceparent {
            assert!(context.starts_with("00-"), "{context}");
        }
        match call.attempt {
            1 => Err(AdapterError::new("nobody is there")),
            _ => Ok(()),
        }
    }
}

/// Waits a little while for what never comes.
#[derive(Debug, Default)]
struct Waiter(Option<Timestamp>);

impl State for Waiter {
    type Event = WaitEvent;
    fn evolve(&mut self, event: &WaitEvent, at: Timestamp) {
        self.0 = match event {
            WaitEvent::Waited(_) => Some(Timestamp::from_millis(at.as_millis() + 20)),
            WaitEvent::Failed(_) => None,
        };
    }
}

/// What it is not to be told of.
pub(crate) const TOO_MUCH: i64 = 666;

fn wait(_: &Waiter, told: &Received<Told>) -> Waited {
    assert!(told.amount != TOO_MUCH, "that is too much");
    let (key, amount) = (told.key.clone(), told.amount);
    Waited { key, amount }
}

fn fail(_: &Waiter, passed: &Received<Deadline<String>>) -> Failed {
    let key = passed.key.clone();
    Failed { key, amount: 0 }
}

pub(crate) fn asks() -> App {
    const SOON: Pauses = Pauses::between(Duration::from_millis(20), Duration::from_millis(50));
    let asker = Aggregate::<Asker>::new("asker")
        .on(ask)
        .effect::<Bank, _>(told)
        .policy(CallPolicy::new().pauses(SOON));
    App::new(Service::new("asks").aggregate(asker)).bind::<Bank>(Second)
}

pub(crate) fn waits() -> App {
    let waiter = Aggregate::<Waiter>::new("waiter");
    let waiter = waiter.on(wait).deadline(|waiter| waiter.0, fail);
    App::new(Service::new("waits").aggregate(waiter))
}

/// A service that runs. It is killed in the end, whatever that is.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(service: &str, brokers: &str, collector: &str, folder: &Path) -> Process {
        let log = folder.join(service);
        let child = Command::new(std::env::current_exe().expect("this program"))
            .env(SERVICE, service)
            .env("KOLO_BOOTSTRAP", brokers)
            .env("KOLO_PARTITIONS", "1")
            // A session that begins anew calls, and tells, once more.
            .env("KOLO_SESSION_TIMEOUT_MS", "60000")
            .env("KOLO_MANAGEMENT", "127.0.0.1:0")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .env("KOLO_LOG", "kolo_kafka=debug")
            .env("KOLO_LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file"))
            .spawn();
        let child = child.expect("this program again");
        Process { child, log }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
