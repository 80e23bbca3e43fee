//! What is wrong with the files of a backup is found, and its place is named.

use std::io::Write;

use super::backup::{Dir, Running, flip, fresh, import, plain, put};
use super::common::create;

#[test]
fn a_block_that_was_half_written_is_cut_off() {
    let (topic, dir) = (fresh("half"), Dir::new());
    create(&topic, 1);
    put(&topic, &plain(1, 0, 20));
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    export.durable(&topic, 20);
    export.kill();
    let open = dir.files(&topic, 0, "avro").remove(0);
    let whole = open.metadata().unwrap().len();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&open)
        .unwrap();
    file.write_all(b"\x14\xf0half a block").unwrap();
    assert_eq!(dir.verify().done().lines()[0]["unfinished_bytes"], 14);
    let ran = dir.export(&topic, &[]).done();
    assert!(
        ran.err.contains("14 bytes of a write that was cut short"),
        "{}",
        ran.err
    );
    assert_eq!(open.metadata().unwrap().len(), whole);
    dir.holds(&topic, 1, 20);
}

// failure: recovery | a backup is damaged on its disk | `kolo verify-export` and the import name file and place |
// nothing of it is imported | an operator takes another copy
#[test]
fn a_flipped_bit_is_found_and_its_place_is_named() {
    let (topic, dir) = (fresh("flip"), Dir::new());
    create(&topic, 1);
    let mut export = Running::start(dir.export_command(&topic, &["--follow", "--json"]));
    for round in 0..3 {
        put(&topic, &plain(1, round * 10, 10));
        export.durable(&topic, (round + 1) * 10);
    }
    export.kill();
    // Three blocks in an open segment. A bit of the second one:
    let open = dir.files(&topic, 0, "avro").remove(0);
    let list = std::fs::read_to_string(dir.files(&topic, 0, "blocks").remove(0)).unwrap();
    let ends: Vec<usize> = list
        .lines()
        .map(|line| line.split(' ').next().unwrap().parse().unwrap())
        .collect();
    let (first, second) = (ends[0], ends[1]);
    let place = format!("damaged at bytes {first} to {second}");
    for at in [first, (first + second) / 2, second - 1] {
        flip(&open, at);
        let words = ["offsets 10 to 19", &place, "another copy"];
        dir.export(&topic, &[]).fails(1, &words);
        dir.verify().fails(1, &words);
        import(&dir.of(&topic), &["--topic", &fresh("never")]).fails(1, &words);
        flip(&open, at);
    }
    dir.export(&topic, &[]).done();
    dir.holds(&topic, 1, 30);
    // And in the closed one:
    flip(&open, (first + second) / 2);
    dir.verify().fails(1, &["offsets 10 to 19", &place]);
    std::fs::remove_file(dir.files(&topic, 0, "blocks").remove(0)).unwrap();
    dir.verify().fails(1, &["SHA-256", "offsets 0 to 29"]);
    flip(&open, (first + second) / 2);
    dir.verify().done();
}

#[test]
fn files_that_are_missing_or_do_not_belong_are_named() {
    let (topic, dir) = (fresh("missing"), Dir::new());
    create(&topic, 1);
    for round in 0..3 {
        put(&topic, &plain(1, round * 10, 10));
        dir.export(&topic, &[]).done();
    }
    let second = dir.files(&topic, 0, "avro").remove(1);
    let name = second.to_str().unwrap();
    let away = second.with_extension("away");
    std::fs::rename(&second, &away).unwrap();
    dir.verify().fails(1, &[name]);
    dir.export(&topic, &[])
        .fails(1, &[name, "offsets 10 to 19", "verify-export"]);
    std::fs::rename(&away, &second).unwrap();

    let bytes = std::fs::read(&second).unwrap();
    std::fs::write(&second, &bytes[..bytes.len() - 3]).unwrap();
    dir.verify().fails(1, &[name, "the file ends at byte"]);
    dir.export(&topic, &[])
        .fails(1, &[name, "offsets 10 to 19"]);
    std::fs::write(&second, &bytes).unwrap();

    let stray = second.with_file_name("00000000000000000015.avro");
    std::fs::copy(&second, &stray).unwrap();
    dir.verify().fails(1, &["00000000000000000015.avro"]);
    dir.export(&topic, &[])
        .fails(1, &["00000000000000000015.avro", "does not belong here"]);
    std::fs::remove_file(&stray).unwrap();
    dir.holds(&topic, 1, 30);
}
