//! A workbench: a pool with two effects of one aggregate, an adapter that does as it is told, and what it saw.

use std::any::TypeId;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use kolo_core::{
    CallFailure, CallPolicy, CorrelationId, DecodeError, EffectCall, EffectDescription, Event,
    EventId, EventType, Function, Pauses, Port, Timestamp,
};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::adapter::{Adapter, AdapterError, Call};
use crate::effects::{Adapters, AggregateEffects, EffectPool, Ended, Ownership, ReplyTo};
use crate::wake::Waker;
use crate::worker::record::now;

/// A request that is its own key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked(String);

impl Event for Asked {
    type Key = String;
    const TYPE: &'static EventType = &EventType {
        name: "test.Asked",
        topic: "asked",
        key_field: "key",
        saga_field: None,
        public: false,
        mark: kolo_core::Mark::Step,
        key_type: "String",
        schema: "",
    };

    fn key(&self) -> &String {
        &self.0
    }

    fn saga(&self) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(value).map_err(|_| DecodeError::Malformed {
            event: Self::TYPE.name,
            at: 0,
            problem: "not text".into(),
        })?;
        Ok(Asked(text.to_owned()))
    }
}

/// The effects 0 and 1 of the aggregate.
pub(super) struct First;
pub(super) struct Second;

impl Port for First {
    type Request = Asked;
    type Reply = ();
}

impl Port for Second {
    type Request = Asked;
    type Reply = ();
}

/// What the adapter does in one call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Reply,
    ReplyAfter(Duration),
    Fail,
    Refuse,
    Panic,
}

/// One call that the adapter saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) effect: usize,
    pub(super) key: String,
    pub(super) attempt: u32,
    /// Since the start, in milliseconds.
    pub(super) at: u128,
}

type Script = Arc<dyn Fn(&Made) -> Act + Send + Sync>;

#[derive(Clone)]
struct Scripted {
    effect: usize,
    script: Script,
    start: Instant,
    made: Arc<Mutex<Vec<Made>>>,
    /// How many calls run, and how many ran at once at most.
    running: Arc<Mutex<(usize, usize)>>,
}

impl<P: Port<Request = Asked, Reply = ()>> Adapter<P> for Scripted {
    async fn call(&self, call: Call<'_, Asked>) -> Result<(), AdapterError> {
        let made = Made {
            effect: self.effect,
            key: call.key.to_owned(),
            attempt: call.attempt,
            at: self.start.elapsed().as_millis(),
        };
        let act = (self.script)(&made);
        self.made.lock().push(made);
        match act {
            Act::Reply => Ok(()),
            Act::ReplyAfter(time) => {
                let _running = Running::new(&self.running);
                tokio::time::sleep(time).await;
                Ok(())
            }
            Act::Fail => Err(AdapterError::new("out of order")),
            Act::Refuse => Err(AdapterError::terminal("no such account")),
            Act::Panic => panic!("as told"),
        }
    }
}

/// A call that runs, until it ends or is cut off.
struct Running<'a>(&'a Mutex<(usize, usize)>);

impl<'a> Running<'a> {
    fn new(counts: &'a Mutex<(usize, usize)>) -> Self {
        let mut running = counts.lock();
        running.0 += 1;
        running.1 = running.1.max(running.0);
        Running(counts)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().0 -= 1;
    }
}

pub(super) struct Bench {
    pub(super) pool: EffectPool,
    pub(super) effects: AggregateEffects,
    pub(super) reply_to: ReplyTo,
    pub(super) owned: Ownership,
    ended: Receiver<Ended>,
    adapter: Scripted,
}

/// Pauses whose length can be told, so that a test can: 1 s, 2 s, 4 s, 4 s, and so on.
pub(super) const PAUSES: Pauses =
    Pauses::between(Duration::from_secs(1), Duration::from_secs(4)).without_jitter();

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn effect<P: Port<Request = Asked>>(policy: CallPolicy) -> EffectDescription {
    EffectDescription {
        request: Asked::TYPE,
        port: TypeId::of::<P>(),
        port_name: std::any::type_name::<P>(),
        emits: Vec::new(),
        function: Function {
            name: "then",
            place: Location::caller(),
        },
        exhausted: None,
        policy,
    }
}

impl Bench {
    /// Both effects have this policy, with pauses that can be told.
    pub(super) fn new(
        policy: CallPolicy,
        script: impl Fn(&Made) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::with_max(policy, 1_000, script)
    }

    pub(super) fn with_max(
        policy: CallPolicy,
        max_effects: usize,
        script: impl Fn(&Made) -> Act + Send + Sync + 'static,
    ) -> Self {
        let adapter = Scripted {
            effect: 0,
            script: Arc::new(script),
            start: Instant::now(),
            made: Arc::default(),
            running: Arc::default(),
        };
        let mut adapters = Adapters::default();
        adapters.bind::<First>(adapter.clone());
        adapters.bind::<Second>(Scripted {
            effect: 1,
            ..adapter.clone()
        });
        let pool = EffectPool::new(&Handle::current(), adapters, max_effects, seconds(10), None);
        let policy = policy.pauses(PAUSES);
        let effects = [effect::<First>(policy), effect::<Second>(policy)];
        let effects = pool.serve("test.asks", &effects).unwrap();
        let (sender, ended) = unbounded();
        let reply_to = ReplyTo {
            ended: sender,
            waker: Waker::default(),
        };
        Bench {
            owned: effects.own(3, reply_to.clone()),
            pool,
            effects,
            reply_to,
            ended,
            adapter,
        }
    }

    /// Asks the first effect, once for each key.
    pub(super) fn ask(&self, keys: &[&str]) {
        self.owned
            .call(keys.iter().map(|key| call(0, key, "1", now())));
    }

    /// The next end: the key, and why there is no reply if there is none.
    pub(super) async fn end(&self) -> (Ended, Option<CallFailure>) {
        loop {
            if let Ok(ended) = self.ended.try_recv() {
                let failure = ended.outcome.as_ref().err().cloned();
                return (ended, failure);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn ended_keys(&self, count: usize) -> Vec<String> {
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(self.end().await.0.call.key.to_string());
        }
        keys
    }

    pub(super) fn nothing_ended(&self) -> bool {
        self.ended.is_empty()
    }

    pub(super) fn made(&self) -> Vec<Made> {
        self.adapter.made.lock().clone()
    }

    /// When the calls were made, in milliseconds.
    pub(super) fn times(&self) -> Vec<u128> {
        self.made().iter().map(|made| made.at).collect()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.adapter.running.lock().1
    }
}

/// A call of an effect, told apart by a name at its key.
pub(super) fn call(effect: usize, key: &str, name: &str, at: Timestamp) -> EffectCall {
    EffectCall {
        effect,
        request: EventId::foreign(&format!("{key} {effect} {name}")),
        correlation: CorrelationId::of_saga(key),
        key: key.into(),
        value: key.as_bytes().into(),
        at,
        traceparent: None,
    }
}

/// A moment so long ago, in the log.
pub(super) fn ago(time: Duration) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - i64::try_from(time.as_millis()).unwrap())
}
