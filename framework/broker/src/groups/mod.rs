//! What drives the group coordinator: the clock, the log it is kept in, and the requests that wait for it.

mod stored;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{DescribeGroupsRequest, GroupId};
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;
use stored::{read_entries, to_batches};
use tokio::sync::{Notify, oneshot};

use crate::group::{Answer, Context, Coordinator, GroupConfig, Output, Token};
use crate::partition::{AppendResult, Partition};

/// Sessions may be as short as this, where Kafka wants 6 s: a test waits for them to end.
const MIN_SESSION_TIMEOUT: Duration = Duration::from_secs(1);

/// The groups of a running broker.
pub(crate) struct Groups {
    /// Never held over IO: what is to be stored is handed to the log's task under it, which keeps the order.
    state: Mutex<State>,
    log: Arc<Partition>,
    next_token: AtomicU64,
    sooner: Notify,
}

struct State {
    coordinator: Coordinator,
    waiting: HashMap<Token, oneshot::Sender<Answer>>,
    /// What the clock's task sleeps until.
    alarm: Option<Instant>,
}

/// Groups that could not be read back.
#[derive(Debug, thiserror::Error)]
#[error("the groups cannot be restored: {0}")]
pub(crate) struct RestoreError(String);

/// The log did not take what had to be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotStored;

impl From<NotStored> for ResponseError {
    fn from(_: NotStored) -> Self {
        ResponseError::CoordinatorNotAvailable
    }
}

impl Groups {
    /// Takes up what the log has.
    pub(crate) fn restore(log: Arc<Partition>) -> Result<Groups, RestoreError> {
        let mut coordinator = Coordinator::new(GroupConfig {
            min_session_timeout: MIN_SESSION_TIMEOUT,
            ..GroupConfig::default()
        });
        let entries = read_entries(&log)?;
        coordinator
            .restore(Instant::now(), entries)
            .map_err(|error| RestoreError(error.to_string()))?;
        Ok(Groups {
            state: Mutex::new(State {
                coordinator,
                waiting: HashMap::new(),
                alarm: None,
            }),
            log,
            next_token: AtomicU64::new(0),
            sooner: Notify::new(),
        })
    }

