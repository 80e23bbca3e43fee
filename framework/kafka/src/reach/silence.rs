//! Why there is no answer, as far as it can be told from librdkafka's words, and what to do about it.

use rdkafka::types::RDKafkaErrorCode;

use crate::config::Config;
use crate::tokens::TokenLack;

/// What was heard instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    kind: Kind,
    /// In librdkafka's words.
    told: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They do not take the credentials.
    Credentials,
    /// They do not take this way to give them.
    Mechanism,
    /// They are to be given a token, and nothing here makes any.
    Provider,
    /// What makes tokens has none.
    Token,
    /// Their certificate is of an authority that is not trusted.
    Certificate,
    /// It is of another host.
    Host,
    /// TLS fails for another reason, such as a certificate of ours that they do not take.
    Tls,
    /// They hang up before a word is said, as who expects TLS does.
    WantsTls,
    /// They hang up when they are asked something by somebody who has not logged in.
    WantsSasl,
    /// They hang up at a greeting of TLS.
    SpeaksNoTls,
    /// Nobody is there, or they do not say.
    Nobody,
}

impl Silence {
    pub(super) fn nobody(told: &str) -> Self {
        Silence {
            kind: Kind::Nobody,
            told: told.to_owned(),
        }
    }

    /// Nobody can be asked: the mechanism is one of tokens.
    pub(super) fn without_token(lack: &TokenLack) -> Self {
        Silence {
            kind: match lack {
                TokenLack::Provider => Kind::Provider,
                TokenLack::Token(_) => Kind::Token,
            },
            told: lack.to_string(),
        }
    }

    /// What an error event of this code says.
    pub(super) fn of(code: RDKafkaErrorCode, reason: &str) -> Self {
        let says = |words: &str| reason.contains(words);
        let kind = match code {
            // Whoever hangs up in the middle of it has said nothing of the mechanism.
            RDKafkaErrorCode::Authentication if says("handshake failed: Local:") => Kind::Nobody,
            RDKafkaErrorCode::Authentication if says("mechanism handshake failed") => {
                Kind::Mechanism
            }
            RDKafkaErrorCode::Authentication => Kind::Credentials,
            RDKafkaErrorCode::SSL if says("hostname mismatch") || says("IP address mismatch") => {
                Kind::Host
            }
            RDKafkaErrorCode::SSL if says("certificate verify failed") => Kind::Certificate,
            RDKafkaErrorCode::SSL => Kind::Tls,
            _ if says("connecting to a PLAINTEXT broker") => Kind::SpeaksNoTls,
            _ if says("SSL alert") => Kind::Tls,
            // Who greets, and is hung up on when it asks for something.
            _ if says("Send failed") && !says("sasl_") => Kind::WantsSasl,
            _ => Kind::Nobody,
        };
        Silence::new(kind, reason)
    }

    /// What a log line says, if it is that they hang up: that is no error to librdkafka.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        // "[thrd:127.0.0.1:9093/bootstrap]: 127.0.0.1:9093/bootstrap: Disconnected: … (after 1ms in state APIVERSION_QUERY)"
        let (_, told) = line.split_once("]: ")?;
        let (_, state) = told.rsplit_once("in state ")?;
        let (speaks_tls, logs_in) = (told.contains("ssl://"), told.contains("sasl_"));
        let kind = match state {
            _ if !told.contains("Disconnected") => return None,
            state if state.starts_with("APIVERSION_QUERY") && !speaks_tls => Kind::WantsTls,
            state if state.starts_with("UP") && !logs_in => Kind::WantsSasl,
            _ => return None,
        };
        Some(Silence::new(kind, told))
    }

    fn new(kind: Kind, told: &str) -> Self {
        // "… (after 310ms in state AUTH_REQ, 3 identical error(s) suppressed)"
        let told = told.rsplit_once(" (after ").map_or(told, |(told, _)| told);
        Silence {
            kind,
            told: told.trim_end_matches([' ', '.', ':', '?']).to_owned(),
        }
    }

    /// Whether it says more than another.
    pub(super) fn tells_more_than(&self, other: &Self) -> bool {
        let rank = |silence: &Self| (silence.is_final(), silence.kind != Kind::Nobody);
        rank(self) > rank(other)
    }

    /// Whether waiting mends nothing.
    pub(super) fn is_final(&self) -> bool {
        match self.kind {
            Kind::Credentials
            | Kind::Mechanism
            | Kind::Provider
            | Kind::Certificate
            | Kind::Host => true,
            // Brokers that start hang up at anything.
            Kind::Token
            | Kind::Tls
            | Kind::WantsTls
            | Kind::WantsSasl
            | Kind::SpeaksNoTls
            | Kind::Nobody => false,
        }
    }
}

/// Brokers that were not reached.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the brokers at {bootstrap} {problem}. {advice}")]
pub struct Unreached {
    /// Where they were looked for.
    pub bootstrap: String,
    /// What they do instead of answering, and to whom.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
    pub(super) is_final: bool,
}

