//! What a service tells in its log, and a topic that is deleted.

#[allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "each test takes what it needs"
)]
pub(crate) mod subject;

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kolo_broker::testing::bootstrap;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

/// The log of all tests of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(bytes)?;
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

/// Begins to take the log down.
pub(crate) fn listen() {
    let _ = log();
}

/// The lines that name a service.
pub(crate) fn log_of(name: &str) -> String {
    let text = String::from_utf8_lossy(&log().lock()).into_owned();
    let lines = text.lines().filter(|line| line.contains(name));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Forgets the lines that name a service.
pub(crate) fn forget(name: &str) {
    let mut log = log().lock();
    let text = String::from_utf8_lossy(&log).into_owned();
    let lines = text.lines().filter(|line| !line.contains(name));
    *log = lines
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .into_bytes();
}

/// What a take-over tells.
pub(crate) struct TookOver {
    /// How many events the stream held.
    pub(crate) events: usize,
    /// How many records of it were read.
    pub(crate) read: usize,
}

/// The take-overs of a service.
pub(crate) fn took_over(name: &str) -> Vec<TookOver> {
    let field = |line: &str, name: &str| -> usize {
        let (_, behind) = line.split_once(&format!(" {name}=")).expect("the field");
        let text = behind.split(' ').next().unwrap_or_default();
        text.parse().expect("a number")
    };
    let log = log_of(name);
    let lines = log.lines().filter(|line| line.contains(" took over in "));
    lines
        .map(|line| TookOver {
            events: field(line, "events"),
            read: field(line, "read"),
        })
        .collect()
}

/// Deletes a topic, and waits until it is gone.
pub(crate) fn delete(topic: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .create()
        .expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let options = AdminOptions::new();
    crate::common::await_that("the topic is gone", || {
        let deleted = runtime.block_on(admin.delete_topics(&[topic], &options));
        deleted.expect("an answer")[0].is_err()
    });
}
