//! The embedded broker as a process of its own, for tests that kill it or measure it.
//!
//! `kolo-test-broker LISTEN [DIRECTORY]` prints the address it listens at. It ends in good order when its standard input is
//! closed, so it never outlives the test that started it.

use std::io::{Read, Write, stdin, stdout};
use std::time::Duration;

use kolo_broker::Broker;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments
        .next()
        .ok_or("usage: kolo-test-broker LISTEN [DIRECTORY]")?;
    // Cleaning goes on all the time, so that a kill meets it.
    let mut builder = Broker::builder()
        .listen(listen)
        .clean_interval(Duration::from_millis(50));
    if let Some(dir) = arguments.next() {
        builder = builder.data_dir(dir);
    }
    let broker = builder.start_blocking()?;
    let mut out = stdout();
    writeln!(out, "{}", broker.bootstrap())?;
    out.flush()?;
    stdin().read_to_end(&mut Vec::new())?;
    broker.shutdown_blocking();
    Ok(())
}
