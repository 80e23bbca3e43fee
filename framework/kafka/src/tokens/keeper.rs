//! Has tokens made before they are asked for, once for all clients of a configuration, and hands them to the clients.
//!
//! A thread does it for as long as there are clients. No client waits for it: one that has no token yet does not connect, and
//! why there is none is asked for where brokers are found out of reach.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use kolo_core::message_of;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{Token, TokenProvider};

/// How long after one that was made the next is made at least, and after one that was not.
const PAUSE: Duration = Duration::from_secs(1);
/// At most, after many that were not.
const PAUSE_AT_MOST: Duration = Duration::from_secs(30);
/// How often the clock is looked at: a machine that was suspended has lost time that nobody has waited.
const LOOK: Duration = Duration::from_secs(5);
/// How long a token is used at most; those that never expire say so by times that overflow elsewhere.
const USED_AT_MOST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Gives one client a token; says why it does not take it.
pub(crate) type Hand = Box<dyn Fn(&Token) -> Result<(), String> + Send>;

/// The tokens of a configuration and of its clones, by the command that makes them.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Arc<Mutex<BTreeMap<String, Arc<Issue>>>>);

impl Tokens {
    /// Those of this command, or of the program's own provider.
    pub(crate) fn of(&self, command: &str) -> Arc<Issue> {
        let mut known = self.0.lock();
        if let Some(issue) = known.get(command) {
            return Arc::clone(issue);
        }
        let issue = Arc::<Issue>::default();
        known.insert(command.to_owned(), Arc::clone(&issue));
        issue
    }
}

/// The tokens that one provider makes.
#[derive(Default)]
pub(crate) struct Issue {
    state: Mutex<State>,
    /// A client has come or gone, or there is news of tokens.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// Why there is no newer one, though it is time.
    failure: Option<String>,
    /// What librdkafka has against the token.
    refusal: Option<String>,
    /// Since when one is being made.
    making: Option<Instant>,
    clients: Vec<(u64, Hand)>,
    next_client: u64,
    /// Whether the thread runs.
    kept: bool,
}

/// That a client is given tokens. It must be dropped before the client is.
pub(crate) struct Lease {
    issue: Arc<Issue>,
    client: u64,
}

impl Issue {
    /// Why there is no token to log in with.
    pub(crate) fn failure(&self) -> Option<String> {
        let state = self.state.lock();
        if let Some(refusal) = &state.refusal {
            return Some(format!("librdkafka does not take it: {refusal}"));
        }
        if state.valid().is_some() {
            return None;
        }
        let awaited = state.making.map(|since| since.elapsed());
        let awaited = awaited.filter(|awaited| *awaited >= PAUSE);
        let awaited = awaited.map(|awaited| format!("one has been awaited for {awaited:.0?}"));
        state.failure.clone().or(awaited)
    }

    /// For whom the last token is.
    pub(crate) fn principal(&self) -> Option<String> {
        let state = self.state.lock();
        Some(state.token.as_ref()?.principal.clone())
    }

