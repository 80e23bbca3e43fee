//! Tokens: what the brokers are given by SASL OAUTHBEARER, and who makes them.
//!
//! librdkafka asks for tokens by an event of each client, which somebody has to poll for, and not all of ours are polled. So
//! here is a thread that has them made before they are asked for, once for all clients of a configuration.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | a token, and what makes one |
//! | `answer.rs` | a token out of what a program prints or a server answers |
//! | `command.rs` | one that is made by a command |
//! | `keeper.rs` | has them made, and hands them to the clients |
//! | `settings.rs` | what a configuration says of them, and clients that are opened with it |

mod answer;
mod command;
mod keeper;
mod settings;

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

pub(crate) use keeper::{Hand, Lease, Tokens};
pub(crate) use settings::TokenLack;

use answer::Claims;

/// A token for SASL OAUTHBEARER, such as a JWT.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use kolo_kafka::Token;
///
/// let expires = SystemTime::now() + Duration::from_secs(900);
/// let token = Token::new("c2VjcmV0", "order", expires).with_extension("logicalCluster", "lkc-1");
/// assert_eq!(token.principal(), "order");
/// ```
#[derive(Clone)]
pub struct Token {
    pub(crate) value: String,
    pub(crate) principal: String,
    pub(crate) expires: SystemTime,
    pub(crate) extensions: Vec<(String, String)>,
}

impl Token {
    /// A token of whatever kind, without the white space around it. The brokers read from the value whom it is for; `principal` is what
    /// messages call it.
    #[must_use]
    pub fn new(
        value: impl Into<String>,
        principal: impl Into<String>,
        expires: SystemTime,
    ) -> Self {
        Token {
            value: value.into().trim().to_owned(),
            principal: principal.into(),
            expires,
            extensions: Vec::new(),
        }
    }

    /// A JSON Web Token, which says itself for whom it is (`sub`) and when it expires (`exp`). Its signature is for the
    /// brokers to judge.
    ///
    /// # Errors
    /// When it is none, or does not say when it expires.
    pub fn from_jwt(value: impl AsRef<str>) -> Result<Self, NotAToken> {
        let value = value.as_ref().trim();
        let claims = Claims::of(value)?;
        Ok(Token::new(value, claims.principal(), claims.expires()?))
    }

    /// Out of what a token endpoint answers (RFC 6749: `access_token`, `expires_in` in seconds; `extensions` beside, by name),
    /// or just a JWT.
    ///
    /// # Errors
    /// When it is neither, or does not say when it expires.
    pub fn from_answer(answer: &str) -> Result<Self, NotAToken> {
        answer::read(answer, SystemTime::now())
    }

    /// With a SASL extension (KIP-342), which some brokers ask for.
    #[must_use]
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.push((name.into(), value.into()));
        self
    }

    /// What messages call whom it is for.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// From when on the brokers do not take it.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires
    }
}

/// The value is hidden.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("principal", &self.principal)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Text that no token can be taken from. It is not repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAToken(pub(crate) String);

/// Makes tokens for [`App::tokens`](crate::App::tokens) and [`Config::with_tokens`](crate::Config::with_tokens).
///
/// A function will do:
///
/// ```
/// use kolo_kafka::{Config, Token};
///
/// let config = Config::new("broker:9093").with_tokens(|| Ok(Token::from_jwt(std::fs::read_to_string("/run/token")?)?));
/// # let _ = config;
/// ```
pub trait TokenProvider: Send + Sync + 'static {
    /// Makes a token. It is called on a thread of its own, which it may block, by one at a time: when the first client is
    /// opened, when three quarters of the last token's time have passed, and again after a while where it has failed.
    ///
    /// # Errors
    /// Why there is none. It stands in the log, and in `/readyz` where the brokers cannot be reached for it.
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>>;
}

impl<F> TokenProvider for F
where
    F: Fn() -> Result<Token, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
{
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
        self()
    }
}
