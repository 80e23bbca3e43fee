//! What a restart finds.

use super::*;

#[test]
fn members_offsets_and_the_generation_survive() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    bench.commit_one(&ids[0], 2, "t", 0, 5);
    let (committed, leader) = (bench.committed(), bench.group().leader.clone());
    bench.restart();
    assert_eq!(bench.committed(), committed);
    assert_eq!((bench.state(), bench.group().generation), ("Stable", 2));
    assert_eq!(bench.group().leader, leader);
    assert_eq!(bench.heartbeat(&ids[0], 2), 0);
    let token = bench.sync(&ids[1], 2, &[]);
    assert_eq!(bench.synced(token).assignment, bytes(&ids[1]));
}

#[test]
fn a_member_that_did_not_survive_is_dropped_after_its_session() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    bench.seconds(SESSION - 1);
    bench.restart();
    bench.seconds(SESSION - 1);
    assert_eq!(bench.heartbeat(&ids[0], 2), 0);
    bench.seconds(1);
    assert_eq!(bench.members(), BTreeSet::from([ids[0].as_str()]));
}

#[test]
fn a_static_member_that_returned_is_known_by_its_new_id() {
    let mut bench = Bench::new();
    let token = bench.join(&joiner().instance("one"));
    let former = bench.joined(token).member_id;
    bench.sync(&former, 1, &[(&former, "all")]);
    let token = bench.join(&joiner().instance("one"));
    let back = bench.joined(token).member_id;
    bench.restart();
    assert_eq!(bench.beat(&back, Some("one"), 1), 0);
    assert_eq!(
        bench.beat(&former, Some("one"), 1),
        code(ResponseError::FencedInstanceId)
    );
}

#[test]
fn a_rebalance_under_way_is_forgotten() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    let (newcomer, _) = bench.come(joiner());
    bench.join(&joiner().id(&ids[0]));
    assert_eq!(
        (bench.state(), bench.group().generation),
        ("CompletingRebalance", 2)
    );
    bench.restart();
    assert_eq!((bench.state(), bench.group().generation), ("Stable", 1));
    assert_eq!(
        bench.heartbeat(&ids[0], 2),
        code(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        bench.heartbeat(&newcomer, 2),
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn an_empty_group_goes_on_with_its_next_generation() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    bench.leave(&ids[0]);
    bench.restart();
    assert_eq!((bench.state(), bench.group().generation), ("Empty", 2));
    let (_, token) = bench.come(joiner());
    assert_eq!(bench.joined(token).generation_id, 3);
}

#[test]
fn a_compacted_log_restores_the_same() {
    let mut bench = Bench::new();
    let ids = bench.stable(3);
    for offset in 0..10 {
        bench.commit_one(&ids[0], 3, "t", i32::try_from(offset % 3).unwrap(), offset);
    }
    let committed = bench.committed();
    let mut last: BTreeMap<Bytes, Entry> = BTreeMap::new();
    for entry in bench.log.drain(..) {
        last.insert(entry.key.clone(), entry);
    }
    assert_eq!(last.len(), 4);
    bench.log = last.into_values().collect();
    bench.restart();
    assert_eq!(bench.committed(), committed);
    assert_eq!(bench.members().len(), 3);
}

#[test]
fn what_cannot_be_read_stops_the_start() {
    let restored = |key: &str, value: &str| {
        let entry = Entry {
            key: bytes(key),
            value: Some(bytes(value)),
        };
        Coordinator::new(GroupConfig::default())
            .restore(Instant::now(), [entry])
            .map_err(|e| e.to_string())
    };
    let value = r#"{"v":1,"offset":5,"leader_epoch":-1,"metadata":""}"#;
    assert_eq!(restored(r#"{"offset":["g","t",0]}"#, value), Ok(()));
    let later = restored(r#"{"offset":["g","t",0]}"#, &value.replace(":1,", ":2,")).unwrap_err();
    assert!(later.contains("layout 2"), "{later}");
    assert!(restored(r#"{"offset":["g"]}"#, value).is_err());
    assert!(restored(r#"{"group":"g"}"#, "{").is_err());
}