impl Unreached {
    pub(super) fn new(config: &Config, silence: &Silence) -> Self {
        let who = config.principal();
        let does = match silence.kind {
            Kind::Credentials => format!("do not let {who} in"),
            Kind::Mechanism => format!("do not let {who} in by this SASL mechanism"),
            Kind::Provider | Kind::Token => {
                "are not asked, since there is no token to log in with".to_owned()
            }
            Kind::Certificate => "have a certificate that is not trusted here".to_owned(),
            Kind::Host => "have a certificate of another host".to_owned(),
            Kind::Tls => "do not agree on TLS with this client".to_owned(),
            Kind::WantsTls => "hang up at once, as a port that expects TLS does".to_owned(),
            Kind::WantsSasl => "hang up, as a port where one has to log in does".to_owned(),
            Kind::SpeaksNoTls => "hang up at once, as a port that speaks no TLS does".to_owned(),
            Kind::Nobody => "do not answer".to_owned(),
        };
        Unreached {
            bootstrap: config.brokers().to_owned(),
            problem: format!("{does}: {}", silence.told),
            advice: advice(silence.kind, config.logs_in_by_token()).to_owned(),
            is_final: silence.is_final(),
        }
    }

    /// Whether waiting mends nothing: they refuse the credentials, or their certificate is not trusted.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_final
    }
}

fn advice(kind: Kind, by_token: bool) -> &'static str {
    match kind {
        Kind::Credentials if by_token => {
            "The brokers' log says what they have against the token: issuer, audience, signature, or the clocks"
        }
        Kind::Credentials => {
            "KOLO_KAFKA_SASL_USERNAME and KOLO_KAFKA_SASL_PASSWORD, or their like in [kafka], must be those of a user that the brokers know"
        }
        Kind::Mechanism => {
            "KOLO_KAFKA_SASL_MECHANISM must be one that this listener of the brokers has"
        }
        Kind::Provider => {
            "KOLO_TOKEN_COMMAND names a command that prints one, or the program gives a provider to `App::tokens`; docs/security.md says more"
        }
        Kind::Token => "What makes tokens is tried again, after a second and then more seldom",
        Kind::Certificate => {
            "KOLO_KAFKA_SSL_CA_LOCATION must name a file with the certificate of the authority that has signed theirs"
        }
        Kind::Host => {
            "Name them as their certificates do: KOLO_BOOTSTRAP, and the brokers' `advertised.listeners`"
        }
        Kind::Tls => {
            "If they ask clients for certificates: KOLO_KAFKA_SSL_CERTIFICATE_LOCATION and KOLO_KAFKA_SSL_KEY_LOCATION name them; the brokers' log says more"
        }
        Kind::WantsTls => {
            "If it is such a port: KOLO_KAFKA_SECURITY_PROTOCOL=SASL_SSL, or SSL where there are no users"
        }
        Kind::WantsSasl => {
            "If it is such a port: KOLO_KAFKA_SECURITY_PROTOCOL=SASL_SSL, or SASL_PLAINTEXT where there is no TLS"
        }
        Kind::SpeaksNoTls => {
            "If it is such a port: KOLO_KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT, or PLAINTEXT where there are no users; or name the port that speaks TLS"
        }
        Kind::Nobody => {
            "Are they running, and is the address (KOLO_BOOTSTRAP, or --bootstrap) right? For development, `kolo dev` starts a broker, and kolo's scripts/kafka/start an Apache Kafka"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_from_librdkafkas_words() {
        let of = |code, reason: &str| Silence::of(code, reason).kind;
        let login = "sasl_ssl://h:1/bootstrap: SASL authentication error: Authentication failed";
        assert_eq!(
            of(RDKafkaErrorCode::Authentication, login),
            Kind::Credentials
        );
        let handshake = "sasl_ssl://h:1: SASL PLAIN mechanism handshake failed: Broker: …";
        assert_eq!(
            of(RDKafkaErrorCode::Authentication, handshake),
            Kind::Mechanism
        );
        let hung_up = "sasl_ssl://h:1: SASL PLAIN mechanism handshake failed: Local: Broker transport failure: …";
        let hung_up = of(RDKafkaErrorCode::Authentication, hung_up);
        assert_eq!(hung_up, Kind::Nobody, "it may be starting");
        let untrusted =
            "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: …";
        assert_eq!(of(RDKafkaErrorCode::SSL, untrusted), Kind::Certificate);
        let plain =
            "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?";
        let transport = RDKafkaErrorCode::BrokerTransportFailure;
        let alert = "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42";
        assert_eq!(of(transport, alert), Kind::Tls);
        assert_eq!(of(transport, plain), Kind::SpeaksNoTls);
        assert_eq!(
            of(transport, "h:1: Connect to … failed: Connection refused"),
            Kind::Nobody
        );
    }

    #[test]
    fn that_they_hang_up_is_told_from_where_they_do() {
        let of = |told: &str| Silence::of_line(&format!("[thrd:x]: {told}")).map(|told| told.kind);
        let greeted = "Disconnected: closed by peer (after 1ms in state APIVERSION_QUERY)";
        assert_eq!(of(&format!("h:1: {greeted}")), Some(Kind::WantsTls));
        assert_eq!(
            of(&format!("sasl_plaintext://h:1: {greeted}")),
            Some(Kind::WantsTls)
        );
        assert_eq!(of(&format!("ssl://h:1: {greeted}")), None);
        let asked = "Disconnected (after 3ms in state UP, 1 identical error(s) suppressed)";
        assert_eq!(of(&format!("h:1: {asked}")), Some(Kind::WantsSasl));
        assert_eq!(of(&format!("sasl_ssl://h:1: {asked}")), None);
    }

    #[test]
    fn what_says_more_is_kept_and_the_time_that_it_took_is_not() {
        let nobody = Silence::nobody("nobody has answered");
        let refused = Silence::of(
            RDKafkaErrorCode::Authentication,
            "h:1: no (after 3ms in state AUTH)",
        );
        assert!(refused.tells_more_than(&nobody) && !nobody.tells_more_than(&refused));
        assert_eq!(refused.told, "h:1: no");
    }
}
