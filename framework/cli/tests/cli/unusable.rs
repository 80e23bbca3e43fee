//! Directories, disks and brokers that cannot be used are told, with what to do.

use super::backup::{Dir, Raw, Running, fresh, import, plain, put, with_broker};
use super::common::{Ran, bootstrap, create, kolo, run};

#[test]
fn a_directory_is_for_one_export_at_a_time() {
    let (topic, dir) = (fresh("locked"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    export.durable(&topic, 3);
    let words = ["in use by another", &topic];
    dir.export(&topic, &[]).fails(1, &words);
    import(&dir.of(&topic), &[]).fails(1, &words);
    dir.verify().done();
    export.signal("-INT").done();
    dir.export(&topic, &[]).done();
}

// failure: disk | the disk of a backup is full | the export ends, and says how far it is durable | the next run
// goes on from there | an operator makes room
#[test]
fn a_disk_that_is_full_is_told_and_the_next_run_goes_on() {
    let (topic, dir) = (fresh("full"), Dir::new());
    create(&topic, 1);
    let mut seed = 7u64;
    let mut noise = |_| Raw {
        value: Some(
            (0..20_000)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 56) as u8
                })
                .collect(),
        ),
        millis: 1,
        ..Raw::default()
    };
    put(&topic, &(0..40).map(&mut noise).collect::<Vec<_>>());
    let export = dir.export_command(&topic, &[]);
    let mut limited = std::process::Command::new("sh");
    limited.envs(
        export
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"]);
    limited.arg(export.get_program()).args(export.get_args());
    let ran = Ran::from(limited.output().unwrap());
    ran.fails(
        1,
        &["cannot write", "00000000000000000000.avro", "Make room"],
    );
    dir.export(&topic, &[]).done();
    dir.holds(&topic, 1, 40);
}

#[test]
fn what_is_no_backup_is_refused_with_what_to_name() {
    let (topic, dir) = (fresh("none"), Dir::new());
    let none = dir.of("none");
    run(&["verify-export", &none]).fails(2, &["no directory", "kolo export --to"]);
    import(&none, &[]).fails(2, &["no directory", "kolo export --to"]);
    run(&["verify-export", &dir.text()]).fails(2, &["is not a backup", "manifest.json"]);
    import(&dir.text(), &[]).fails(2, &["is not a backup", "manifest.json"]);

    create(&topic, 1);
    put(&topic, &plain(1, 0, 1));
    dir.export(&topic, &[]).done();
    import(&dir.text(), &[]).fails(2, &["an import is of one", &dir.of(&topic)]);
    let manifest = dir.topic(&topic).join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for (changed, code, words) in [
        (
            text.replace("\"version\": 1", "\"version\": 2"),
            2,
            "version 2 of the format",
        ),
        (
            text.replace("kolo-backup", "other-backup"),
            2,
            "not the manifest of a backup",
        ),
        (
            text.replace("\"next\": 1", "\"next\": 7"),
            1,
            "damaged, or was edited",
        ),
        (text[..text.len() / 2].to_owned(), 1, "is damaged"),
    ] {
        std::fs::write(&manifest, changed).unwrap();
        let words = ["manifest.json", words];
        run(&["verify-export", &dir.text()]).fails(code, &words);
        import(&dir.of(&topic), &[]).fails(code, &words);
        dir.export(&topic, &[]).fails(code, &words);
    }
    std::fs::remove_file(&manifest).unwrap();
    dir.export(&topic, &[])
        .fails(1, &[&dir.of(&topic), "segments and no manifest.json"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (topic, dir) = (fresh("place"), Dir::new());
    create(&topic, 1);
    let file = dir.topic("a-file");
    std::fs::write(&file, "").unwrap();
    let to = |to: &str| {
        with_broker(&["export", &topic, "--to", to])
            .output()
            .unwrap()
    };
    Ran::from(to(file.to_str().unwrap())).fails(1, &["a-file", "another directory"]);
    Ran::from(to("/proc/none")).fails(1, &["/proc/none"]);
}

#[test]
fn brokers_and_topics_that_are_not_there_are_told() {
    let dir = Dir::new();
    let export = |bootstrap: &str| {
        let ran = kolo(&[
            "export",
            "nonesuch",
            "--to",
            &dir.text(),
            "--bootstrap",
            bootstrap,
        ])
        .output();
        Ran::from(ran.unwrap())
    };
    export("127.0.0.1:1").fails(1, &["127.0.0.1:1", "do not answer", "kolo dev"]);
    export(bootstrap()).fails(1, &["no topic `nonesuch`", "kolo topics list"]);
    assert_eq!(
        std::fs::read_dir(dir.text()).unwrap().count(),
        0,
        "nothing was begun"
    );
}

#[test]
fn brokers_that_are_not_there_and_topics_that_must_not_be_made_are_told() {
    let (topic, dir) = (fresh("intake"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 3));
    dir.export(&topic, &[]).done();
    import(&dir.of(&topic), &["--bootstrap", "127.0.0.1:1"])
        .fails(1, &["127.0.0.1:1", "do not answer"]);
    let copy = fresh("not-made");
    let mut command = with_broker(&["import", &dir.of(&topic), "--topic", &copy]);
    let ran = command.env("KOLO_CREATE_TOPICS", "false").output().unwrap();
    Ran::from(ran).fails(2, &[&copy, "create_topics is off", "1 partitions"]);
}
