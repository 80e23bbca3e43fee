//! A token out of what a program prints or a server answers.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{NotAToken, Token};

/// What messages call whom a token is for that does not say it.
const UNNAMED: &str = "the token's user";

/// What a token endpoint answers; there is more to it that is of no use here.
#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "token")]
    access_token: String,
    /// In seconds.
    expires_in: Option<u64>,
    #[serde(default)]
    extensions: BTreeMap<String, String>,
}

/// What a JWT says of itself.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: Option<String>,
    /// In seconds since the epoch, and parts of them.
    exp: Option<f64>,
}

impl Claims {
    pub(super) fn of(token: &str) -> Result<Self, NotAToken> {
        let not = |what: &str| NotAToken(format!("it is no JSON Web Token: {what}"));
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(not("that has three parts, with dots between them"));
        };
        let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
        let claims = claims.map_err(|_| not("its second part is not in Base64url"))?;
        serde_json::from_slice(&claims).map_err(|_| not("its second part is no JSON with claims"))
    }

    pub(super) fn principal(&self) -> String {
        self.sub.clone().unwrap_or_else(|| UNNAMED.to_owned())
    }

    pub(super) fn expires(&self) -> Result<SystemTime, NotAToken> {
        let since_epoch = self.exp.map(Duration::try_from_secs_f64);
        let expires = since_epoch
            .and_then(Result::ok)
            .and_then(|since_epoch| SystemTime::UNIX_EPOCH.checked_add(since_epoch));
        expires.ok_or_else(|| {
            NotAToken("it does not say when it expires: a JSON Web Token says it with `exp`".into())
        })
    }
}

pub(super) fn read(answer: &str, now: SystemTime) -> Result<Token, NotAToken> {
    let answer = answer.trim();
    if !answer.starts_with('{') {
        return Token::from_jwt(answer);
    }
    let answer: Answer = serde_json::from_str(answer).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        NotAToken(format!(
            "it is no JSON object with an `access_token`, as far as line {line}, column {column}"
        ))
    })?;
    let claims = Claims::of(&answer.access_token);
    let expires = match answer.expires_in {
        Some(seconds) => now
            .checked_add(Duration::from_secs(seconds))
            .ok_or_else(|| NotAToken(format!("its `expires_in` is too long: {seconds} s")))?,
        None => match &claims {
            Ok(claims) => claims.expires()?,
            Err(_) => {
                return Err(NotAToken(
                    "it does not say when it expires: there is no `expires_in`, and its `access_token` is no JSON Web Token"
                        .into(),
                ));
            }
        },
    };
    let principal = claims.map_or_else(|_| UNNAMED.to_owned(), |claims| claims.principal());
    Ok(Token {
        extensions: answer.extensions.into_iter().collect(),
        ..Token::new(answer.access_token, principal, expires)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims))
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_jwt_says_for_whom_it_is_and_until_when() {
        let token = read(
            &format!("{}\n", jwt(r#"{"sub":"order","exp":90.5}"#)),
            at(1),
        )
        .unwrap();
        assert_eq!(token.principal, "order");
        assert_eq!(token.expires, at(90) + Duration::from_millis(500));
        assert_eq!(token.value, jwt(r#"{"sub":"order","exp":90.5}"#));
    }

    #[test]
    fn what_a_token_endpoint_answers_is_taken_as_it_is() {
        let opaque = r#"{"access_token":"abc","token_type":"Bearer","expires_in":60,"extensions":{"a":"b"}}"#;
        let token = read(opaque, at(100)).unwrap();
        assert_eq!((token.value.as_str(), token.expires), ("abc", at(160)));
        assert_eq!(token.extensions, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(token.principal, UNNAMED);
        let named = format!(
            r#"{{"access_token":"{}"}}"#,
            jwt(r#"{"sub":"order","exp":90}"#)
        );
        let token = read(&named, at(1)).unwrap();
        assert_eq!((token.principal.as_str(), token.expires), ("order", at(90)));
    }

    #[test]
    fn what_is_none_is_refused_without_being_repeated() {
        let secret = "s3cret";
        let unclaimed = format!("a.{}.c", URL_SAFE_NO_PAD.encode(secret));
        let cases = [
            ("", "no JSON Web Token"),
            (secret, "three parts"),
            ("s3cret.s3cret?.s3cret", "Base64url"),
            (&unclaimed, "no JSON with claims"),
            (&jwt(r#"{"sub":"s3cret"}"#), "when it expires"),
            (&jwt(r#"{"exp":-1}"#), "when it expires"),
            (r#"{"access_token":"s3cret"}"#, "no `expires_in`"),
            (r#"{"s3cret":1}"#, "`access_token`"),
            (
                r#"{"access_token":"s3cret","expires_in":18446744073709551615}"#,
                "too long",
            ),
        ];
        for (answer, says) in cases {
            let refused = read(answer, at(1)).unwrap_err().to_string();
            assert!(refused.contains(says), "{answer}: {refused}");
            assert!(!refused.contains(secret), "{refused}");
        }
    }
}
