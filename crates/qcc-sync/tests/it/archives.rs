//! Raw archives are whole, private and named by their content.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use qcc_archive::ReadAt;
use qcc_proto::UnzipPassword;
use qcc_sync::{Archives, FolderArchives, KeptArchive, Label, MemoryArchives};

use crate::world::no;

/// `printf hello | sha256sum`
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn keeps(archives: &dyn Archives) {
    let mut partial = archives.begin(&no("A1")).await.unwrap();
    partial.append(b"wrong start").await.unwrap();
    partial.restart().await.unwrap();
    assert!(partial.is_empty());
    partial.append(b"hel").await.unwrap();
    partial.append(b"lo").await.unwrap();
    let kept = partial.keep().await.unwrap();
    assert_eq!((kept.sha256.to_string().as_str(), kept.size), (HELLO, 5));

    let mut again = archives.begin(&no("A1")).await.unwrap();
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
    let mut partial = archives.begin(&no("A1")).await.unwrap();
    partial.append(b"hel").await.unwrap();
    drop(partial);
    assert_eq!(files(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_killed_process_left_is_swept_once_nobody_can_be_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let day = Duration::from_secs(24 * 3600);
    for (name, age) in [
        ("receiving-old", day),
        ("labelling-old", day),
        ("receiving-new", Duration::from_secs(3600)),
        ("notes-of-a-person", day),
    ] {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    FolderArchives::open(folder.path()).unwrap();
    let mut left = files(folder.path());
    left.sort();
    assert_eq!(left, ["notes-of-a-person", "receiving-new"]);
}

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
    for root in [file.join("archives"), file, folder.path().join("not/there")] {
        let error = FolderArchives::open(root).unwrap_err();
        assert_eq!(error.to_string(), "opening the archive folder failed");
    }
    assert!(!folder.path().join("not").exists(), "the way to it is not made");
    assert!(FolderArchives::open_existing(folder.path().join("archives")).is_err());
    assert!(!folder.path().join("archives").exists());
}

#[tokio::test]
async fn a_folder_that_was_replaced_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("archives");
    let archives = FolderArchives::open(&root).unwrap();
    let kept = keep(&archives, b"hello").await;
    let mut under_way = archives.begin(&no("A1")).await.unwrap();
    under_way.append(b"more").await.unwrap();
    fs::rename(&root, folder.path().join("away")).unwrap();
    // As the mount point of a disk that is gone: the same name, another folder.
    fs::create_dir(&root).unwrap();
    assert!(archives.begin(&no("A1")).await.is_err());
    assert!(archives.label(&kept, &label("A1", 0)).await.is_err());
    assert!(under_way.keep().await.is_err());
    assert_eq!(files(&root), [""; 0]);
    fs::remove_dir(&root).unwrap();
    fs::rename(folder.path().join("away"), &root).unwrap();
    keep(&archives, b"again").await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_regular_file_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let archives = FolderArchives::open(root).unwrap();
    let kept = keep(&archives, b"hello").await;
    archives.label(&kept, &label("A1", 0)).await.unwrap();
    let shelf = root.join("2c");
    let beside = |kind: &str| shelf.join(format!("{HELLO}.{kind}.json"));
    let make_pipe = |path: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    make_pipe(&beside("PIPE"));
    fs::create_dir(beside("FOLDER")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", beside("ZERO")).unwrap();
    std::os::unix::fs::symlink(beside("A1"), beside("LINK")).unwrap();
    fs::File::create(beside("LARGE")).unwrap().set_len(1 << 40).unwrap();
    let other = HELLO.replace("2cf2", "2cff");
    make_pipe(&shelf.join(format!("{other}.zip")));
    fs::write(root.join("00"), "no shelf").unwrap();
    fs::write(root.join("notes"), "mine").unwrap();
    let found = archives.shelved(None, 10).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].archive, found[0].unreadable), (kept, 5));
    assert_eq!(found[0].labels, [label("A1", 0)]);
    let strays = archives.strays().await.unwrap();
    assert_eq!((strays.count, strays.named.len()), (8, 8), "{strays:?}");
    let pipe = KeptArchive { sha256: other.parse().unwrap(), size: 1 };
    let error = archives.open(&pipe).await.err().unwrap();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("a pipe or a device"), "{why}");
    // What is ours takes its place back, and what was there is kept beside it.
    let before = keep(&MemoryArchives::default(), b"first").await;
    fs::write(root.join(&before.sha256.to_string()[..2]), "no shelf").unwrap();
    assert_eq!(keep(&archives, b"first").await, before);
    let zip = archives.path(&kept.sha256);
    fs::remove_file(&zip).unwrap();
    fs::create_dir_all(zip.join("within")).unwrap();
    assert_eq!(keep(&archives, b"hello").await, kept);
    assert!(zip.is_file() && zip.with_extension("zip.stray").is_dir());
    archives.label(&kept, &label("FOLDER", 0)).await.unwrap();
    assert_eq!(archives.shelved(None, 10).await.unwrap()[0].unreadable, 4);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_can_only_be_read_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("archives");
    let archives = FolderArchives::open(&root).unwrap();
    let kept = keep(&archives, b"hello").await;
    let old = fs::File::create(root.join("receiving-old")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(48 * 3600)).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o555)).unwrap();
    let archives = FolderArchives::open_existing(&root).unwrap();
    assert!(archives.open(&kept).await.unwrap().is_some());
    assert!(root.join("receiving-old").exists(), "nothing is swept");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
}

