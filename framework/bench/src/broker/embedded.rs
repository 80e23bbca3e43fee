//! The embedded broker in a process of its own, so that its CPU time is told apart, steered over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use clap::Args;
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan, ResponseError};
use parking_lot::Mutex;

use crate::say;

/// The child process.
pub(crate) struct Embedded {
    pub(crate) bootstrap: String,
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Embedded {
    pub(super) fn start(data: Option<&Path>) -> anyhow::Result<Embedded> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve");
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the child process has no pipes");
        };
        let mut stdout = BufReader::new(stdout);
        let bootstrap = line(&mut stdout)?;
        Ok(Embedded {
            bootstrap,
            child,
            pipes: Mutex::new((stdin, stdout)),
        })
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Lets nobody read this topic until [`Embedded::show`].
    pub(crate) fn hide(&self, topic: &str) -> anyhow::Result<()> {
        self.tell(&format!("hide {topic}"))
    }

    /// All topics can be read again.
    pub(crate) fn show(&self) -> anyhow::Result<()> {
        self.tell("show")
    }

    fn tell(&self, what: &str) -> anyhow::Result<()> {
        let (stdin, stdout) = &mut *self.pipes.lock();
        writeln!(stdin, "{what}")?;
        let answer = line(stdout)?;
        (answer == "done").then_some(()).with_context(|| answer)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(from: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        bail!("the broker's process has ended");
    }
    Ok(line.trim_end().to_owned())
}

/// `kolo-bench serve`: what the child process does.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where the data is; in memory unless told.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Serves until its standard input ends.
pub(crate) fn serve(arguments: &ServeArgs) -> anyhow::Result<()> {
    let mut builder = Broker::builder();
    if let Some(data) = &arguments.data {
        builder = builder.data_dir(data);
    }
    let broker = builder.start_blocking()?;
    say(broker.bootstrap());
    for command in std::io::stdin().lines() {
        let command = command?;
        match command.split_once(' ') {
            Some(("hide", topic)) => {
                let nobody = Action::Fail(ResponseError::NotLeaderOrFollower);
                broker
                    .faults()
                    .add(Plan::new().on(Api::Fetch).topic(topic).then(nobody));
            }
            _ if command == "show" => broker.faults().clear(),
            _ => bail!("`{command}` is no command"),
        }
        say("done");
    }
    broker.shutdown_blocking();
    Ok(())
}
