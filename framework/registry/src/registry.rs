//! The registry, asked from the background and remembered.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use dashmap::DashMap;
use kolo_avro::codec::{Meaning, frame, ids};
use tokio::runtime::Runtime;

use crate::client::{Client, fingerprint, meaning};
use crate::problem::RegistryError;
use crate::settings::{Settings, SettingsError};
use crate::subject::Subjects;
use crate::version::Version;
use crate::writer::{Schema, Writer};

/// For how long "there is no such id" is believed.
const BELIEVED: Duration = Duration::from_secs(10);

/// How long a decoder waits for an answer: less than a worker may be silent.
const AT_MOST: Duration = Duration::from_secs(2);

/// How often it is told that something is still waited for.
const REMINDER: Duration = Duration::from_secs(10);

/// Called, from any thread, when something that was waited for is known.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// One registry, and what is known of it. Clones are the same one; the last takes its thread with it.
#[derive(Clone)]
pub struct Registry(Arc<Inside>);

struct Inside {
    client: Client,
    subjects: Subjects,
    register: bool,
    /// Ids that are being asked for, and who waits.
    asked: DashMap<u32, Vec<Wake>>,
    /// Ids that are of no schema, and when that was said.
    refused: DashMap<u32, Instant>,
    runtime: Option<Runtime>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Registry {
    /// Makes the client, and does not ask anything yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn open(settings: &Settings) -> Result<Registry, SettingsError> {
        let client = Client::new(settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kolo-registry")
            .enable_all()
            .build()?;
        Ok(Registry(Arc::new(Inside {
            client,
            subjects: settings.subjects,
            register: settings.register,
            asked: DashMap::new(),
            refused: DashMap::new(),
            runtime: Some(runtime),
        })))
    }

    /// Its address, as messages name it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.0.client.shown
    }

    /// How subjects are called.
    #[must_use]
    pub fn subjects(&self) -> Subjects {
        self.0.subjects
    }

    /// The id in the frame of a value, if it must be asked for before the value can be decoded. Fast where it need not.
    #[must_use]
    #[inline]
    pub fn must_ask(&self, value: &[u8]) -> Option<u32> {
        let id = frame::registry_id(value)?;
        if ids::fingerprint(id).is_some() {
            return None;
        }
        self.is_unknown(id).then_some(id)
    }

    #[cold]
    fn is_unknown(&self, id: u32) -> bool {
        let refused = self.0.refused.get(&id);
        refused.is_none_or(|at| at.elapsed() > BELIEVED)
    }

    /// Has an id asked for in the background, again and again until there is an answer, and `wake` called then.
    /// [`must_ask`](Self::must_ask) tells whether there is one.
    pub fn ask(&self, id: u32, wake: Wake) {
        let mut waiting = self.0.asked.entry(id).or_default();
        waiting.push(wake);
        if waiting.len() > 1 {
            return;
        }
        drop(waiting);
        let this = Arc::downgrade(&self.0);
        let Some(runtime) = &self.0.runtime else {
            return;
        };
        runtime.spawn(async move {
            let mut patience = Patience::new(format!("the schema with the id {id}"));
            loop {
                let Some(inside) = this.upgrade() else { return };
                let answer = inside.client.meaning_of(id).await;
                match inside.take(id, answer) {
                    Ok(()) => {
                        let (_, waiting) = inside.asked.remove(&id).unwrap_or((id, Vec::new()));
                        waiting.iter().for_each(|wake| wake());
                        return;
                    }
                    Err(problem) => {
                        drop(inside);
                        patience.wait(&problem).await;
                    }
                }
            }
        });
    }

    /// From now on, whatever is decoded in this process asks this registry for ids that it does not know, and waits for
    /// the answer, but not for long. Workers ask before they decode, and never wait there.
    pub fn resolve_all(&self) {
        let this = self.clone();
        ids::resolve_by(Arc::new(move |id| {
            this.learn(id).map_err(|problem| problem.to_string())
        }));
    }

