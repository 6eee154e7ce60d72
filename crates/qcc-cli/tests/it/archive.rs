//! `qcc archive`: what is accepted, what is refused, and how it ends.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    process::Stdio,
};

use zip::{AesMode, CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::support::{PASSWORD, Ran, archive, bare};

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = bare(folder);
    command.env("QCC_ARCHIVE_PASSWORD", PASSWORD).arg("archive").args(arguments);
    command.output().unwrap().into()
}

/// An archive of one document, as other writers make it.
fn write(path: &Path, mode: AesMode, document: &str) {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .with_aes_encryption(mode, PASSWORD);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("dd_risk_corp.json", options).unwrap();
    writer.write_all(document.as_bytes()).unwrap();
    fs::write(path, writer.finish().unwrap().into_inner()).unwrap();
}

#[test]
fn cat_prints_the_document() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 3);
    let ran = run(folder.path(), &["cat", "order.zip"]).ends(0);
    assert_eq!(ran.json()["totalSize"], 3);
    assert_eq!(ran.err, "");
}

#[test]
fn records_are_lines_with_the_tables_columns() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 40);
    let lines = run(folder.path(), &["records", "order.zip"]).ends(0).lines();
    assert_eq!(lines.len(), 40);
    let mut names: Vec<_> = lines[0].as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "change_date",
            "corp_key_no",
            "corp_name",
            "extra",
            "id",
            "monitor_content",
            "monitor_level",
            "monitor_type",
            "position",
            "score"
        ]
    );
    assert_eq!(lines[39]["position"], 39);
}

#[test]
fn a_count_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 1234);
    let ran = run(folder.path(), &["records", "order.zip", "--count"]).ends(0);
    assert_eq!(ran.out, "1,234 records, pushed 2022-06-07 10:13:42\n");
    let ran = run(folder.path(), &["records", "order.zip", "--count", "--json"]).ends(0);
    assert_eq!(ran.json()["records"], 1234);
    assert_eq!(ran.json()["set_aside"], 0);
    assert_eq!(ran.json()["push_date"], "2022-06-07 10:13:42");
}

#[test]
fn what_is_no_sound_archive_is_4() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(archive(folder.path(), 50)).unwrap();
    let refused = |bytes: &[u8], words: &str| {
        fs::write(folder.path().join("bad.zip"), bytes).unwrap();
        for command in ["cat", "records"] {
            let ran = run(folder.path(), &[command, "bad.zip"]).ends(4).says(words);
            assert_eq!(ran.out, "", "{command} printed something");
        }
    };
    refused(b"<html><title>login</title></html>", "a web page");
    refused(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "AccessDenied");
    refused(b"", "empty");
    refused(&whole[..whole.len() / 2], "advice: Download the archive again.");
    let mut flipped = whole.clone();
    flipped[200] ^= 1;
    refused(&flipped, "does not match");
}

#[test]
fn a_wrong_password_is_4_and_none_is_2() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 5);
    let with = |password: &str| {
        let mut command = bare(folder.path());
        command.env("QCC_ARCHIVE_PASSWORD", password).args(["archive", "cat", "order.zip"]);
        Ran::from(command.output().unwrap())
    };
    with("S3CR3T").ends(4).says("wrong password");
    with("").ends(2).says("set QCC_ARCHIVE_PASSWORD");

    fs::write(folder.path().join("password"), format!("{PASSWORD}\r\n")).unwrap();
    let mut command = bare(folder.path());
    command.args(["archive", "cat", "order.zip", "--password-file", "password"]);
    Ran::from(command.output().unwrap()).ends(0).prints("totalSize");
}

#[test]
fn a_file_that_is_not_there_is_2() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["cat", "none.zip"]).ends(2).says("there is no file none.zip");
    run(folder.path(), &["info", "."]).ends(2).says("is a folder");
    if cfg!(target_os = "linux") {
        run(folder.path(), &["cat", "/dev/zero"]).ends(2).says("is a device or a pipe");
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
        run(folder.path(), &["records", "fifo"]).ends(2).says("is a device or a pipe");
    }
}

#[test]
fn weak_encryption_has_to_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let document = r#"{"pushDate":"2022-06-07 10:13:42","totalSize":0,"result":[]}"#;
    write(&folder.path().join("weak.zip"), AesMode::Aes128, document);
    run(folder.path(), &["cat", "weak.zip"]).ends(4).says("AES-128");
    let ran = run(folder.path(), &["cat", "weak.zip", "--allow-weak-aes"]).ends(0);
    assert_eq!(ran.out, document);
    run(folder.path(), &["cat", "weak.zip", "--entry", "other"]).ends(4).says("dd_risk_corp.json");
    run(folder.path(), &["info", "weak.zip"]).ends(0).prints("AES-128");
    let info = run(folder.path(), &["info", "weak.zip", "--json"]).ends(0).json();
    assert_eq!(info["entries"][0]["name"], "dd_risk_corp.json");
}

#[test]
fn bad_records_are_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let good = r#"{"id":"a","corpKeyNo":"k","corpName":"n","monitorContent":"c","monitorLevel":"高风险信息","monitorType":"高风险","score":1,"changeDate":"2022-06-01","new":[1]}"#;
    let document = format!(
        r#"{{"pushDate":"2022-06-07 10:13:42","totalSize":3,"result":[{good},{{"corpName":"b"}},[1]]}}"#
    );
    write(&folder.path().join("bad.zip"), AesMode::Aes256, &document);
    let ran = run(folder.path(), &["records", "bad.zip"]).ends(5);
    let ran = ran.says("record 1 set aside: id is missing").says("2 of 3 records");
    assert_eq!(ran.json()["extra"]["new"][0], 1);
    let ran = run(folder.path(), &["records", "bad.zip", "--count"]).ends(5);
    assert_eq!(ran.out, "1 record, 2 set aside, pushed 2022-06-07 10:13:42\n");
}

#[test]
fn a_document_that_breaks_off_is_4() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.zip");
    write(&path, AesMode::Aes256, r#"{"pushDate":"2022-06-07 10:13:42","result":["#);
    run(folder.path(), &["records", "bad.zip"]).ends(4).says("the document ends early");
    let short = r#"{"pushDate":"2022-06-07 10:13:42","totalSize":4,"result":[]}"#;
    write(&path, AesMode::Aes256, short);
    run(folder.path(), &["records", "bad.zip", "--count"]).ends(4).says("says it has 4 records");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path(), 30_000);
    for command in ["cat", "records"] {
        let mut child = bare(folder.path())
            .env("QCC_ARCHIVE_PASSWORD", PASSWORD)
            .args(["archive", command, "order.zip"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut few = [0; 10];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut few).unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command}");
    }
}
