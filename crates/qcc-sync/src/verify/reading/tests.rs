use std::{
    io::Cursor,
    sync::atomic::{AtomicU64, Ordering},
};

use qcc_sim::{ArchiveSpec, sample_records, write_archive};

use super::*;
use crate::Policy;

/// An archive that its first reading finds whole, and that then grows by a byte.
struct Growing {
    bytes: Vec<u8>,
    grows: bool,
    sizes_told: AtomicU64,
}

impl ReadAt for Growing {
    fn size(&self) -> io::Result<u64> {
        let told = self.sizes_told.fetch_add(1, Ordering::Relaxed);
        Ok(self.bytes.len() as u64 + u64::from(self.grows && told > 1))
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.read_exact_at(buf, offset)
    }
}

/// What `opens` says of an archive with one flipped bit.
fn opens_damaged(grows: bool) -> Option<bool> {
    let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse().unwrap(), 20, "secret");
    let records = sample_records(1).take(20);
    let mut bytes = write_archive(&spec, records, Cursor::new(Vec::new())).unwrap().into_inner();
    bytes[200] ^= 1;
    let sha256 = Sha256::new(Hasher::digest(&bytes).into());
    let kept = KeptArchive { sha256, size: bytes.len() as u64 };
    let file = Growing { bytes, grows, sizes_told: AtomicU64::new(0) };
    let settings = VerifySettings::new(&Policy::default(), ".");
    opens(&file, &kept, &UnzipPassword::new("secret"), &settings)
}

#[test]
fn an_archive_that_changes_while_it_is_read_proves_nothing_about_its_password() {
    assert_eq!(opens_damaged(false), Some(false));
    assert_eq!(opens_damaged(true), None);
}

#[test]
fn another_wording_of_a_reason_is_not_another_record() {
    let aside = |code: &str, detail: &str| SetAside {
        position: 1,
        code: code.into(),
        detail: detail.into(),
        raw: b"{}".to_vec(),
    };
    let stored = of_aside(&aside("duplicate-key", "a key stands twice"));
    assert_eq!(stored, of_aside(&aside("duplicate-key", "a key comes twice")));
    assert_ne!(stored, of_aside(&aside("empty-id", "a key stands twice")));
}
