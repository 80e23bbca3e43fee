//! Where the registry is, who asks it, and how subjects are called.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Url};
use schema_registry_converter::async_impl::schema_registry::SrSettings;
use serde::Deserialize;

use crate::subject::Subjects;

/// How a registry is used. No URL means: none is.
///
/// In the configuration file of a service it is the table `[registry]`; the variables are `KOLO_REGISTRY_URL`,
/// `KOLO_REGISTRY_USER`, and so on. The environment comes first.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Its address, such as `http://127.0.0.1:8081`; several, separated by commas, are tried in order.
    pub url: String,
    /// The user for basic authentication; the API key of a hosted registry.
    pub user: String,
    /// The user's password. Never printed.
    pub password: String,
    /// The token for bearer authentication. Never printed.
    pub token: String,
    /// A file of PEM certificates that the registry's own is signed by, besides those that the system trusts.
    pub ca: PathBuf,
    /// How subjects are called.
    pub subjects: Subjects,
    /// Register the schemas of own events where they are missing. Else that is a step of the pipeline: `kolo schema register`.
    pub register: bool,
    /// How long one request may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            url: String::new(),
            user: String::new(),
            password: String::new(),
            token: String::new(),
            ca: PathBuf::new(),
            subjects: Subjects::default(),
            register: false,
            timeout_ms: 5_000,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth<'a> {
    /// Nobody in particular.
    None,
    /// A user with a password.
    Basic {
        /// The user.
        user: &'a str,
        /// Their password.
        password: &'a str,
    },
    /// Whoever holds this token.
    Bearer(&'a str),
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// An address is none.
    #[error("the schema registry's URL `{url}` is none that can be asked: {problem}")]
    Url {
        /// As it was given, without credentials.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two ways to say who asks.
    #[error(
        "the schema registry is asked either with a user and a password or with a token: take one of them away"
    )]
    TwoAuths,
    /// The file of certificates cannot be used.
    #[error("the certificates in {path} cannot be used: {problem}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The HTTP client cannot be made.
    #[error("no HTTP client can be made for the schema registry: {0}")]
    Client(String),
    /// The system has no more threads.
    #[error("no thread can be started for the schema registry: {0}")]
    Thread(#[from] std::io::Error),
}

impl Settings {
    /// The settings for the registry at this address, with everything else by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Settings {
            url: url.into(),
            ..Settings::default()
        }
    }

    /// Whether there is a registry.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.url.trim().is_empty()
    }

    /// Sets one field by the end of its variable's name: `URL` of `KOLO_REGISTRY_URL`. Says whether there is such a field.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "URL" => value.clone_into(&mut self.url),
            "USER" => value.clone_into(&mut self.user),
            "PASSWORD" => value.clone_into(&mut self.password),
            "TOKEN" => value.clone_into(&mut self.token),
            "CA" => self.ca = value.into(),
            "SUBJECTS" => self.subjects = value.parse()?,
            "REGISTER" => {
                self.register = value
                    .parse()
                    .map_err(|_| "it is either true or false".to_owned())?;
            }
            "TIMEOUT_MS" => {
                self.timeout_ms = value
                    .parse()
                    .map_err(|_| "it is a number of milliseconds".to_owned())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Who asks.
    ///
    /// # Errors
    /// When there are two answers.
    pub fn auth(&self) -> Result<Auth<'_>, SettingsError> {
        match (self.user.is_empty(), self.token.is_empty()) {
            (true, true) => Ok(Auth::None),
            (true, false) => Ok(Auth::Bearer(&self.token)),
            (false, true) => Ok(Auth::Basic {
                user: &self.user,
                password: &self.password,
            }),
            (false, false) => Err(SettingsError::TwoAuths),
        }
    }

    /// The addresses, and how they are shown.
    fn urls(&self) -> Result<Vec<Url>, SettingsError> {
        let mut urls = Vec::new();
        for text in self.url.split(',').map(str::trim) {
            let wrong = |problem: String| SettingsError::Url {
                url: without_credentials(text),
                problem,
            };
            let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(wrong("it is `http://host:port` or `https://…`".to_owned()));
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err(wrong(
                    "credentials stand in KOLO_REGISTRY_USER and KOLO_REGISTRY_PASSWORD".to_owned(),
                ));
            }
            urls.push(url);
        }
        Ok(urls)
    }

    /// How the registry is called in messages.
    #[must_use]
    pub fn shown(&self) -> String {
        let urls = self.url.split(',').map(str::trim);
        urls.map(without_credentials).collect::<Vec<_>>().join(", ")
    }

    /// What the HTTP client is made of.
    pub(crate) fn client(&self) -> Result<SrSettings, SettingsError> {
        let urls: Vec<String> = self
            .urls()?
            .iter()
            .map(|url| url.as_str().trim_end_matches('/').to_owned())
            .collect();
        let [first, others @ ..] = urls.as_slice() else {
            return Err(SettingsError::Url {
                url: String::new(),
                problem: "it is empty".to_owned(),
            });
        };
        let mut settings = SrSettings::new_builder(first.clone());
        for url in others {
            settings.add_url(url.clone());
        }
        match self.auth()? {
            Auth::None => {}
            Auth::Basic { user, password } => {
                settings.set_basic_authorization(user, Some(password));
            }
            Auth::Bearer(token) => {
                settings.set_token_authorization(token);
            }
        }
        let timeout = Duration::from_millis(self.timeout_ms.max(1));
        settings.set_timeout(timeout);
        let client = ClientBuilder::new().connect_timeout(timeout);
        let client = self
            .certificates()?
            .into_iter()
            .fold(client, ClientBuilder::add_root_certificate);
        settings
            .build_with(client)
            .map_err(|error| SettingsError::Client(error.cause.unwrap_or(error.error)))
    }

    fn certificates(&self) -> Result<Vec<Certificate>, SettingsError> {
        if self.ca.as_os_str().is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |problem: String| SettingsError::Certificates {
            path: self.ca.clone(),
            problem,
        };
        let pem = std::fs::read(&self.ca).map_err(|error| wrong(error.to_string()))?;
        let found = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
        if found.is_empty() {
            return Err(wrong("there is none in it".to_owned()));
        }
        Ok(found)
    }
}