fn label(order_no: &str, second: i64) -> Label {
    let at = Timestamp::from_second(1_700_000_000 + second).unwrap();
    Label {
        order_no: order_no.parse().unwrap(),
        password: UnzipPassword::new("S3\"CR"),
        created_at: Some("2022-06-07 10:13:42".parse().unwrap()),
        first_seen_at: at,
        listed_at: (second > 0).then_some(at),
        called_at: None,
        written_at: at,
    }
}

async fn keep<A: Archives>(archives: &A, bytes: &[u8]) -> KeptArchive {
    let mut partial = archives.begin(&no("A1")).await.unwrap();
    partial.append(bytes).await.unwrap();
    partial.keep().await.unwrap()
}

/// Labels come back as they were written, the last for each order; pages join.
async fn labels<A: Archives>(archives: &A) {
    assert_eq!(archives.shelved(None, 10).await.unwrap(), []);
    let mut kept = Vec::new();
    for n in 0..20_u8 {
        kept.push(keep(archives, &[n; 3]).await);
    }
    kept.sort_by_key(|archive| archive.sha256);
    archives.label(&kept[7], &label("A1", 0)).await.unwrap();
    archives.label(&kept[7], &label("A2", 0)).await.unwrap();
    archives.label(&kept[7], &label("A1", 5)).await.unwrap();
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|shelved: &qcc_sync::ShelvedArchive| shelved.archive.sha256);
        let page = archives.shelved(after.as_ref(), 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        found.extend(page);
    }
    let archives: Vec<KeptArchive> = found.iter().map(|shelved| shelved.archive).collect();
    assert_eq!(archives, kept);
    assert_eq!(found[7].labels, [label("A1", 5), label("A2", 0)]);
    let labels = found.iter().map(|shelved| shelved.labels.len()).sum::<usize>();
    assert_eq!(labels, 2);
}

#[tokio::test]
async fn a_folder_labels_its_archives() {
    let folder = tempfile::tempdir().unwrap();
    labels(&FolderArchives::open(folder.path()).unwrap()).await;
}

#[tokio::test]
async fn memory_labels_its_archives() {
    labels(&MemoryArchives::default()).await;
}

#[tokio::test]
async fn what_is_no_label_is_counted_and_what_is_foreign_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let archives = FolderArchives::open(folder.path()).unwrap();
    let kept = keep(&archives, b"hello").await;
    let gone = keep(&archives, b"gone").await;
    archives.label(&kept, &label("A1", 0)).await.unwrap();
    archives.label(&gone, &label("A2", 0)).await.unwrap();
    fs::remove_file(archives.path(&gone.sha256)).unwrap();
    let shelf = folder.path().join("2c");
    fs::write(shelf.join(format!("{HELLO}.A9.json")), "{\"password\":\"S3CRET\"}").unwrap();
    fs::write(shelf.join("notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("worker-1.lock"), "").unwrap();
    let mut found = archives.shelved(None, 10).await.unwrap();
    found.sort_by_key(|shelved| shelved.labels[0].order_no.clone());
    assert_eq!((found.len(), found[0].unreadable), (2, 1));
    assert_eq!(found[0].labels, [label("A1", 0)]);
    assert_eq!(found[1].archive, gone, "a label outlives its archive, and says its size");
    assert!(archives.open(&gone).await.unwrap().is_none());
}

#[cfg(unix)]
#[tokio::test]
async fn a_label_is_as_private_as_the_archive_and_debug_hides_the_password() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let archives = FolderArchives::open(folder.path()).unwrap();
    let kept = keep(&archives, b"hello").await;
    archives.label(&kept, &label("A1", 0)).await.unwrap();
    let path = folder.path().join("2c").join(format!("{HELLO}.A1.json"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&path).unwrap().contains("S3\\\"CR"));
    assert!(!format!("{:?}", label("A1", 0)).contains("S3"));
}
