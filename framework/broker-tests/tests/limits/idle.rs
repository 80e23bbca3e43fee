//! What a broker costs that nobody uses, and what those cost that use nothing.

use std::time::Instant;

use kafka_protocol::messages::ApiVersionsRequest;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::bystander::Bystander;
use crate::common::errors::NONE;
use crate::common::process::Process;
use crate::common::raw::Raw;
use crate::{ANYWHERE, MB, alone};

/// The processes started from now on may have so many files open, as far as the system lets them.
fn many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(4096).min(4096);
    limit.current = limit.current.map(|current| current.max(wanted));
    setrlimit(Resource::Nofile, limit).expect("a limit below the largest");
}

#[test]
fn an_idle_broker_is_small() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    for dir in [None, Some(dir.path())] {
        let began = Instant::now();
        let (broker, address) = Process::start(ANYWHERE, dir);
        let started = began.elapsed();
        let mut raw = Raw::connect_to(&address);
        assert_eq!(raw.call(0, &ApiVersionsRequest::default()).error_code, NONE);
        let resident = broker.resident_bytes();
        eprintln!(
            "started in {started:?}, holds {:.1} MB",
            resident as f64 / MB as f64
        );
        assert!(resident < 20 * MB, "an idle broker holds {resident} bytes");
        broker.end();
    }
}

#[test]
fn a_thousand_idle_connections_cost_little_and_hinder_nobody() {
    let _alone = alone();
    many_files();
    let (broker, address) = Process::start(ANYWHERE, None);
    let mut bystander = Bystander::new(&address);
    let (before, quick) = (broker.resident_bytes(), bystander.works());
    let mut idle: Vec<Raw> = (0..1000).map(|_| Raw::connect_to(&address)).collect();
    // Each of them is served, and then says nothing any more.
    for raw in &mut idle {
        assert_eq!(raw.call(0, &ApiVersionsRequest::default()).error_code, NONE);
    }
    let crowded = bystander.works();
    let each = broker.resident_bytes().saturating_sub(before) / 1000;
    eprintln!("{each} bytes a connection; {quick:?} a call without them, {crowded:?} with them");
    assert!(each < 20_000, "{each} bytes for an idle connection");
    drop(idle);
    bystander.works();
}
