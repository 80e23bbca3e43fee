//! The command line of a service binary, typed at a real one: this program, which is a service when it is told so.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says which it is"
)]

mod acls;
mod ahead;
mod beside;
mod check_env;
#[path = "../common/mod.rs"]
mod common;
mod drop;
mod health;
mod letters;
mod list;
mod manifest;
mod mirror;
mod mistyped;
mod redrive;
mod replay;
mod request;
mod sensitive;
mod state;
mod typed;
mod unrouted;

use std::process::ExitCode;
use std::sync::Mutex;

use kolo_kafka::App;

fn main() -> ExitCode {
    match std::env::var(typed::SERVICE).as_deref() {
        Ok("ahead") => return App::new(ahead::service()).main(),
        Ok("beside") => return beside::app().main(),
        Ok("beside-untold") => return beside::untold().main(),
        Ok("check-env") => return App::new(check_env::service()).main(),
        Ok("check-env-around") => return App::new(check_env::around::service()).main(),
        Ok("check-env-running") => return App::new(check_env::running::service()).main(),
        Ok("health") => return App::new(health::service()).main(),
        Ok("list") => return App::new(list::service()).main(),
        Ok("mistyped") => return App::new(mistyped::service()).main(),
        Ok("redrive") => return App::new(redrive::service()).main(),
        Ok("replay") => return App::new(replay::service()).main(),
        Ok("replay-buggy") => return App::new(replay::buggy()).main(),
        Ok("request") => return App::new(request::service()).main(),
        Ok("sensitive") => return App::new(sensitive::service()).main(),
        Ok("drop") => return App::new(drop::service()).main(),
        Ok("state") => return state::app().main(),
        Ok("unrouted") => return App::new(unrouted::service()).main(),
        Ok("mirror") => return App::new(mirror::service()).main(),
        _ => {}
    }
    let tests: [(&str, fn()); 22] = [
        (
            "manifest",
            manifest::it_is_the_declaration_and_needs_no_broker,
        ),
        ("acls", acls::a_service_is_allowed_what_it_does_and_no_more),
        (
            "acls of what runs beside",
            beside::what_runs_beside_is_allowed_what_it_does_too,
        ),
        (
            "check-env of what runs beside",
            beside::whether_it_could_run_is_looked_at_too,
        ),
        (
            "check-env",
            check_env::what_is_wrong_is_named_before_anything_starts,
        ),
        (
            "check-env of what runs",
            check_env::a_service_that_runs_has_found_all_it_needs,
        ),
        (
            "check-env of a registry",
            check_env::around::a_registry_that_cannot_be_used_is_told_from_one_that_lacks_schemas,
        ),
        (
            "check-env of a disk",
            check_env::around::a_directory_that_cannot_be_used_is_named_with_what_to_do,
        ),
        (
            "stopped while it waits",
            check_env::a_service_that_waits_for_its_brokers_can_be_stopped,
        ),
        (
            "health",
            health::a_service_is_asked_whether_it_is_ready_where_it_listens,
        ),
        ("mistyped", mistyped::what_cannot_be_meant_is_refused),
        ("state", state::in_order),
        ("list", list::what_is_parked_is_listed_and_shown),
        (
            "redrive",
            redrive::a_redrive_reports_what_became_of_each_key,
        ),
        (
            "request",
            request::a_request_is_called_again_or_never_answered,
        ),
        (
            "sensitive",
            sensitive::what_is_parked_is_shown_without_its_value_unless_it_is_revealed,
        ),
        ("drop", drop::a_drop_needs_a_reason_and_frees_what_waited),
        (
            "replay",
            replay::what_was_decided_wrongly_is_named_and_what_is_missing_is_given,
        ),
        ("replay mistyped", replay::what_cannot_be_meant),
        (
            "ahead",
            ahead::what_others_have_seen_is_held_against_what_will_be_said,
        ),
        (
            "unrouted",
            unrouted::what_could_not_be_routed_is_routed_by_a_redrive,
        ),
        (
            "mirror",
            mirror::dead_letters_have_the_headers_that_connect_gives_them,
        ),
    ];
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let tests = tests.into_iter().filter(|(name, _)| {
        wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()))
    });
    run(tests.collect());
    ExitCode::SUCCESS
}

/// Runs them, several at once: they wait for sessions most of the time, and each has topics of its own.
fn run(tests: Vec<(&str, fn())>) {
    const AT_ONCE: usize = 4;
    let left = Mutex::new(tests);
    let next = || left.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((name, test)) = next() {
                    test();
                    println!("test {name} ... ok");
                }
            });
        }
    });
}