    /// Has an id asked for in the background if nobody has yet; nobody waits.
    pub fn ask_beside(&self, id: u32) {
        if !self.0.asked.contains_key(&id) {
            self.ask(id, Arc::new(|| {}));
        }
    }

    /// Asks for an id, and waits for the answer.
    fn learn(&self, id: u32) -> Result<Meaning, RegistryError> {
        if self.is_unknown(id) {
            let this = Arc::clone(&self.0);
            self.wait_for(AT_MOST, async move {
                let answer = this.client.meaning_of(id).await;
                this.take(id, answer)
            })?;
        }
        Ok(ids::meaning(id).unwrap_or_else(|| Meaning::none("nothing was said of it")))
    }

    /// The id of a schema's text in its subject; waits for the answer.
    ///
    /// # Errors
    /// [`RegistryError::Absent`] where it is not registered, and whatever else goes wrong.
    pub fn look_up(&self, schema: Schema<'_>) -> Result<u32, RegistryError> {
        self.id_of(schema, false)
    }

    /// Registers a schema's text in its subject, and waits for its id. If it is there, nothing changes.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] where the registry does not take it, and whatever else goes wrong.
    pub fn register(&self, schema: Schema<'_>) -> Result<u32, RegistryError> {
        self.id_of(schema, true)
    }

    fn id_of(&self, schema: Schema<'_>, register: bool) -> Result<u32, RegistryError> {
        let this = Arc::clone(&self.0);
        let subject = self.0.subjects.of(schema.topic, schema.event);
        let text = schema.text.to_owned();
        // The client's own limit is the shorter one.
        self.wait_for(Duration::MAX, async move {
            this.id_of(&subject, &text, register).await
        })
    }

    /// What writes values with these schemas: their ids are looked up, or given where [`Settings::register`] allows it.
    ///
    /// # Errors
    /// When a schema is not registered or not taken, or the registry does not answer.
    pub fn writer(&self, schemas: &[Schema<'_>]) -> Result<Writer, RegistryError> {
        schemas.iter().map(|schema| self.id_for(*schema)).collect()
    }

    /// As [`writer`](Self::writer); but as long as the registry does not answer it is asked again, and every few seconds
    /// the log says what is waited for. `None` if `stopping` says so meanwhile.
    ///
    /// # Errors
    /// When a schema is not registered or not taken. It does not mend itself.
    pub fn writer_in_the_end(
        &self,
        schemas: &[Schema<'_>],
        stopping: impl Fn() -> bool,
    ) -> Result<Option<Writer>, RegistryError> {
        let mut ids = Vec::new();
        for schema in schemas {
            let mut patience = Patience::new(format!("the id of the schema of {}", schema.event));
            loop {
                let problem = match self.id_for(*schema) {
                    Ok(id) => break ids.push(id),
                    Err(problem) if problem.is_a_matter_of_time() => problem,
                    Err(problem) => return Err(problem),
                };
                let until = Instant::now() + patience.next(&problem);
                while let Some(left) = until.checked_duration_since(Instant::now()) {
                    if stopping() {
                        return Ok(None);
                    }
                    std::thread::sleep(left.min(Duration::from_millis(100)));
                }
            }
        }
        Ok(Some(ids.into_iter().collect()))
    }

    /// Learns the ids of all versions that are registered of these events, so that an outage is not noticed by whoever meets
    /// one for the first time. What is not there, or cannot be learnt now, is asked for when it is met.
    pub fn learn_versions<'e>(&self, events: impl IntoIterator<Item = (&'e str, &'e str)>) {
        let subjects: BTreeSet<String> = events
            .into_iter()
            .map(|(topic, event)| self.0.subjects.of(topic, event))
            .collect();
        let this = Arc::clone(&self.0);
        let learnt = self.wait_for(Duration::MAX, async move {
            for subject in subjects {
                let versions = match this.client.versions_of(&subject).await {
                    Ok(versions) => versions,
                    Err(RegistryError::Absent { .. }) => continue,
                    Err(problem) => return Err(problem),
                };
                // Whoever meets the id of what is no schema of an event is told why.
                for version in versions {
                    if let Ok(Ok(meaning)) = version.text.as_deref().map(meaning) {
                        ids::learn(version.id, meaning);
                    }
                }
            }
            Ok(())
        });
        if let Err(problem) = learnt {
            tracing::warn!("schemas of others will be asked for when they are met: {problem}");
        }
    }

    /// All versions of the subject of this event, the first one first; none if there is no such subject. Waits for the answers.
    ///
    /// # Errors
    /// When the registry does not answer. What cannot be used is told by its [`Version`].
    pub fn versions(&self, topic: &str, event: &str) -> Result<Vec<Version>, RegistryError> {
        let this = Arc::clone(&self.0);
        let subject = self.0.subjects.of(topic, event);
        let found = self.wait_for(Duration::MAX, async move {
            this.client.versions_of(&subject).await
        });
        match found {
            Ok(mut versions) => {
                versions.reverse();
                Ok(versions)
            }
            Err(RegistryError::Absent { .. }) => Ok(Vec::new()),
            Err(problem) => Err(problem),
        }
    }

    /// The fingerprint of a schema, and its id.
    fn id_for(&self, schema: Schema<'_>) -> Result<(u64, u32), RegistryError> {
        let fingerprint = fingerprint(schema.text).map_err(|problem| RegistryError::Unusable {
            registry: self.shown().to_owned(),
            what: format!("the schema of {}", schema.event),
            problem,
        })?;
        let id = self.id_of(schema, self.0.register)?;
        // It is read back when the own stream is.
        ids::learn(id, Meaning::schema(fingerprint, schema.event, schema.text));
        Ok((fingerprint, id))
    }

    /// Has something asked on the registry's own thread, and waits for it.
    fn wait_for<T: Send + 'static>(
        &self,
        at_most: Duration,
        question: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let (tell, told) = sync_channel(1);
        if let Some(runtime) = &self.0.runtime {
            runtime.spawn(async move {
                let _ = tell.send(question.await);
            });
        }
        told.recv_timeout(at_most).unwrap_or_else(|_| {
            Err(RegistryError::Unreachable {
                registry: self.shown().to_owned(),
                problem: "nothing came in time".to_owned(),
            })
        })
    }
}

