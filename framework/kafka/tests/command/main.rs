//! The command line of a service binary, typed at a real one: this program, which is a service when it is told so.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says which it is"
)]

mod ahead;
#[path = "../common/mod.rs"]
mod common;
mod drop;
mod letters;
mod list;
mod manifest;
mod mirror;
mod mistyped;
mod redrive;
mod replay;
mod request;
mod state;
mod typed;
mod unrouted;

use std::process::ExitCode;
use std::sync::Mutex;

use kolo_kafka::App;

fn main() -> ExitCode {
    match std::env::var(typed::SERVICE).as_deref() {
        Ok("ahead") => return App::new(ahead::service()).main(),
        Ok("list") => return App::new(list::service()).main(),
        Ok("mistyped") => return App::new(mistyped::service()).main(),
        Ok("redrive") => return App::new(redrive::service()).main(),
        Ok("replay") => return App::new(replay::service()).main(),
        Ok("replay-buggy") => return App::new(replay::buggy()).main(),
        Ok("request") => return App::new(request::service()).main(),
        Ok("drop") => return App::new(drop::service()).main(),
        Ok("state") => return state::app().main(),
        Ok("unrouted") => return App::new(unrouted::service()).main(),
        Ok("mirror") => return App::new(mirror::service()).main(),
        _ => {}
    }
    let tests: [(&str, fn()); 12] = [
        (
            "manifest",
            manifest::it_is_the_declaration_and_needs_no_broker,
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
