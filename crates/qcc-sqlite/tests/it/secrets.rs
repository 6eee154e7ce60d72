//! What must not be found in the files, and in `Debug`.

use std::fs;

use qcc_proto::{DownloadLink, Location, UnzipPassword};
use qcc_sync::Store;

use crate::given::{applied, at, leased, local, rows, store, worker};

#[tokio::test]
async fn no_link_is_written_and_debug_shows_no_password() {
    let (folder, store) = store().await;
    let hand = worker("hand");
    let mut lease = leased(&store, "A1", &hand).await;
    lease.order = lease.order.located(
        Location::new(
            DownloadLink::new("http://files.example/x.zip?OSSAccessKeyId=L&Signature=D0SIG"),
            UnzipPassword::new("9TkwPASS"),
        ),
        at(1),
    );
    store.save(&lease, at(1)).await.unwrap();
    let mut apply = store.begin_apply(&lease, local(0)).await.unwrap();
    apply.write(rows(0..10)).await.unwrap();
    let shown = format!("{store:?} {:#?} {lease:?}", store.order(&lease.order.no).await);
    apply.commit(applied(lease.order, 0)).await.unwrap();
    for hidden in ["9TkwPASS", "D0SIG"] {
        assert!(!shown.contains(hidden), "Debug shows {hidden}: {shown}");
    }
    let mut passwords = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds("D0SIG") && !holds("files.example") && !holds("Signature"));
        passwords += u32::from(holds("9TkwPASS"));
    }
    assert!(passwords > 0, "the search finds what is there: the ledger keeps the password");
}