impl Inside {
    /// Takes an answer up. What is none, for now, comes back.
    fn take(&self, id: u32, answer: Result<Meaning, RegistryError>) -> Result<(), RegistryError> {
        match answer {
            Ok(meaning) => {
                ids::learn(id, meaning);
                self.refused.remove(&id);
            }
            Err(problem) if problem.is_a_matter_of_time() => return Err(problem),
            Err(problem) => {
                ids::learn(id, Meaning::none(&problem.to_string()));
                self.refused.insert(id, Instant::now());
            }
        }
        Ok(())
    }

    async fn id_of(&self, subject: &str, text: &str, register: bool) -> Result<u32, RegistryError> {
        if register {
            self.client.register(subject, text).await
        } else {
            self.client.look_up(subject, text).await
        }
    }
}

/// Asking again and again, and saying so now and then.
struct Patience {
    what: String,
    since: Instant,
    told: Option<Instant>,
    pauses: backon::ExponentialBackoff,
}

impl Patience {
    fn new(what: String) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(10))
            .with_jitter()
            .without_max_times();
        Patience {
            what,
            since: Instant::now(),
            told: None,
            pauses: pauses.build(),
        }
    }

    /// How long to pause after this problem.
    fn next(&mut self, problem: &RegistryError) -> Duration {
        if self.told.is_none_or(|at| at.elapsed() >= REMINDER) {
            self.told = Some(Instant::now());
            tracing::warn!(
                "waits for {}, {:.0?} so far: {problem}",
                self.what,
                self.since.elapsed()
            );
        }
        self.pauses.next().unwrap_or(REMINDER)
    }

    async fn wait(&mut self, problem: &RegistryError) {
        tokio::time::sleep(self.next(problem)).await;
    }
}
