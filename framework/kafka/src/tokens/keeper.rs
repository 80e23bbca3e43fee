//! Has tokens made before they are asked for, once for all clients of a configuration, and hands them to the clients.
//!
//! A thread does it for as long as there are clients. No client waits for it: one that has no token yet does not connect, and
//! why there is none is asked for where brokers are found out of reach.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use kolo_core::message_of;
use parking_lot::{Condvar, Mutex};

use super::{Token, TokenProvider};

/// How long after one that was made the next is made at least, and after one that was not.
const PAUSE: Duration = Duration::from_secs(1);
/// At most, after many that were not.
const PAUSE_AT_MOST: Duration = Duration::from_secs(30);

/// Gives one client a token; says why it does not take it.
pub(crate) type Hand = Box<dyn Fn(&Token) -> Result<(), String> + Send>;

/// The tokens of a configuration and of its clones.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The last that was made, and when the next is to be.
    token: Option<(Token, Instant)>,
    /// Why there is no newer one, though it is time.
    failure: Option<String>,
    clients: Vec<(u64, Hand)>,
    next_client: u64,
    /// Whether the thread runs.
    kept: bool,
}

/// That a client is given tokens. It must be dropped before the client is.
pub(crate) struct Lease {
    shared: Arc<Shared>,
    client: u64,
}

impl Tokens {
    /// Why there is no token to log in with.
    pub(crate) fn failure(&self) -> Option<String> {
        let state = self.0.state.lock();
        state.failure.clone().filter(|_| state.valid().is_none())
    }

    /// For whom the last token is.
    pub(crate) fn principal(&self) -> Option<String> {
        let state = self.0.state.lock();
        let (token, _) = state.token.as_ref()?;
        Some(token.principal.clone())
    }

    /// Hands a client the token that there is, and those that the provider makes, as long as the lease is held.
    pub(crate) fn lease(&self, provider: Arc<dyn TokenProvider>, hand: Hand) -> Lease {
        let mut state = self.0.state.lock();
        let client = state.next_client;
        state.next_client += 1;
        if let Some(token) = state.valid() {
            told_if_refused(&hand(token));
        }
        state.clients.push((client, hand));
        if !state.kept {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("kolo-tokens".into());
            match thread.spawn(move || keep(&shared, provider.as_ref())) {
                Ok(_) => state.kept = true,
                Err(error) => state.failure = Some(format!("no thread can be started: {error}")),
            }
        }
        Lease {
            shared: Arc::clone(&self.0),
            client,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.clients.retain(|(client, _)| *client != self.client);
        if state.clients.is_empty() {
            self.shared.changed.notify_all();
        }
    }
}

impl State {
    /// A token that brokers take.
    fn valid(&self) -> Option<&Token> {
        let (token, _) = self.token.as_ref()?;
        (token.expires > SystemTime::now()).then_some(token)
    }

    fn take(&mut self, token: Token, next: Instant) {
        for (_, hand) in &self.clients {
            told_if_refused(&hand(&token));
        }
        self.failure = None;
        self.token = Some((token, next));
    }

