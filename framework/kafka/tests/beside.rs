//! What runs beside a service: it is told to stop first, and its failure is the service's.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{config, get};
use kolo_kafka::{App, Beside, Config, RunError};

common::counter_events!("beside.added", "beside.counted");
common::counter!("beside");

const AT_MOST: Duration = Duration::from_secs(60);

fn short() -> Config {
    let mut config = config();
    config.stop_timeout_ms = 300;
    config
}

// failure: process | what runs beside a service fails, such as its HTTP API | the service ends with the message | a
// supervisor starts it again | whoever reads the message
#[test]
fn its_failure_ends_the_service_with_its_message() {
    let fails = |_: Beside| async { Err::<(), _>("the port is taken".to_owned()) };
    let running = App::new(service())
        .beside("http", fails)
        .start(&config())
        .unwrap();
    assert!(running.wait(AT_MOST), "it is noticed");
    let error = running.stop().unwrap_err();
    assert!(matches!(error, RunError::Beside { name: "http", .. }));
    assert_eq!(error.to_string(), "http: the port is taken");
}

#[test]
fn its_panic_is_no_other_failure() {
    async fn panics(_: Beside) -> Result<(), String> {
        panic!("not total");
    }
    let running = App::new(service())
        .beside("http", panics)
        .start(&config())
        .unwrap();
    assert!(running.wait(AT_MOST), "it is noticed");
    let error = running.stop().unwrap_err().to_string();
    assert_eq!(error, "http: it panicked: not total");
}

#[test]
fn if_it_just_ends_the_service_goes_on() {
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let ends = move |_: Beside| async move {
        end.store(true, Ordering::Relaxed);
        Ok::<(), String>(())
    };
    let running = App::new(service())
        .beside("once", ends)
        .start(&config())
        .unwrap();
    common::await_that("it has ended", || ended.load(Ordering::Relaxed));
    assert!(
        !running.wait(Duration::from_millis(500)),
        "that is no failure"
    );
    running.stop().unwrap();
}

#[test]
fn it_is_told_first_and_ends_what_is_under_way() {
    let answered = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&answered);
    let serves = move |beside: Beside| async move {
        beside.stopping().await;
        assert!(beside.is_stopping());
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer.store(true, Ordering::Relaxed);
        Ok::<(), String>(())
    };
    let running = App::new(service())
        .beside("http", serves)
        .start(&config())
        .unwrap();
    running.stop().unwrap();
    assert!(answered.load(Ordering::Relaxed));
}

#[test]
fn it_is_not_ready_for_as_long_as_it_says_so() {
    let mut config = config();
    "127.0.0.1:0".clone_into(&mut config.management);
    let (go_on, told) = tokio::sync::oneshot::channel::<()>();
    let serves = move |beside: Beside| async move {
        let first = beside.unready("its view is not complete");
        let second = beside.unready("it has no publisher");
        drop(first);
        let _ = told.await;
        drop(second);
        beside.stopping().await;
        Ok::<(), String>(())
    };
    let running = App::new(service())
        .beside("http", serves)
        .start(&config)
        .unwrap();
    let at = running.management().unwrap();
    let alone = r#""because":["http: it has no publisher"]"#;
    let ready = || get(at, "/readyz").unwrap();
    common::await_that("that is all it waits for", || ready().2.contains(alone));
    assert_eq!((ready().0, get(at, "/livez").unwrap().0), (503, 200));
    go_on.send(()).unwrap();
    common::await_that("it is ready", || ready().0 == 200);
    running.stop().unwrap();
}

#[test]
fn what_does_not_end_in_time_is_cut_off_and_the_service_stops() {
    let running = App::new(service())
        .beside("deaf", |_| std::future::pending::<Result<(), String>>())
        .start(&short())
        .unwrap();
    let begun = Instant::now();
    running.stop().unwrap();
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "it had its time"
    );
    assert!(begun.elapsed() < AT_MOST);
}