/// An address without what stands before the `@`.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &str| if secret.is_empty() { "" } else { "(hidden)" };
        f.debug_struct("Settings")
            .field("url", &self.shown())
            .field("user", &self.user)
            .field("password", &hidden(&self.password))
            .field("token", &hidden(&self.token))
            .field("ca", &self.ca)
            .field("subjects", &self.subjects)
            .field("register", &self.register)
            .field("timeout_ms", &self.timeout_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_is_named_without_its_secrets() {
        let wrong = |url: &str| Settings::new(url).client().unwrap_err().to_string();
        assert!(wrong("127.0.0.1:8081").contains("127.0.0.1:8081"));
        assert!(wrong("ftp://a").contains("http://host:port"));
        let error = wrong("http://me:s3cret@a:1/x");
        assert!(error.contains("KOLO_REGISTRY_USER"), "{error}");
        assert!(
            error.contains("`http://a:1/x`") && !error.contains("s3cret"),
            "{error}"
        );
        let both = Settings {
            user: "me".into(),
            password: "s3cret".into(),
            token: "t0ken".into(),
            ..Settings::new("http://a,http://b:1")
        };
        assert!(matches!(both.client(), Err(SettingsError::TwoAuths)));
        let shown = format!("{both:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("t0ken"),
            "{shown}"
        );
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let with = |ca: &std::path::Path| {
            let settings = Settings {
                ca: ca.to_owned(),
                ..Settings::new("https://a")
            };
            settings.client().unwrap_err().to_string()
        };
        assert!(with(&ca).contains("ca.pem"));
        std::fs::write(&ca, "nothing").unwrap();
        assert!(with(&ca).contains("there is none in it"));
    }

    #[test]
    fn variables_set_fields_and_say_what_does_not_fit() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("URL", "http://a"), Ok(true));
        assert_eq!(settings.set("SUBJECTS", "topic-record"), Ok(true));
        assert_eq!(settings.set("OTHER", "x"), Ok(false));
        assert!(settings.set("REGISTER", "perhaps").is_err());
        assert!(
            settings
                .set("SUBJECTS", "events")
                .unwrap_err()
                .contains("topic-record")
        );
        assert_eq!(settings.subjects, Subjects::TopicRecord);
    }
}
