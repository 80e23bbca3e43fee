//! Tokens by a command, such as a cloud's own tool.

use std::error::Error;
use std::process::{Output, Stdio};
use std::time::Duration;

use super::{Token, TokenProvider};

/// How long the command may take.
const AT_MOST: Duration = Duration::from_secs(30);
/// How much is repeated of what it says when it fails.
const WORDS: usize = 300;

/// A line for the shell that prints a token.
pub(crate) struct ByCommand {
    line: String,
    at_most: Duration,
}

impl ByCommand {
    pub(crate) fn new(line: &str) -> Self {
        ByCommand {
            line: line.to_owned(),
            at_most: AT_MOST,
        }
    }

    fn output(&self) -> Result<Output, Box<dyn Error + Send + Sync>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut command = tokio::process::Command::new("sh");
            let command = command.args(["-c", &self.line]).stdin(Stdio::null());
            let output = command.kill_on_drop(true).output();
            match tokio::time::timeout(self.at_most, output).await {
                Ok(output) => Ok(output?),
                Err(_) => Err(format!("it has not ended in {:?}", self.at_most).into()),
            }
        })
    }
}

impl TokenProvider for ByCommand {
    fn token(&self) -> Result<Token, Box<dyn Error + Send + Sync>> {
        let named = |problem: String| format!("the command of KOLO_TOKEN_COMMAND: {problem}");
        let output = self.output().map_err(|error| named(error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.trim().lines().next_back().unwrap_or("nothing");
            let last: String = last.chars().take(WORDS).collect();
            return Err(named(format!("{}, and says: {last}", output.status)).into());
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let token = Token::from_answer(&printed);
        Ok(token.map_err(|error| named(format!("what it prints is no token: {error}")))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(line: &str) -> Result<Token, String> {
        let command = ByCommand {
            line: line.to_owned(),
            at_most: Duration::from_secs(5),
        };
        command.token().map_err(|error| error.to_string())
    }

    #[test]
    fn what_it_prints_is_the_token() {
        let token = by(r#"echo '{"access_token":"a","expires_in":60}'"#).unwrap();
        assert_eq!(token.value, "a");
    }

    #[test]
    fn one_that_fails_is_told_by_what_it_says_last() {
        let failed = by("echo secret; echo first >&2; echo no user >&2; exit 3").unwrap_err();
        assert!(failed.contains("exit status: 3"), "{failed}");
        assert!(failed.ends_with("says: no user"), "{failed}");
        let silent = by("true").unwrap_err();
        assert!(silent.contains("no token"), "{silent}");
        let missing = by("/nowhere/token").unwrap_err();
        assert!(missing.contains("127"), "{missing}");
    }

    #[test]
    fn one_that_hangs_is_ended() {
        let hung = ByCommand {
            line: "exec sleep 600".to_owned(),
            at_most: Duration::from_millis(50),
        };
        let hung = hung.token().unwrap_err().to_string();
        assert!(hung.contains("has not ended in 50ms"), "{hung}");
    }
}
