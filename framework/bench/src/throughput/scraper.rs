//! Scrapes a service's metrics as Prometheus does, from a thread of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};

/// Five times as often as deploy/prometheus does, so that a run of some seconds has some.
const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// A scraper that runs.
pub(super) struct Scraper {
    stop: Sender<()>,
    thread: JoinHandle<anyhow::Result<Scrape>>,
}

/// What a service said of itself.
pub(super) struct Scrape(String);

impl Scraper {
    pub(super) fn start(at: SocketAddr) -> Scraper {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                scrape(at)?;
            }
            scrape(at)
        });
        Scraper { stop, thread }
    }

    /// Scrapes for the last time.
    pub(super) fn end(self) -> anyhow::Result<Scrape> {
        // One that has failed listens no more, and says why.
        let _ = self.stop.send(());
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| bail!("the scraper has panicked"))
    }
}

fn scrape(at: SocketAddr) -> anyhow::Result<Scrape> {
    let mut stream = TcpStream::connect(at).context("nobody serves metrics")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!("metrics are not served: {answer}");
    }
    Ok(Scrape(answer))
}

impl Scrape {
    /// The samples of this name, added up; `None` if there is none.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        let of_name = |line: &&str| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        };
        let samples = self.0.lines().filter(of_name);
        let values = samples.map(|line| line.rsplit(' ').next()?.parse().ok());
        let values: Option<Vec<f64>> = values.collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(values.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_a_name_are_added_up() {
        let text = "# TYPE a counter\na_total{of=\"x y\"} 3\na_total{of=\"z\"} 4\na_total_more 9\n";
        let scrape = Scrape(text.into());
        assert_eq!(scrape.sum("a_total"), Some(7.0));
        assert_eq!(scrape.sum("b_total"), None);
    }
}
