//! `describe --acls`: what a service must be allowed to do on the brokers, in the form that is asked for.

mod args;
mod show;

use kolo_core::Service;

use crate::acls::{of_operator, of_service};
use crate::beside::Needs;
use crate::config::Config;

use show::{Form, show};

pub(super) use args::Args;

/// What is asked for, as text.
pub(super) fn told(service: &Service, needs: &Needs, config: &Config, args: Args) -> String {
    let acls = if args.operator {
        of_operator(service)
    } else {
        of_service(service, needs, config)
    };
    let suffix = if args.operator { "-operator" } else { "" };
    let principal = args
        .principal
        .unwrap_or_else(|| format!("User:{}{suffix}", service.name()));
    let form = match (args.json, args.commands) {
        (true, _) => Form::Json,
        (false, true) => Form::Commands {
            bootstrap: config.bootstrap.clone(),
            settings: args.command_config,
        },
        (false, false) => Form::Table,
    };
    show(&acls, &principal, &form)
}
