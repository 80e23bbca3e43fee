//! What can be typed behind `describe`.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What a principal must be allowed to do on the brokers for the service to run, and no more.
    #[arg(long)]
    pub(in crate::command) acls: bool,
    /// What the commands for operators do (parked, replay, state), instead of what the service does.
    #[arg(long, requires = "acls")]
    pub(super) operator: bool,
    /// Who is to be allowed it [default: User:<service>, and User:<service>-operator with --operator].
    #[arg(long, value_name = "TYPE:NAME", requires = "acls", value_parser = principal)]
    pub(super) principal: Option<String>,
    /// Print one JSON array.
    #[arg(long, requires = "acls")]
    pub(super) json: bool,
    /// Print lines for a shell, with Kafka's kafka-acls.sh.
    #[arg(long, requires = "acls", conflicts_with = "json")]
    pub(super) commands: bool,
    /// The settings with which kafka-acls.sh is to reach the brokers.
    #[arg(long, value_name = "FILE", requires = "commands")]
    pub(super) command_config: Option<PathBuf>,
}

impl Args {
    /// Whether they ask what the service that runs must be allowed.
    pub(in crate::command) fn is_of_service(&self) -> bool {
        self.acls && !self.operator
    }
}

fn principal(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err("a principal is a type and a name, such as User:order".into()),
    }
}
