//! What an archive says, read by no part of what applies it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use qcc_archive::{Archive, ReadAt, Retry};
use qcc_proto::{
    DocumentError, DocumentHeader, ItemRef, OrderNo, RecordReader, RiskRecord, SetAsideRecord,
    ShanghaiTime, UnzipPassword,
};
use sha2::{Digest, Sha256 as Hasher};

use super::{
    VerifyError, VerifySettings,
    fingerprint::{Fingerprint, fingerprint, fingerprint_of},
    sorter::{Place, Sorter, Version},
};
use crate::{KeptArchive, Order, SetAside, Sha256};

/// An applied order, and where what it brought can be read again.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) no: OrderNo,
    pub(super) archive: Option<KeptArchive>,
    pub(super) password: Option<UnzipPassword>,
    /// Whether its archive held, so that its rows can be judged.
    pub(super) proven: bool,
    /// Where its archive was removed on purpose, the `pushDate` that its rows bear.
    pub(super) pruned: Option<ShanghaiTime>,
    /// The document's `pushDate`, once it was read.
    pub(super) push_date: Option<ShanghaiTime>,
}

impl Source {
    /// Of which nothing is proven yet.
    pub(super) fn of(order: &Order) -> Self {
        Self {
            no: order.no.clone(),
            archive: order.archive,
            password: order.password.clone(),
            proven: false,
            pruned: None,
            push_date: None,
        }
    }
}

/// What a document says beside its records.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) push_date: ShanghaiTime,
    pub(super) total_size: u64,
    pub(super) records: u64,
    pub(super) aside: Vec<(u64, Fingerprint)>,
}

/// Why an archive proves nothing.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

/// What a reading comes to: an archive that is refused does not end the proof.
type Outcome<T> = Result<Result<T, Refused>, VerifyError>;

/// Reads a whole archive and hands its records to the sorter.
pub(super) fn read<R: ReadAt>(
    file: &R,
    source: &Source,
    order: u32,
    settings: &VerifySettings,
    sorter: &mut Sorter,
) -> Outcome<Reading> {
    let Some(kept) = source.archive else { return Ok(Err(Refused("nothing is kept".into()))) };
    let found = match digest(file) {
        Ok(found) => found,
        Err(error) => return Ok(Err(unread(&error))),
    };
    if found != kept.sha256 {
        let detail = format!("its bytes are not those that were kept: their SHA-256 is {found}");
        return Ok(Err(Refused(detail)));
    }
    let mut aside = Vec::new();
    let mut records = 0;
    let outcome = walk(file, source, settings, |head, item| {
        match item {
            ItemRef::Record { position, record } => {
                records += 1;
                let pushed = head.push_date.timestamp().as_second();
                sorter.push(Version {
                    id: record.id.into(),
                    place: Place { pushed, order, position },
                    fingerprint: fingerprint(&record),
                })?;
            }
            ItemRef::SetAside(bad) => aside.push((bad.position, of_bad(&bad))),
        }
        Ok(())
    })?;
    Ok(outcome.map(|DocumentHeader { push_date, total_size, .. }| Reading {
        push_date,
        total_size,
        records,
        aside,
    }))
}

/// Whether an archive is what was kept and opens with a password; `None` where it
/// could not be read, or changed while it was read.
pub(crate) fn opens<R: ReadAt>(
    file: &R,
    kept: &KeptArchive,
    password: &UnzipPassword,
    settings: &VerifySettings,
) -> Option<bool> {
    if digest(file).ok()? != kept.sha256 {
        return Some(false);
    }
    let opened = Archive::open(file, settings.archive.clone()).and_then(|archive| {
        archive.authenticate(&settings.entry, password.reveal().as_bytes()).map(drop)
    });
    match opened {
        Ok(()) => Some(true),
        Err(error) => match error.retry() {
            Retry::ReadAgain => None,
            Retry::FetchAgain | Retry::Never => Some(false),
        },
    }
}

/// Reads certain records again, by their place in the document.
pub(super) fn look_up<R: ReadAt>(
    file: &R,
    source: &Source,
    settings: &VerifySettings,
    wanted: &BTreeSet<u64>,
) -> Outcome<BTreeMap<u64, RiskRecord>> {
    let mut found = BTreeMap::new();
    let outcome = walk(file, source, settings, |_, item| {
        if let ItemRef::Record { position, record } = item
            && wanted.contains(&position)
        {
            found.insert(position, record.to_record());
        }
        Ok(())
    })?;
    Ok(outcome.map(|_| found))
}

/// Authenticates the archive and shows every element of its document.
fn walk<R: ReadAt>(
    file: &R,
    source: &Source,
    settings: &VerifySettings,
    mut show: impl FnMut(&DocumentHeader, ItemRef<'_>) -> io::Result<()>,
) -> Outcome<DocumentHeader> {
    let Some(password) = &source.password else {
        return Ok(Err(Refused("its password is not in the ledger".into())));
    };
    let opened = Archive::open(file, settings.archive.clone()).and_then(|archive| {
        archive.into_authenticated(&settings.entry, password.reveal().as_bytes())
    });
    let verified = match opened {
        Ok(verified) => verified,
        Err(error) => return refused(error),
    };
    let head = match DocumentHeader::read(verified.reader(), settings.document) {
        Ok(head) => head,
        Err(error) => return unreadable(error),
    };
    let mut reader = RecordReader::new(verified.reader(), settings.document);
    loop {
        match reader.next_ref() {
            Ok(Some(item)) => show(&head, item).map_err(VerifyError::Scratch)?,
            Ok(None) => return Ok(Ok(head)),
            Err(error) => return unreadable(error),
        }
    }
}

fn refused<T>(error: qcc_archive::Error) -> Outcome<T> {
    match error.retry() {
        Retry::ReadAgain => Ok(Err(unread(&error))),
        Retry::FetchAgain | Retry::Never => Ok(Err(Refused(error.to_string()))),
    }
}

fn unreadable<T>(error: DocumentError) -> Outcome<T> {
    if let DocumentError::Source(source) = &error
        && let Some(error) = qcc_archive::Error::from_io(source)
    {
        return refused(error.clone());
    }
    Ok(Err(Refused(error.to_string())))
}

/// The disk does not give it back.
pub(super) fn unread(error: &dyn std::error::Error) -> Refused {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Refused(format!("it cannot be read: {error}{cause}"))
}

/// The SHA-256 of a kept archive as it is now.
pub(crate) fn digest<R: ReadAt + ?Sized>(file: &R) -> io::Result<Sha256> {
    const PIECE: usize = 256 * 1024;
    let size = file.size()?;
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < size {
        let length = usize::try_from(size - offset).unwrap_or(PIECE).min(PIECE);
        let piece = piece.get_mut(..length).unwrap_or_default();
        file.read_exact_at(piece, offset)?;
        hasher.update(&*piece);
        offset += length as u64;
    }
    Ok(Sha256::new(hasher.finalize().into()))
}

fn of_bad(bad: &SetAsideRecord) -> Fingerprint {
    of_parts(bad.reason.as_str(), &bad.raw)
}

/// The fingerprint of what the store set aside.
pub(super) fn of_aside(aside: &SetAside) -> Fingerprint {
    of_parts(&aside.code, &aside.raw)
}

/// The sentence does not count: another version may word it differently.
fn of_parts(code: &str, raw: &[u8]) -> Fingerprint {
    fingerprint_of(&[code.as_bytes(), raw])
}

#[cfg(test)]
mod tests;
