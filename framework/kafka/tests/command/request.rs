//! A parked request: a redrive calls its port again, and a drop leaves it without an answer.

use kolo_core::Port;
use kolo_kafka::{Adapter, AdapterError, App, Call};

use crate::common::{self, Publisher, config};
use crate::typed::{add, await_parked, parked};

common::counter_events!("request.added", "request.counted");

#[derive(Debug, Default)]
pub(crate) struct Bells(i64);

impl State for Bells {
    type Event = CounterEvent;
    fn evolve(&mut self, _: &CounterEvent, _: Timestamp) {
        self.0 += 1;
    }
}

struct Bell;

impl Port for Bell {
    type Request = Counted;
    type Reply = ();
}

struct Rings;

impl Adapter<Bell> for Rings {
    async fn call(&self, _: Call<'_, Counted>) -> Result<(), AdapterError> {
        Ok(())
    }
}

fn ring(bells: &Bells, added: &Received<Added>) -> Counted {
    Counted {
        key: added.key.clone(),
        amount: bells.0,
    }
}

/// The bell was rung, and nobody can say so.
fn rung(_: &Bells, counted: &Counted, (): ()) -> Counted {
    panic!("no word for {}", counted.key)
}

pub(crate) fn service() -> Service {
    let bells = Aggregate::<Bells>::new("bells")
        .on(ring)
        .effect::<Bell, _>(rung);
    Service::new("request").aggregate(bells)
}

pub(crate) fn a_request_is_called_again_or_never_answered() {
    let publisher = Publisher::new();
    let running = App::new(service()).bind::<Bell>(Rings).start(&config());
    let running = running.expect("the service starts");
    add(&publisher, "request.added", "1", "door", "door 1");
    publisher.flush();
    await_parked("request.counted", 1);
    add(&publisher, "request.added", "2", "door", "door 1");
    publisher.flush();
    await_parked("request.counted", 2);

    let shown = parked("request", &["show", "door"]).ends(0);
    shown.says(&[
        "1. panic: it panicked: no word for door\n",
        "function  rung (",
        "record    test.Counted, a request\n",
        "2. behind:",
    ]);
    parked("request", &["list"])
        .ends(0)
        .says(&["its request Counted"]);

    let again = parked("request", &["redrive", "door"]).ends(0);
    again
        .says(&["free, 2 records: the request is called again, and is parked again if that fails"]);
    await_parked("request.counted", 4);

    for _ in 0..2 {
        let drop = ["drop", "--yes", "--reason", "it was heard", "door"];
        let dropped = parked("request", &drop).ends(0);
        assert!(
            dropped.err.contains("has no answer for ever"),
            "{}",
            dropped.err
        );
    }
    parked("request", &["list"])
        .ends(0)
        .says(&["Nothing is parked."]);
    running.stop().expect("a graceful stop");
}
