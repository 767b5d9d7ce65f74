//! Whatever happens to the file: the right copy, and no error.

use std::fs;

use tls_optout::maildir::index;

use crate::Home;

/// A home with 300 messages, an index, and the path of the wanted one.
fn indexed() -> (Home, std::path::PathBuf) {
    let home = Home::new();
    for number in 0..300 {
        let id = format!("Message-ID: <{number}@example.org>\n");
        home.message(&format!("Sent/cur/17000{number}.a{number}:2,S"), &id);
    }
    let wanted = home.wanted("Sent/cur/1700000000.w:2,S");
    home.update();
    (home, wanted)
}

#[test]
fn flipped_bytes_never_mislead() {
    let (home, wanted) = indexed();
    let file = index::file(&home.state());
    let sound = fs::read(&file).unwrap();
    let mut random = 7_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).unwrap()
    };
    let (mut gone, mut kept) = (0, 0);
    for round in 0..400 {
        let mut bytes = sound.clone();
        // A few bytes; every fourth time in the first pages, where the form of the database stands.
        let range = if round % 4 == 0 { 300 } else { bytes.len() };
        for _ in 0..1 + next() % 40 {
            let at = next() % range;
            bytes[at] ^= 1 << (next() % 8);
        }
        fs::write(&file, bytes).unwrap();
        assert_eq!(home.found().0.as_ref(), Some(&wanted), "round {round}");
        match file.exists() {
            true => kept += 1,
            false => gone += 1,
        }
    }
    assert!(gone > 20 && kept > 20, "{gone} {kept}");
    // And the next update makes it whole again.
    fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    assert_eq!(home.update(), 301);
    assert_eq!(home.found(), (Some(wanted), true));
}

#[test]
fn what_is_no_index_of_ours_goes() {
    let (home, wanted) = indexed();
    let file = index::file(&home.state());
    let sound = fs::read(&file).unwrap();
    let mut older = sound.clone();
    // `user_version`, at byte 60 of the header: https://sqlite.org/fileformat2.html
    older[60..64].copy_from_slice(&[0, 0, 0, 0]);
    let cases: [&[u8]; 5] = [b"", b"not a database", &sound[..5000], &older, &[0; 70_000]];
    for bytes in cases {
        fs::write(&file, bytes).unwrap();
        assert_eq!(home.found(), (Some(wanted.clone()), false));
        assert!(!file.exists(), "{} bytes", bytes.len());
        fs::write(&file, bytes).unwrap();
        assert_eq!(home.update(), 301);
        assert_eq!(home.found(), (Some(wanted.clone()), true));
    }
}

#[test]
fn a_state_folder_that_is_out_of_reach_stops_no_look_up() {
    let (home, wanted) = indexed();
    fs::remove_dir_all(home.state()).unwrap();
    assert_eq!(home.found().0.as_ref(), Some(&wanted));
    // A file where the folder should be.
    fs::write(home.state(), "").unwrap();
    assert_eq!(home.found().0.as_ref(), Some(&wanted));
    assert!(index::update(&home.state(), &home.places(), &mut |_| {}).is_err());
}

#[test]
fn an_index_that_cannot_be_written_is_said_and_leaves_nothing_behind() {
    let home = Home::new();
    home.wanted("Sent/cur/1700000000.w:2,S");
    // The place of the new database is taken by what cannot be removed.
    fs::create_dir(home.state().join("index.new")).unwrap();
    let error = index::update(&home.state(), &home.places(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("index.sqlite3"), "{error}");
    assert!(!index::file(&home.state()).exists());
}
