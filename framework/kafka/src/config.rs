//! Configuration, from a file and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use serde::Deserialize;

use crate::tokens::{TokenProvider, Tokens};

/// How a service is run. Every field has a default but for [`Config::bootstrap`], which is `127.0.0.1:9092`.
///
/// A TOML file has the same names; [`Config::kafka`] is its table `[kafka]`, whose properties go to librdkafka as they
/// are. The environment overrides the file: `KOLO_BOOTSTRAP`, `KOLO_WORKERS`, and so on; `KOLO_KAFKA_SASL_PASSWORD` sets
/// librdkafka's `sasl.password`.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The brokers to start from, as `host:port`, separated by commas.
    #[serde(default)]
    pub bootstrap: String,
    /// Worker threads of the service; each owns a share of the partitions.
    pub workers: usize,
    /// Partitions of topics that are created at start.
    pub partitions: i32,
    /// Replicas of topics that are created at start.
    pub replication: i32,
    /// Create the topics that are missing at start, instead of refusing to start.
    pub create_topics: bool,
    /// After how long without a sign of life another instance takes over, in milliseconds.
    pub session_timeout_ms: u64,
    /// How long appends may stay without acknowledgement before the owner gives its epoch up, in milliseconds.
    pub append_timeout_ms: u64,
    /// At least how often positions of inputs that were decided with no event are made durable, in milliseconds.
    pub marker_interval_ms: u64,
    /// How often topics and connections are looked at, in milliseconds: a topic that was deleted and created again is
    /// noticed by the next look, and a client that has lost the brokers for good by the third.
    pub check_interval_ms: u64,
    /// Where snapshots are kept, for aggregates that declare them: a directory of this instance's own. Empty: none are.
    pub state_dir: PathBuf,
    /// How often a snapshot is taken of each partition that has changed, in milliseconds.
    pub snapshot_interval_ms: u64,
    /// How much memory the keys of aggregates with snapshots may take, in MiB, in this process and all partitions together.
    /// What is seldom used is moved to [`Config::state_dir`]. 0: all keys are in memory. It is an estimate; see
    /// `docs/snapshots.md` for what it does not count.
    pub state_memory_mb: usize,
    /// How many appends of one partition may be unacknowledged before reading pauses.
    pub max_in_flight_records: usize,
    /// How many calls of ports this process makes at once, all effects together; a limit on one stands in its
    /// [`kolo_core::CallPolicy`].
    pub max_effects: usize,
    /// How long one call of a port may take, in milliseconds, where its [`kolo_core::CallPolicy`] does not say it.
    pub effect_timeout_ms: u64,
    /// How long a service that starts waits for brokers that do not answer, or are fewer than [`Config::replication`] asks for, in
    /// milliseconds, before it gives up. 0: it looks once. Brokers that refuse its credentials, or have a certificate that it does not trust, are not waited for.
    pub start_timeout_ms: u64,
    /// How long what runs beside the service may take to end after it was told to stop, in milliseconds; it is cut off then,
    /// and the service stops.
    pub stop_timeout_ms: u64,
    /// Take over from a higher version of an aggregate's declaration.
    pub allow_downgrade: bool,
    /// Where `/livez`, `/readyz` and `/metrics` are served, as `127.0.0.1:9400` or `0.0.0.0:9400`. Empty: nowhere.
    pub management: String,
    /// How old an input may be that a ready service has yet to decide, in milliseconds. 0: `/readyz` does not ask.
    pub ready_lag_ms: u64,
    /// The schema registry, if there is one: the table `[registry]`, or `KOLO_REGISTRY_URL` and its like. Without one, values
    /// name their schemas by fingerprints.
    pub registry: kolo_registry::Settings,
    /// A line for the shell that prints a token for SASL OAUTHBEARER, of which [`Token::from_answer`](crate::Token::from_answer)
    /// can make something. Where there is one, it is asked instead of the program's own provider.
    pub token_command: String,
    /// Properties for librdkafka, for all clients. Values of secrets are never printed.
    pub kafka: BTreeMap<String, String>,
    /// Shared by all clones.
    #[serde(skip)]
    pub(crate) tokens: Tokens,
    #[serde(skip)]
    pub(crate) token_provider: Option<Arc<dyn TokenProvider>>,
}

