//! The client settings of kolo's workers, for the bare loop: both sides run on the same ones.

use kolo::Config;
use rdkafka::ClientConfig;

/// How many records are read before deliveries are looked at.
pub(super) const BATCH: usize = 256;

/// Of consumers that are assigned by hand.
pub(super) fn consumer(config: &Config) -> ClientConfig {
    with(
        config,
        &[
            ("group.id", "bench.bare"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("allow.auto.create.topics", "false"),
            ("fetch.wait.max.ms", "100"),
            ("fetch.queue.backoff.ms", "2"),
            ("queued.min.messages", "100000"),
            ("socket.nagle.disable", "true"),
            ("auto.offset.reset", "error"),
        ],
    )
}

/// Of producers.
pub(super) fn producer(config: &Config) -> ClientConfig {
    with(
        config,
        &[
            ("compression.codec", "lz4"),
            ("max.in.flight.requests.per.connection", "1"),
            ("linger.ms", "0"),
            ("batch.num.messages", "100000"),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "1048576"),
            ("socket.nagle.disable", "true"),
            ("enable.idempotence", "true"),
            ("enable.gapless.guarantee", "true"),
            ("acks", "all"),
            ("message.timeout.ms", "0"),
        ],
    )
}

fn with(config: &Config, settings: &[(&str, &str)]) -> ClientConfig {
    let mut client = config.client();
    for (name, value) in settings {
        client.set(*name, *value);
    }
    client
}