    /// Waits until there is a token, or it is known why there is none.
    pub(crate) fn await_first(&self, at_most: Duration) {
        let until = Instant::now() + at_most;
        let mut state = self.state.lock();
        while state.kept && state.valid().is_none() && state.failure.is_none() {
            if self.changed.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }

    /// Hands a client the token that there is, and those that the provider makes, as long as the lease is held.
    pub(crate) fn lease(self: &Arc<Self>, provider: Arc<dyn TokenProvider>, hand: Hand) -> Lease {
        let mut state = self.state.lock();
        let client = state.next_client;
        state.next_client += 1;
        if let Some(token) = state.valid() {
            let handed = hand(token);
            state.handed(handed);
        }
        state.clients.push((client, hand));
        if state.kept {
            self.changed.notify_all();
        } else {
            let issue = Arc::clone(self);
            let thread = std::thread::Builder::new().name("kolo-tokens".into());
            match thread.spawn(move || keep(&issue, provider.as_ref())) {
                Ok(_) => state.kept = true,
                Err(error) => state.failure = Some(format!("no thread can be started: {error}")),
            }
        }
        drop(state);
        Lease {
            issue: Arc::clone(self),
            client,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.issue.state.lock();
        state.clients.retain(|(client, _)| *client != self.client);
        if state.clients.is_empty() {
            self.issue.changed.notify_all();
        }
    }
}

impl State {
    /// A token that brokers take.
    fn valid(&self) -> Option<&Token> {
        let token = self.token.as_ref()?;
        (token.expires > SystemTime::now()).then_some(token)
    }

    /// Takes note of what a client has made of the token.
    fn handed(&mut self, handed: Result<(), String>) {
        if let Err(problem) = &handed {
            tracing::error!("librdkafka does not take the token: {problem}");
        }
        self.refusal = handed.err();
    }

    fn take(&mut self, token: Token) -> Result<(), String> {
        // All are given it, whatever one of them says.
        let handed: Vec<_> = self.clients.iter().map(|(_, hand)| hand(&token)).collect();
        let handed: Result<(), String> = handed.into_iter().collect();
        self.handed(handed.clone());
        if handed.is_ok() {
            self.failure = None;
        }
        self.token = Some(token);
        handed.map_err(|problem| format!("librdkafka does not take the token: {problem}"))
    }

    fn failed(&mut self, problem: &str, pause: Duration) {
        let now = SystemTime::now();
        let left = self
            .valid()
            .and_then(|token| token.expires.duration_since(now).ok());
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

/// When the next token is to be made.
enum Due {
    /// When the last is three quarters through.
    Renewal(SystemTime),
    /// After a failure.
    Retry(Instant),
}

impl Due {
    /// For how long there is time at least, as far as can be told.
    fn left(&self) -> Duration {
        match self {
            Due::Renewal(at) => at.duration_since(SystemTime::now()).unwrap_or_default(),
            Due::Retry(at) => at.saturating_duration_since(Instant::now()),
        }
    }

    fn renewal(token: &Token, now: SystemTime) -> Due {
        let lifetime = token.expires.duration_since(now).unwrap_or_default();
        Due::Renewal(now + (lifetime / 4 * 3).max(PAUSE))
    }
}

/// That the thread runs; also where it ends by a panic.
struct Kept<'a>(&'a Issue);

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state.lock().kept = false;
        }
    }
}

/// Has tokens made as long as there are clients.
fn keep(issue: &Issue, provider: &dyn TokenProvider) {
    let _kept = Kept(issue);
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_delay(PAUSE_AT_MOST)
        .without_max_times();
    let mut failing = None;
    let mut due = match issue.state.lock().valid() {
        Some(token) => Due::renewal(token, SystemTime::now()),
        None => Due::Retry(Instant::now()),
    };
    while let Some(mut state) = await_turn(issue, &due) {
        state.making = Some(Instant::now());
        drop(state);
        let made = make(provider);
        let mut state = issue.state.lock();
        state.making = None;
        match made.and_then(|token| {
            let next = Due::renewal(&token, SystemTime::now());
            state.take(token).map(|()| next)
        }) {
            Ok(next) => {
                failing = None;
                due = next;
            }
            Err(problem) => {
                let pauses = failing.get_or_insert_with(|| pauses.build());
                let pause = pauses.next().unwrap_or(PAUSE_AT_MOST);
                due = Due::Retry(Instant::now() + pause);
                state.failed(&problem, pause);
            }
        }
        issue.changed.notify_all();
    }
}

/// Waits until a token is due; `None` once there are no clients.
fn await_turn<'a>(issue: &'a Issue, due: &Due) -> Option<MutexGuard<'a, State>> {
    let mut state = issue.state.lock();
    loop {
        if state.clients.is_empty() {
            state.kept = false;
            issue.changed.notify_all();
            return None;
        }
        let left = due.left();
        let is_lost = matches!(due, Due::Renewal(_)) && state.valid().is_none();
        if left.is_zero() || is_lost {
            return Some(state);
        }
        issue.changed.wait_for(&mut state, left.min(LOOK));
    }
}