/// Where brokers are looked for that nobody has named.
const DEFAULT_BOOTSTRAP: &str = "127.0.0.1:9092";

/// librdkafka's names of [`Config::bootstrap`], which may stand in [`Config::kafka`] instead.
const BOOTSTRAP_PROPERTIES: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];

impl Default for Config {
    fn default() -> Self {
        Config {
            bootstrap: DEFAULT_BOOTSTRAP.into(),
            workers: 1,
            partitions: 6,
            replication: 1,
            create_topics: true,
            session_timeout_ms: 6_000,
            append_timeout_ms: 60_000,
            marker_interval_ms: 5_000,
            check_interval_ms: 10_000,
            state_dir: ".kolo/state".into(),
            snapshot_interval_ms: 10_000,
            state_memory_mb: 0,
            max_in_flight_records: 20_000,
            max_effects: 256,
            effect_timeout_ms: 10_000,
            start_timeout_ms: 60_000,
            stop_timeout_ms: 10_000,
            allow_downgrade: false,
            management: String::new(),
            ready_lag_ms: 60_000,
            registry: kolo_registry::Settings::default(),
            token_command: String::new(),
            kafka: BTreeMap::new(),
            tokens: Tokens::default(),
            token_provider: None,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A variable has a value that does not fit.
    #[error("{variable}={value}: {problem}")]
    Variable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
}

const PREFIX: &str = "KOLO_";
const KAFKA_PREFIX: &str = "KAFKA_";
const REGISTRY_PREFIX: &str = "REGISTRY_";

impl Config {
    /// The default configuration for these brokers.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Config {
            bootstrap: bootstrap.into(),
            ..Config::default()
        }
    }

