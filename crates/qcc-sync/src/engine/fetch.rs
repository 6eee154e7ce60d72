//! Downloading: onto disk, resumed where it breaks off, whole before it is kept.

use std::{
    collections::BTreeMap,
    error::Error as _,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
};

use qcc_archive::{FileFormat, sniff};
use qcc_http::{Download, Resume, Retry};
use qcc_proto::OrderNo;

use super::{Engine, Trouble, failure_of, tell_answer};
use crate::{Event, Failure, Observer, Order, Partial, ReasonCode, Remedy, VendorCall};

/// Downloads that broke off, by order: what was received, and where to go on.
/// Nothing of it is needed to go on after a crash; it only saves bytes.
#[derive(Default)]
pub(super) struct Unfinished(BTreeMap<OrderNo, (Box<dyn Partial>, Resume)>);

/// So many are kept at a time; each is a file on disk.
const MOST_UNFINISHED: usize = 32;

impl Unfinished {
    fn keep(&mut self, no: &OrderNo, partial: Box<dyn Partial>, resume: Resume) {
        if self.0.len() < MOST_UNFINISHED || self.0.contains_key(no) {
            self.0.insert(no.clone(), (partial, resume));
        }
    }
}

impl Engine {
    /// Downloads a located order's archive and keeps it.
    ///
    /// One that breaks off is resumed at once for as long as each attempt brings
    /// bytes. Then the order waits in the ledger, and what came is kept for the next
    /// attempt.
    pub(super) async fn fetch(
        &self,
        order: &Order,
        observer: &dyn Observer,
    ) -> Result<Order, Trouble> {
        let Some(located) = &order.location else {
            return Err(Trouble::damaged("the order has no link"));
        };
        let earlier = self.unfinished().0.remove(&order.no);
        let (mut partial, mut resume) = match earlier {
            Some((partial, resume)) => (partial, Some(resume)),
            None => (self.archives.begin(&order.no).await?, None),
        };
        for breaks in 1.. {
            let before = partial.len();
            let download = self.client.download(&located.location.link, resume.as_ref()).await;
            tell_answer(VendorCall::Download, &download, observer);
            let broken = match download {
                Ok(download) => {
                    match self.receive(download, &mut *partial, order, observer).await? {
                        Received::Whole => break,
                        Received::Part(go_on, what) => {
                            resume = go_on;
                            Failure::new(ReasonCode::Transient, what, Remedy::BackOff)
                        }
                    }
                }
                Err(error) => {
                    if error.retry() == Retry::StartOver {
                        resume = None;
                    }
                    failure_of(&error, self.clock.now(), &self.policy)
                }
            };
            let goes_on = partial.len() > before && breaks <= self.policy.resumes;
            if broken.reason.code == ReasonCode::Transient && goes_on {
                continue;
            }
            if let Some(resume) = resume {
                self.unfinished().keep(&order.no, partial, resume);
            }
            return Err(Trouble::Failed(broken));
        }
        let kept = partial.keep().await?;
        let order = order.clone().fetched(kept);
        self.label(&order).await?;
        tracing::info!(order = %order.no, size = kept.size, "archive kept");
        observer.event(&Event::Fetched { order_no: order.no.clone(), size: kept.size });
        Ok(order)
    }

    /// Bytes of archives that came in all.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn unfinished(&self) -> MutexGuard<'_, Unfinished> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one answer's body, as far as it comes.
    async fn receive(
        &self,
        mut download: Download,
        partial: &mut dyn Partial,
        order: &Order,
        observer: &dyn Observer,
    ) -> Result<Received, Trouble> {
        if download.offset == 0 && !partial.is_empty() {
            partial.restart().await?;
        }
        let limit = self.policy.archive_size;
        let total = download.total;
        loop {
            match download.body.chunk().await {
                Ok(Some(piece)) => {
                    if partial.len().saturating_add(piece.len() as u64) > limit {
                        return Err(too_large(limit));
                    }
                    if partial.is_empty() {
                        refuse_pages(&piece)?;
                    }
                    partial.append(&piece).await?;
                    self.received.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    observer.event(&Event::Downloading {
                        order_no: order.no.clone(),
                        received: partial.len(),
                        total,
                    });
                }
                Ok(None) if total.is_none_or(|total| total == partial.len()) => {
                    return Ok(Received::Whole);
                }
                Ok(None) => {
                    let what = "the download ended early".to_owned();
                    return Ok(Received::Part(download.resume_at(partial.len()), what));
                }
                Err(error) => {
                    tracing::info!(order = %order.no, at = partial.len(), %error, "download broke off");
                    let cause = error.source().map(|cause| format!(": {cause}"));
                    let what = format!(
                        "the download broke off after {} bytes: {error}{}",
                        partial.len(),
                        cause.unwrap_or_default()
                    );
                    return Ok(Received::Part(download.resume_at(partial.len()), what));
                }
            }
        }
    }
}

/// How much of an archive came; if not all, where to go on and what happened.
enum Received {
    Whole,
    Part(Option<Resume>, String),
}

/// A page where an archive should be is not worth a place on disk.
fn refuse_pages(start: &[u8]) -> Result<(), Trouble> {
    match sniff(start) {
        format @ (FileFormat::Html | FileFormat::Xml { .. }) => {
            let page = match format {
                FileFormat::Xml { code: Some(code) } => format!("the file host's error {code}"),
                FileFormat::Xml { code: None } => "an XML page".into(),
                _ => "an HTML page; a proxy or gateway may have answered".into(),
            };
            Err(Trouble::damaged(format!("the download is no archive but {page}")))
        }
        _ => Ok(()),
    }
}

fn too_large(limit: u64) -> Trouble {
    Trouble::Failed(Failure::new(
        ReasonCode::ArchiveRefused,
        format!("the archive is larger than {limit} bytes; raise the limit and retry the order"),
        Remedy::Quarantine,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Archives as _, MemoryArchives};

    #[tokio::test]
    async fn of_downloads_that_broke_off_so_many_are_kept_and_each_as_it_was_last() {
        let archives = MemoryArchives::default();
        let mut unfinished = Unfinished::default();
        let no = |n: usize| format!("A{n}").parse::<OrderNo>().unwrap();
        let resume = |offset| Resume::new(offset, None, "\"one\"").unwrap();
        for n in 0..MOST_UNFINISHED + 8 {
            unfinished.keep(&no(n), archives.begin(&no(0)).await.unwrap(), resume(1));
            assert_eq!(unfinished.0.len(), (n + 1).min(MOST_UNFINISHED));
        }
        unfinished.keep(&no(0), archives.begin(&no(0)).await.unwrap(), resume(9));
        let offset = |n| unfinished.0.get(&no(n)).map(|(_, resume)| resume.offset());
        assert_eq!((offset(0), offset(1), offset(MOST_UNFINISHED)), (Some(9), Some(1), None));
    }
}