    /// Asks without changing anything.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Coordinator) -> T) -> T {
        ask(&self.state.lock().coordinator)
    }

    /// A call that is answered at once. The answer is given out when what the call brought about is stored.
    pub(crate) async fn call<T>(
        &self,
        act: impl FnOnce(&mut Coordinator, Instant) -> (T, Output),
    ) -> Result<T, NotStored> {
        let (value, settled) = {
            let mut state = self.state.lock();
            let (value, output) = act(&mut state.coordinator, Instant::now());
            (value, self.settle(&mut state, output))
        };
        settled.done().await.map(|()| value)
    }

    /// A call whose answer may come in the output of another one.
    pub(crate) async fn wait(
        &self,
        act: impl FnOnce(&mut Coordinator, Instant, Token) -> Output,
    ) -> Result<Answer, NotStored> {
        let token = Token(self.next_token.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        let settled = {
            let mut state = self.state.lock();
            state.waiting.insert(token, answer);
            let output = act(&mut state.coordinator, Instant::now(), token);
            self.settle(&mut state, output)
        };
        let _guard = Waiting {
            groups: self,
            token,
        };
        settled.done().await?;
        answered.await.map_err(|_| NotStored)
    }

    /// Ends the session of the member with this member id, instance id or client id.
    pub(crate) async fn expire_member(&self, group: &str, member: &str) {
        let request = DescribeGroupsRequest::default()
            .with_groups(vec![GroupId(StrBytes::from_string(group.to_owned()))]);
        let context = Context {
            version: 5,
            client_id: StrBytes::default(),
            client_host: StrBytes::default(),
        };
        let described = self.ask(|coordinator| coordinator.describe(&context, &request));
        let ids: Vec<StrBytes> = described
            .groups
            .into_iter()
            .flat_map(|group| group.members)
            .filter(|known| {
                known.member_id.as_str() == member
                    || known.client_id.as_str() == member
                    || known.group_instance_id.as_deref() == Some(member)
            })
            .map(|known| known.member_id)
            .collect();
        for id in ids {
            // Not stored is not answered: the member rejoins and it is stored then.
            let _ = self
                .call(|coordinator, now| ((), coordinator.expire_member(now, group, &id)))
                .await;
        }
    }

    /// Drops what was committed for a topic that is deleted.
    pub(crate) async fn forget_topic(&self, topic: &str) {
        if self
            .call(|coordinator, _| ((), coordinator.forget_topic(topic)))
            .await
            .is_err()
        {
            tracing::warn!(
                topic,
                "offsets committed for the deleted topic come back with the next start"
            );
        }
    }

    /// Runs the clock. Never ends.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let alarm = {
                let mut state = self.state.lock();
                state.alarm = state.coordinator.next_deadline();
                state.alarm
            };
            let rings = async {
                match alarm {
                    Some(alarm) => tokio::time::sleep_until(alarm.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = rings => {
                    let _ = self.call(|coordinator, now| ((), coordinator.tick(now))).await;
                }
                () = self.sooner.notified() => {}
            }
        }
    }

    /// Hands what is to be stored to the log and answers those who waited, once it is stored: also if nobody awaits what
    /// this returns, since the answers are other clients'.
    fn settle(&self, state: &mut State, output: Output) -> Settled {
        let deadline = state.coordinator.next_deadline();
        if deadline.is_some_and(|deadline| state.alarm.is_none_or(|alarm| deadline < alarm)) {
            self.sooner.notify_one();
        }
        let answers: Vec<_> = output
            .answers
            .into_iter()
            .filter_map(|(token, answer)| Some((state.waiting.remove(&token)?, answer)))
            .collect();
        if output.entries.is_empty() {
            answer_all(answers);
            return Settled::Done;
        }
        let stored = match to_batches(&output.entries) {
            Ok(batches) => self.log.append(batches),
            Err(error) => {
                tracing::error!(%error, "what groups did cannot be encoded");
                return Settled::Failed;
            }
        };
        if answers.is_empty() {
            return Settled::Stored(stored);
        }
        let (done, settled) = oneshot::channel();
        tokio::spawn(async move {
            let result = is_stored(stored.await);
            if result.is_ok() {
                answer_all(answers);
            }
            let _ = done.send(result);
        });
        Settled::Answered(settled)
    }
}

fn answer_all(answers: Vec<(oneshot::Sender<Answer>, Answer)>) {
    for (waiting, answer) in answers {
        // Who left meanwhile needs no answer.
        let _ = waiting.send(answer);
    }
}

/// How far a call is from being stored and answered.
enum Settled {
    Done,
    Failed,
    Stored(oneshot::Receiver<AppendResult>),
    Answered(oneshot::Receiver<Result<(), NotStored>>),
}

impl Settled {
    async fn done(self) -> Result<(), NotStored> {
        match self {
            Settled::Done => Ok(()),
            Settled::Failed => Err(NotStored),
            Settled::Stored(result) => is_stored(result.await),
            Settled::Answered(result) => result.await.unwrap_or(Err(NotStored)),
        }
    }
}

fn is_stored(result: Result<AppendResult, oneshot::error::RecvError>) -> Result<(), NotStored> {
    match result {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "what groups did is not stored; they are told to try again");
            Err(NotStored)
        }
        // The broker shuts down.
        Err(_) => Err(NotStored),
    }
}

/// Forgets a request that stops to wait without its answer: its connection is gone. The member lives by its session.
struct Waiting<'a> {
    groups: &'a Groups,
    token: Token,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.groups.state.lock().waiting.remove(&self.token);
    }
}