    /// Reads the file, if one is given, and then the environment.
    ///
    /// # Errors
    /// When the file or a variable is not what it should be.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut config = Self::load_as_given(file)?;
        if config.bootstrap.is_empty() {
            DEFAULT_BOOTSTRAP.clone_into(&mut config.bootstrap);
        }
        Ok(config)
    }

    /// As [`Config::load`], but [`Config::bootstrap`] is empty where neither the file nor the environment names brokers:
    /// for a program that brings a broker of its own then. [`Config::names_brokers`] tells.
    ///
    /// # Errors
    /// When the file or a variable is not what it should be.
    pub fn load_as_given(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_sources(file, std::env::vars())
    }

    /// Whether it says where the brokers are, by [`Config::bootstrap`] or by a property for librdkafka.
    #[must_use]
    pub fn names_brokers(&self) -> bool {
        let property = |name: &&str| self.kafka.contains_key(*name);
        !self.bootstrap.is_empty() || BOOTSTRAP_PROPERTIES.iter().any(property)
    }

    /// The brokers to start from, whichever way they are named.
    pub(crate) fn brokers(&self) -> &str {
        let mut properties = BOOTSTRAP_PROPERTIES.iter();
        let named = properties.find_map(|name| self.kafka.get(*name));
        named.unwrap_or(&self.bootstrap)
    }

    fn from_sources(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut config = match file {
            None => Config {
                bootstrap: String::new(),
                ..Config::default()
            },
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                toml::from_str(&text).map_err(|error| ConfigError::File {
                    path: path.to_owned(),
                    problem: error.to_string(),
                })?
            }
        };
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            config
                .set(name, &value)
                .map_err(|problem| ConfigError::Variable {
                    value: if is_secret(&variable) {
                        "(hidden)".into()
                    } else {
                        value.clone()
                    },
                    variable,
                    problem,
                })?;
        }
        Ok(config)
    }

    /// Sets one field by the name of its variable. Names of other tools' variables are left alone.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        fn parse<T: std::str::FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
            value.parse().map_err(|error: T::Err| error.to_string())
        }
        match name {
            "BOOTSTRAP" => value.clone_into(&mut self.bootstrap),
            "WORKERS" => self.workers = parse::<usize>(value)?.max(1),
            "PARTITIONS" => self.partitions = parse(value)?,
            "REPLICATION" => self.replication = parse(value)?,
            "CREATE_TOPICS" => self.create_topics = parse(value)?,
            "SESSION_TIMEOUT_MS" => self.session_timeout_ms = parse(value)?,
            "APPEND_TIMEOUT_MS" => self.append_timeout_ms = parse(value)?,
            "MARKER_INTERVAL_MS" => self.marker_interval_ms = parse(value)?,
            "CHECK_INTERVAL_MS" => self.check_interval_ms = parse(value)?,
            "STATE_DIR" => self.state_dir = value.into(),
            "SNAPSHOT_INTERVAL_MS" => self.snapshot_interval_ms = parse(value)?,
            "STATE_MEMORY_MB" => self.state_memory_mb = parse(value)?,
            "MAX_IN_FLIGHT_RECORDS" => self.max_in_flight_records = parse(value)?,
            "MAX_EFFECTS" => self.max_effects = parse(value)?,
            "EFFECT_TIMEOUT_MS" => self.effect_timeout_ms = parse(value)?,
            "MANAGEMENT" => value.clone_into(&mut self.management),
            "READY_LAG_MS" => self.ready_lag_ms = parse(value)?,
            "START_TIMEOUT_MS" => self.start_timeout_ms = parse(value)?,
            "STOP_TIMEOUT_MS" => self.stop_timeout_ms = parse(value)?,
            "TOKEN_COMMAND" => value.clone_into(&mut self.token_command),
            "ALLOW_DOWNGRADE" => self.allow_downgrade = parse(value)?,
            _ => {
                if let Some(property) = name.strip_prefix(KAFKA_PREFIX) {
                    self.kafka
                        .insert(property.to_lowercase().replace('_', "."), value.to_owned());
                } else if let Some(field) = name.strip_prefix(REGISTRY_PREFIX) {
                    self.registry.set(field, value)?;
                }
            }
        }
        Ok(())
    }

    /// The session timeout.
    #[must_use]
    pub fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.session_timeout_ms)
    }

    /// How long the loop of a session may wait for an answer of the brokers: longer, and it would look like a process that did
    /// not run.
    pub(crate) fn answer_timeout(&self) -> Duration {
        Duration::from_secs(10).min(self.session_timeout() / 2)
    }

    /// How often topics and connections are looked at: never more often than ten times a second.
    pub(crate) fn check_interval(&self) -> Duration {
        Duration::from_millis(self.check_interval_ms.max(100))
    }

    /// Whether one of these properties for librdkafka begins so, whatever the case.
    pub(crate) fn says(&self, properties: &[&str], beginning: &str) -> bool {
        let mut given = properties.iter().filter_map(|name| self.kafka.get(*name));
        given.any(|given| given.to_lowercase().starts_with(beginning))
    }

    fn logs_in(&self) -> bool {
        self.says(&["security.protocol"], "sasl")
    }

    /// Whether the brokers are to be given tokens.
    pub(crate) fn logs_in_by_token(&self) -> bool {
        self.logs_in() && self.says(&["sasl.mechanism", "sasl.mechanisms"], "oauthbearer")
    }

    /// Whom brokers take a client for, as far as the settings tell.
    pub(crate) fn principal(&self) -> String {
        if self.logs_in() {
            if self.logs_in_by_token() {
                let named = self.issue().principal().map(|name| format!("User:{name}"));
                return named.unwrap_or_else(|| "the user of the token".to_owned());
            }
            return match self.kafka.get("sasl.username") {
                Some(name) => format!("User:{name}"),
                None => "a user without `sasl.username`".to_owned(),
            };
        }
        let certificate = self.kafka.get("ssl.certificate.location");
        match certificate.filter(|_| self.says(&["security.protocol"], "ssl")) {
            Some(file) => format!("the principal of the certificate {file}"),
            None => "User:ANONYMOUS".to_owned(),
        }
    }

    /// A client configuration with the brokers and the properties that were passed through. Left to itself, librdkafka would wait
    /// for up to ten seconds before it connects again: here it is a second at most, unless the properties say otherwise.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        // Before librdkafka does it: OpenSSL would clean up when the process exits, under the feet of clients that still close.
        #[cfg(feature = "tls")]
        openssl_sys::init();
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap)
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000");
        // Who sets the one means it with librdkafka's own of the other.
        if self.kafka.contains_key("reconnect.backoff.ms") {
            client.remove("reconnect.backoff.max.ms");
        }
        for (property, value) in &self.kafka {
            client.set(property, value);
        }
        // Whoever asks librdkafka to tell more wants to see it.
        if self.kafka.contains_key("debug") {
            client.set_log_level(RDKafkaLogLevel::Debug);
        }
        client
    }
}

