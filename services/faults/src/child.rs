//! A process under test: what it prints is kept in a file, and shown when the test fails.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child as StdChild, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::await_that;

/// How many of its last lines are shown when a test fails.
const SHOWN: usize = 40;

/// Sends a signal to a process.
pub(crate) fn signal(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(pid).context("a process id is above 0")?;
    kill_process(pid, signal).with_context(|| format!("process {pid:?} cannot be sent {signal:?}"))
}

/// A running process; dropping it kills it.
#[derive(Debug)]
pub struct Child {
    name: String,
    child: StdChild,
    log: PathBuf,
}

impl Child {
    /// Starts a process that logs to a file of this name.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(
        name: impl Into<String>,
        command: &mut Command,
        log: PathBuf,
    ) -> anyhow::Result<Child> {
        let name = name.into();
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file: File = file.with_context(|| format!("{}", log.display()))?;
        // It stays in the process group of the tests, so that what ends them ends it.
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| {
                format!(
                    "{} cannot be started: scripts/faults builds it",
                    command.get_program().display()
                )
            })?;
        Ok(Child { name, child, log })
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn printed(&self) -> anyhow::Result<String> {
        std::fs::read_to_string(&self.log).with_context(|| format!("{}", self.log.display()))
    }

    /// How often a text stands in what it has printed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self, text: &str) -> anyhow::Result<usize> {
        Ok(self.printed()?.matches(text).count())
    }

    /// Waits until it has printed a text so often.
    ///
    /// # Errors
    /// When it has not in time, or ends first.
    pub fn await_printed(
        &mut self,
        text: &str,
        times: usize,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let what = format!("{} prints `{text}` {times} times", self.name);
        await_that(&what, patience, || {
            if self.count(text)? >= times {
                return Ok(true);
            }
            self.ensure_running()?;
            Ok(false)
        })
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// When it has.
    pub fn ensure_running(&mut self) -> anyhow::Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        Ok(())
    }

    /// Its process id.
    ///
    /// # Errors
    /// When the system has given one that no signal can be sent to.
    pub fn pid(&self) -> anyhow::Result<i32> {
        Ok(i32::try_from(self.child.id())?)
    }

    fn signal(&mut self, wanted: Signal) -> anyhow::Result<()> {
        self.ensure_running()?;
        signal(self.pid()?, wanted)
    }

    /// kill -9; it is gone when this returns.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM; waits for its end, which must be exit code 0.
    ///
    /// # Errors
    /// When it does not end in time, or with another code.
    pub fn terminate(mut self, patience: Duration) -> anyhow::Result<()> {
        self.begin_to_terminate()?;
        self.ended_well(patience)
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn begin_to_terminate(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits for the end of a process that was told to stop, which must be exit code 0.
    ///
    /// # Errors
    /// When it does not end in time, or with another code.
    pub fn ended_well(mut self, patience: Duration) -> anyhow::Result<()> {
        let status = self.exit(patience)?;
        ensure!(
            status.code() == Some(0),
            "{} was told to stop and ended with {status}",
            self.name
        );
        Ok(())
    }

    /// SIGSTOP.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn exit(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let mut status = None;
        let what = format!("{} ends", self.name);
        await_that(&what, patience, || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        status.context("no status")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may be gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log, for a failure's message.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}
