//! Raw archives are whole, private and named by their content.

use std::{fs, path::Path};

use qcc_archive::ReadAt;
use qcc_sync::{Archives, FolderArchives, MemoryArchives, Partial};

/// `printf hello | sha256sum`
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn keeps<A: Archives>(archives: &A) {
    let mut partial = archives.begin().await.unwrap();
    partial.append(b"wrong start").await.unwrap();
    partial.restart().await.unwrap();
    assert!(partial.is_empty());
    partial.append(b"hel").await.unwrap();
    partial.append(b"lo").await.unwrap();
    let kept = partial.keep().await.unwrap();
    assert_eq!((kept.sha256.to_string().as_str(), kept.size), (HELLO, 5));

    let mut again = archives.begin().await.unwrap();
    again.append(b"hello").await.unwrap();
    assert_eq!(again.keep().await.unwrap(), kept);

    let file = archives.open(&kept).await.unwrap().expect("it was kept");
    let mut bytes = [0; 5];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"hello");
}

fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names
}

#[tokio::test]
async fn a_folder_keeps_each_archive_once() {
    let folder = tempfile::tempdir().unwrap();
    let archives = FolderArchives::open(folder.path().join("archives")).unwrap();
    keeps(&archives).await;
    assert_eq!(files(folder.path()), [format!("{HELLO}.zip")]);
}

#[tokio::test]
async fn memory_does_the_same() {
    keeps(&MemoryArchives::default()).await;
}

#[tokio::test]
async fn what_is_dropped_half_received_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archives = FolderArchives::open(folder.path()).unwrap();
    let mut partial = archives.begin().await.unwrap();
    partial.append(b"hel").await.unwrap();
    drop(partial);
    assert_eq!(files(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("archives");
    let archives = FolderArchives::open(&root).unwrap();
    keeps(&archives).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o700);
    assert_eq!(mode(&root.join("2c")), 0o700);
    assert_eq!(mode(&root.join("2c").join(format!("{HELLO}.zip"))), 0o600);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = FolderArchives::open(file.join("archives")).unwrap_err();
    assert_eq!(error.to_string(), "opening the archive folder failed");
}