    fn failed(&mut self, problem: &str, pause: Duration) {
        let left = self
            .valid()
            .and_then(|token| token.expires.duration_since(SystemTime::now()).ok());
        match left {
            Some(left) => tracing::warn!(
                "no new token, it is tried again in {pause:.0?}: {problem}. The brokers take the last one for {left:.0?} more"
            ),
            None => tracing::error!(
                "no token to log in with, it is tried again in {pause:.0?}: {problem}"
            ),
        }
        self.failure = Some(problem.to_owned());
    }
}

fn told_if_refused(handed: &Result<(), String>) {
    if let Err(problem) = handed {
        tracing::error!("librdkafka does not take the token: {problem}");
    }
}

/// Has tokens made as long as there are clients.
fn keep(shared: &Shared, provider: &dyn TokenProvider) {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_delay(PAUSE_AT_MOST)
        .without_max_times();
    let mut failing = None;
    let mut due = {
        let state = shared.state.lock();
        let known = state.valid().and(state.token.as_ref());
        known.map_or_else(Instant::now, |(_, next)| *next)
    };
    loop {
        {
            let mut state = shared.state.lock();
            while !state.clients.is_empty() && Instant::now() < due {
                shared.changed.wait_until(&mut state, due);
            }
            if state.clients.is_empty() {
                state.kept = false;
                return;
            }
        }
        let made = make(provider);
        let mut state = shared.state.lock();
        match made {
            Ok((token, lifetime)) => {
                failing = None;
                due = Instant::now() + (lifetime * 3 / 4).max(PAUSE);
                state.take(token, due);
            }
            Err(problem) => {
                let pauses = failing.get_or_insert_with(|| pauses.build());
                let pause = pauses.next().unwrap_or(PAUSE_AT_MOST);
                due = Instant::now() + pause;
                state.failed(&problem, pause);
            }
        }
    }
}

/// A token, and for how long brokers take it.
fn make(provider: &dyn TokenProvider) -> Result<(Token, Duration), String> {
    let made = catch_unwind(AssertUnwindSafe(|| provider.token()));
    let made = made.map_err(|panic| format!("it panicked: {}", message_of(panic.as_ref())))?;
    let token = made.map_err(|error| error.to_string())?;
    match token.expires.duration_since(SystemTime::now()) {
        Ok(lifetime) => Ok((token, lifetime)),
        Err(past) => Err(format!(
            "what was made has expired {:.0?} ago: are the clocks right?",
            past.duration()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use crossbeam_channel::{Receiver, Sender, unbounded};

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    type Made = Result<Token, Box<dyn Error + Send + Sync>>;

    /// Tokens that a test makes, one by one.
    struct ByHand {
        tokens: Tokens,
        provider: Arc<dyn TokenProvider>,
    }

    fn by_hand() -> (ByHand, Sender<Made>) {
        let (make, made) = unbounded::<Made>();
        let by_hand = ByHand {
            tokens: Tokens::default(),
            provider: Arc::new(move || {
                made.recv()
                    .unwrap_or_else(|_| Err("the test is over".into()))
            }),
        };
        (by_hand, make)
    }

    impl ByHand {
        fn client(&self) -> (Lease, Receiver<String>) {
            let (tell, told) = unbounded();
            let hand = move |token: &Token| {
                let told = tell.send(token.value.clone());
                told.map_err(|error| error.to_string())
            };
            let provider = Arc::clone(&self.provider);
            (self.tokens.lease(provider, Box::new(hand)), told)
        }
    }

    fn token(value: &str, lifetime: Duration) -> Token {
        Token::new(value, "order", SystemTime::now() + lifetime)
    }

    fn until(what: impl Fn() -> bool) {
        let until = Instant::now() + SOON;
        while !what() {
            assert!(Instant::now() < until, "waited for too long");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    fn one_token_serves_all_clients_also_those_that_come_later() {
        let (by_hand, make) = by_hand();
        let (_first, first) = by_hand.client();
        make.send(Ok(token("a", Duration::from_secs(3600))))
            .unwrap();
        assert_eq!(first.recv_timeout(SOON).unwrap(), "a");
        let (_second, second) = by_hand.client();
        assert_eq!(second.recv_timeout(SOON).unwrap(), "a");
        assert_eq!(by_hand.tokens.principal().as_deref(), Some("order"));
        assert!(make.is_empty() && first.is_empty());
    }

    #[test]
    fn the_next_is_made_before_the_last_expires_and_goes_to_who_is_left() {
        let (by_hand, make) = by_hand();
        let (first, told_first) = by_hand.client();
        let (_second, told_second) = by_hand.client();
        let lifetime = Duration::from_secs(3);
        make.send(Ok(token("a", lifetime))).unwrap();
        assert_eq!(told_second.recv_timeout(SOON).unwrap(), "a");
        let made = Instant::now();
        drop(first);
        make.send(Ok(token("b", Duration::from_secs(3600))))
            .unwrap();
        assert_eq!(told_second.recv_timeout(SOON).unwrap(), "b");
        assert!(made.elapsed() >= lifetime / 2, "{:?}", made.elapsed());
        assert_eq!(told_first.try_iter().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_fails_is_told_and_tried_again() {
        let (by_hand, make) = by_hand();
        let (_lease, handed) = by_hand.client();
        make.send(Err("the server is down".into())).unwrap();
        until(|| by_hand.tokens.failure().as_deref() == Some("the server is down"));
        make.send(Ok(token("old", Duration::ZERO))).unwrap();
        until(|| {
            by_hand
                .tokens
                .failure()
                .is_some_and(|failure| failure.contains("expired"))
        });
        make.send(Ok(token("a", Duration::from_secs(3600))))
            .unwrap();
        assert_eq!(handed.recv_timeout(SOON).unwrap(), "a");
        until(|| by_hand.tokens.failure().is_none());
    }

    #[test]
    fn a_provider_that_panics_has_failed() {
        let provider = || panic!("no luck");
        let tokens = Tokens::default();
        let _lease = tokens.lease(Arc::new(provider), Box::new(|_| Ok(())));
        until(|| {
            tokens
                .failure()
                .is_some_and(|failure| failure.contains("no luck"))
        });
    }

    #[test]
    fn the_thread_ends_with_the_last_client_and_a_new_one_begins_another() {
        let (by_hand, make) = by_hand();
        let (lease, handed) = by_hand.client();
        make.send(Ok(token("a", Duration::from_secs(3600))))
            .unwrap();
        assert_eq!(handed.recv_timeout(SOON).unwrap(), "a");
        drop(lease);
        until(|| !by_hand.tokens.0.state.lock().kept);
        let (_lease, handed) = by_hand.client();
        assert_eq!(handed.recv_timeout(SOON).unwrap(), "a");
        assert!(by_hand.tokens.0.state.lock().kept);
    }
}
