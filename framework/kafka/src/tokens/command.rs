//! Tokens by a command, such as a cloud's own tool.

use std::error::Error;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

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
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.process_group(0).spawn()?;
            let _group = Group(child.id());
            match tokio::time::timeout(self.at_most, child.wait_with_output()).await {
                Ok(output) => Ok(output?),
                Err(_) => Err(format!("it has not ended in {:?}", self.at_most).into()),
            }
        })
    }
}

/// A shell and what it has started, by the shell's number: what of it is left when this is dropped is killed.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|number| i32::try_from(number).ok());
        if let Some(group) = group.and_then(Pid::from_raw) {
            // There may be nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
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
    use tokio::io::AsyncReadExt;
    use tokio::net::unix::pipe::OpenOptions;

    use super::*;

    fn by(line: &str) -> Result<Token, String> {
        let command = ByCommand {
            line: line.to_owned(),
            at_most: Duration::from_secs(60),
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
    fn one_that_hangs_is_ended_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let reader = runtime.block_on(async { OpenOptions::new().open_receiver(&pipe) });
        let mut reader = reader.unwrap();
        let path = pipe.display();
        let hung = ByCommand {
            line: format!("(echo there; sleep 600) >{path} & sleep 600; true"),
            at_most: Duration::from_secs(3),
        };
        let hung = hung.token().unwrap_err().to_string();
        assert!(hung.contains("has not ended in 3s"), "{hung}");
        // Whoever reads from a pipe waits for all that have it open to write.
        let mut written = Vec::new();
        runtime.block_on(async {
            let read = reader.read_to_end(&mut written);
            let read = tokio::time::timeout(Duration::from_secs(60), read);
            read.await.expect("nobody has it open").unwrap();
        });
        assert_eq!(written, b"there\n");
    }
}