fn make(provider: &dyn TokenProvider) -> Result<Token, String> {
    let made = catch_unwind(AssertUnwindSafe(|| provider.token()));
    let made = made.map_err(|panic| format!("it panicked: {}", message_of(panic.as_ref())))?;
    let token = made.map_err(|error| error.to_string())?;
    let now = SystemTime::now();
    match now.duration_since(token.expires) {
        Ok(past) => Err(format!(
            "what was made has expired {past:.0?} ago: are the clocks right?"
        )),
        Err(_) => Ok(Token {
            expires: token.expires.min(now + USED_AT_MOST),
            ..token
        }),
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
        tokens: Arc<Issue>,
        provider: Arc<dyn TokenProvider>,
    }

    fn by_hand() -> (ByHand, Sender<Made>) {
        let (make, made) = unbounded::<Made>();
        let by_hand = ByHand {
            tokens: Arc::default(),
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
        let lifetime = Duration::from_secs(8);
        let made = Instant::now();
        make.send(Ok(token("a", lifetime))).unwrap();
        assert_eq!(told_second.recv_timeout(SOON).unwrap(), "a");
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
        let tokens = Arc::<Issue>::default();
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
        until(|| !by_hand.tokens.state.lock().kept);
        let (_lease, handed) = by_hand.client();
        assert_eq!(handed.recv_timeout(SOON).unwrap(), "a");
        assert!(by_hand.tokens.state.lock().kept);
    }

    #[test]
    fn one_that_librdkafka_does_not_take_is_none() {
        let (by_hand, make) = by_hand();
        let (tell, told) = unbounded();
        let hand = move |token: &Token| {
            let _ = tell.send(token.value.clone());
            match token.value.as_str() {
                "odd" => Err("it is odd".to_owned()),
                _ => Ok(()),
            }
        };
        let lease = by_hand
            .tokens
            .lease(Arc::clone(&by_hand.provider), Box::new(hand));
        let for_long = Duration::from_secs(3600);
        make.send(Ok(token("odd", for_long))).unwrap();
        let says = |words: &str| {
            let failure = by_hand.tokens.failure();
            failure.is_some_and(|failure| failure.contains(words))
        };
        until(|| says("it is odd"));
        make.send(Ok(token("even", for_long))).unwrap();
        until(|| by_hand.tokens.failure().is_none());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["odd", "even"]);
        drop(lease);
    }

    #[test]
    fn one_that_is_long_in_coming_is_told_and_awaited() {
        let (by_hand, make) = by_hand();
        let (_lease, _handed) = by_hand.client();
        until(|| {
            let failure = by_hand.tokens.failure();
            failure.is_some_and(|failure| failure.contains("awaited"))
        });
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| by_hand.tokens.await_first(SOON));
            make.send(Ok(token("a", Duration::from_secs(3600))))
                .unwrap();
            waiting.join().unwrap();
        });
        assert_eq!(by_hand.tokens.failure(), None);
    }

    #[test]
    fn one_for_ever_is_used_for_a_year() {
        let for_ever = SystemTime::now() + Duration::from_secs(1 << 50);
        let made = make(&move || Ok(Token::new("a", "order", for_ever))).unwrap();
        let left = made.expires.duration_since(SystemTime::now()).unwrap();
        assert!(left <= USED_AT_MOST, "{left:?}");
    }

    #[test]
    fn each_command_has_tokens_of_its_own() {
        let tokens = Tokens::default();
        assert!(Arc::ptr_eq(&tokens.of("a"), &tokens.clone().of("a")));
        assert!(!Arc::ptr_eq(&tokens.of("a"), &tokens.of("b")));
    }
}