/// What librdkafka says of settings that it refuses. The value is left out: it may be a secret under a mistyped name.
pub(crate) fn refused(error: &KafkaError) -> String {
    let told = match error {
        KafkaError::ClientConfig(_, problem, property, _) => format!("`{property}`: {problem}"),
        other => other.to_string(),
    };
    // librdkafka's words for what it was built without. In a build with TLS they are about other libraries.
    let unbuilt = ["at build time", "recompile librdkafka"];
    if !cfg!(feature = "tls") && unbuilt.iter().any(|words| told.contains(words)) {
        return format!("{told}. {WITHOUT_TLS}");
    }
    told
}

const WITHOUT_TLS: &str = "This build has neither TLS nor SCRAM: build it with `--features tls`, for which \
    OpenSSL's headers must be installed (Debian: `apt-get install libssl-dev`)";

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        "password",
        "passphrase",
        "secret",
        "key.pem",
        "key_pem",
        "token",
        "jaas",
    ]
    .iter()
    .any(|word| name.contains(word))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.kafka.iter().map(|(name, value)| {
            let value = if is_secret(name) {
                "(hidden)"
            } else {
                value.as_str()
            };
            (name.as_str(), value)
        });
        // There may be a secret in it.
        let token_command = if self.token_command.is_empty() {
            ""
        } else {
            "(hidden)"
        };
        f.debug_struct("Config")
            .field("bootstrap", &self.bootstrap)
            .field("workers", &self.workers)
            .field("partitions", &self.partitions)
            .field("replication", &self.replication)
            .field("create_topics", &self.create_topics)
            .field("session_timeout_ms", &self.session_timeout_ms)
            .field("append_timeout_ms", &self.append_timeout_ms)
            .field("marker_interval_ms", &self.marker_interval_ms)
            .field("check_interval_ms", &self.check_interval_ms)
            .field("state_dir", &self.state_dir)
            .field("snapshot_interval_ms", &self.snapshot_interval_ms)
            .field("state_memory_mb", &self.state_memory_mb)
            .field("max_in_flight_records", &self.max_in_flight_records)
            .field("max_effects", &self.max_effects)
            .field("effect_timeout_ms", &self.effect_timeout_ms)
            .field("start_timeout_ms", &self.start_timeout_ms)
            .field("stop_timeout_ms", &self.stop_timeout_ms)
            .field("allow_downgrade", &self.allow_downgrade)
            .field("management", &self.management)
            .field("ready_lag_ms", &self.ready_lag_ms)
            .field("registry", &self.registry)
            .field("token_command", &token_command)
            .field("kafka", &hidden.collect::<BTreeMap<_, _>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use rdkafka::consumer::BaseConsumer;

    use super::*;

    fn variables(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_environment_overrides_the_file_and_reaches_librdkafka() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kolo.toml");
        std::fs::write(
            &file,
            "bootstrap = \"a:1\"\nworkers = 3\n[kafka]\n\"client.id\" = \"shop\"\n",
        )
        .unwrap();
        let env = variables(&[
            ("KOLO_BOOTSTRAP", "b:2"),
            ("KOLO_KAFKA_SASL_USERNAME", "me"),
            ("PATH", "/bin"),
        ]);
        let config = Config::from_sources(Some(&file), env).unwrap();
        assert_eq!((config.bootstrap.as_str(), config.workers), ("b:2", 3));
        assert_eq!(config.client().get("client.id"), Some("shop"));
        assert_eq!(config.client().get("sasl.username"), Some("me"));
    }

    #[test]
    fn a_client_that_is_hung_up_on_is_soon_there_again() {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Config::new(broker.local_addr().unwrap().to_string());
        let client: Result<BaseConsumer, _> = config.client().create();
        let _client = client.unwrap();
        // librdkafka's own pauses would be of 0.1, 0.2, 0.4 s and so on: all from the seventh on of more than 4 s. One of them
        // may be this process's.
        let came = (0..10).map(|_| broker.accept().map(|_| Instant::now()));
        let came: Vec<Instant> = came.collect::<Result<_, _>>().unwrap();
        let pauses = came.windows(2).map(|pair| pair[1] - pair[0]);
        let shortest = pauses.skip(6).min().unwrap();
        assert!(shortest < Duration::from_secs(4), "{shortest:?}");
    }

    #[test]
    fn pauses_of_ones_own_are_taken() {
        let cases: [&[(&str, &str)]; 3] = [
            &[("KOLO_KAFKA_RECONNECT_BACKOFF_MS", "5000")],
            &[("KOLO_KAFKA_RECONNECT_BACKOFF_MAX_MS", "60000")],
            &[
                ("KOLO_KAFKA_RECONNECT_BACKOFF_MS", "5000"),
                ("KOLO_KAFKA_RECONNECT_BACKOFF_MAX_MS", "60000"),
            ],
        ];
        for set in cases {
            let config = Config::from_sources(None, variables(set)).unwrap();
            let client: Result<BaseConsumer, _> = config.client().create();
            assert!(client.is_ok(), "{set:?}: {:?}", client.err());
            assert!(crate::reach::Reach::new(&config).is_ok(), "{set:?}");
        }
    }

    #[test]
    fn who_names_no_brokers_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kolo.toml");
        std::fs::write(&file, "workers = 3\n").unwrap();
        let config = |file: Option<&Path>, env: &[(&str, &str)]| {
            Config::from_sources(file, variables(env)).unwrap()
        };
        assert!(!config(None, &[]).names_brokers());
        assert!(!config(Some(&file), &[("KOLO_BOOTSTRAP", "")]).names_brokers());
        assert!(config(Some(&file), &[("KOLO_BOOTSTRAP", "b:2")]).names_brokers());
        assert!(config(None, &[("KOLO_KAFKA_BOOTSTRAP_SERVERS", "b:2")]).names_brokers());
        for named in [
            "bootstrap = \"127.0.0.1:9092\"",
            "[kafka]\n\"metadata.broker.list\" = \"b:2\"",
        ] {
            std::fs::write(&file, named).unwrap();
            assert!(config(Some(&file), &[]).names_brokers(), "{named}");
        }
        assert!(Config::default().names_brokers());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = Config::from_sources(None, variables(&[("KOLO_WORKERS", "many")]))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("KOLO_WORKERS=many: "), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kolo.toml");
        std::fs::write(&file, "workes = 3\n").unwrap();
        let error = Config::from_sources(Some(&file), [])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("workes") && error.contains("kolo.toml"),
            "{error}"
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let config =
            Config::from_sources(None, variables(&[("KOLO_KAFKA_SASL_PASSWORD", "hunter2")]))
                .unwrap();
        assert_eq!(config.client().get("sasl.password"), Some("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));
        let passphrase = "KOLO_KAFKA_SASL_OAUTHBEARER_ASSERTION_PRIVATE_KEY_PASSPHRASE";
        let config = Config::from_sources(None, variables(&[(passphrase, "hunter2")])).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let command = variables(&[("KOLO_TOKEN_COMMAND", "login --secret hunter2")]);
        let config = Config::from_sources(None, command).unwrap();
        assert_eq!(config.token_command, "login --secret hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
        let mistyped =
            Config::from_sources(None, variables(&[("KOLO_KAFKA_SASL_PASWORD", "hunter2")]));
        let client: Result<BaseConsumer, _> = mistyped.unwrap().client().create();
        let error = refused(&client.err().unwrap());
        assert!(
            error.contains("sasl.pasword") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn a_build_without_tls_says_how_to_get_one() {
        for asked in [
            &[("KOLO_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")][..],
            &[("KOLO_KAFKA_SECURITY_PROTOCOL", "SSL")],
            &[("KOLO_KAFKA_SSL_CA_LOCATION", "/etc/ca.pem")],
            &[
                ("KOLO_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
                ("KOLO_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
                ("KOLO_KAFKA_SASL_USERNAME", "order"),
                ("KOLO_KAFKA_SASL_PASSWORD", "hunter2"),
            ],
            &[
                ("KOLO_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
                ("KOLO_KAFKA_SASL_MECHANISM", "OAUTHBEARER"),
            ],
        ] {
            let config = Config::from_sources(None, variables(asked)).unwrap();
            let client: Result<BaseConsumer, _> = config.client().create();
            let told = client.err().map(|error| refused(&error));
            let named = told
                .as_ref()
                .is_some_and(|told| told.contains("--features tls"));
            assert_eq!(named, !cfg!(feature = "tls"), "{asked:?}: {told:?}");
        }
    }
}
