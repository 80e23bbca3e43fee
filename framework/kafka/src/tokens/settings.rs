//! What a configuration says of tokens, and the clients that are opened with it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;

use crate::config::Config;
use crate::native::{Connectable, Connected};

use super::command::ByCommand;
use super::keeper::Issue;
use super::{Hand, Lease, TokenProvider, Tokens};

/// How long a command waits for its token: longer than a command that makes it may take.
const TOKEN_AT_MOST: Duration = Duration::from_secs(35);

/// Why brokers are not given a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenLack {
    /// Nothing makes tokens.
    #[error("OAUTHBEARER has no provider of tokens here")]
    Provider,
    /// What makes them says this.
    #[error("{0}")]
    Token(String),
}

impl Config {
    /// The same with tokens of this provider, for brokers that are logged in to by SASL OAUTHBEARER. A
    /// [`Config::token_command`] is asked instead of it.
    #[must_use]
    pub fn with_tokens(self, provider: impl TokenProvider) -> Self {
        self.with_provider(Arc::new(provider))
    }

    pub(crate) fn with_provider(self, provider: Arc<dyn TokenProvider>) -> Self {
        Config {
            tokens: Tokens::default(),
            token_provider: Some(provider),
            ..self
        }
    }

    /// Whether the brokers are to be given tokens, and librdkafka does not fetch them itself.
    fn wants_tokens(&self) -> bool {
        self.logs_in_by_token() && !self.says(&["sasl.oauthbearer.method"], "oidc")
    }

    /// Who makes the tokens.
    fn token_provider(&self) -> Option<Arc<dyn TokenProvider>> {
        match self.token_command.as_str() {
            "" => self.token_provider.clone(),
            command => Some(Arc::new(ByCommand::new(command))),
        }
    }

    /// Waits until there is a token to log in with, or it is known why there is none, where brokers are to be given one: for a
    /// command, which does not wait for brokers for long, and may have to for a token.
    pub fn await_token(&self) {
        if let Some(_lease) = self.lease(Box::new(|_| Ok(()))) {
            self.issue().await_first(TOKEN_AT_MOST);
        }
    }

    /// Has a client given tokens, where they are wanted and something makes them.
    fn lease(&self, hand: Hand) -> Option<Lease> {
        let provider = self.wants_tokens().then(|| self.token_provider())??;
        Some(self.issue().lease(provider, hand))
    }

    /// The tokens that are made for these settings.
    pub(crate) fn issue(&self) -> Arc<Issue> {
        self.tokens.of(&self.token_command)
    }

    /// Why there is no token to log in with, where brokers are to be given one.
    pub(crate) fn lacks_token(&self) -> Option<TokenLack> {
        if !self.wants_tokens() {
            return None;
        }
        if self.token_provider().is_none() {
            return Some(TokenLack::Provider);
        }
        self.issue().failure().map(TokenLack::Token)
    }

    /// Creates a client out of what was made of [`Config::client`]. It connects by itself; where the brokers want tokens it is
    /// given them as long as it lives.
    ///
    /// ```
    /// use kolo_kafka::{Config, Connected};
    /// use rdkafka::client::DefaultClientContext;
    /// use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext};
    ///
    /// let config = Config::new("broker:9092");
    /// let consumer: Connected<BaseConsumer> = config.connect(&config.client(), DefaultConsumerContext)?;
    /// # Ok::<(), rdkafka::error::KafkaError>(())
    /// ```
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn connect<T, C>(
        &self,
        client: &ClientConfig,
        context: C,
    ) -> Result<Connected<T>, KafkaError>
    where
        C: ClientContext,
        T: FromClientConfigAndContext<C> + Connectable,
    {
        Connected::new(client, context, |hand| self.lease(hand))
    }
}
