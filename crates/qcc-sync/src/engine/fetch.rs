//! Downloading: onto disk, resumed where it breaks off, whole before it is kept.

use qcc_archive::{Looks, sniff};
use qcc_http::{Download, ErrorClass, Resume};

use super::{Engine, Trouble, failure_of, tell_answer};
use crate::{
    Archives, Clock, Event, Failure, Observer, Order, Partial, ReasonCode, Remedy, Store,
    VendorCall,
};

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// Downloads a located order's archive and keeps it.
    pub(super) async fn fetch(
        &self,
        order: &Order,
        observer: &dyn Observer,
    ) -> Result<Order, Trouble> {
        let Some(located) = &order.location else {
            return Err(Trouble::damaged("the order has no link"));
        };
        let mut partial = self.archives.begin().await?;
        let mut resume: Option<Resume> = None;
        for breaks in 1.. {
            let download = self.client.download(&located.location.link, resume.as_ref()).await;
            tell_answer(VendorCall::Download, &download, observer);
            let broken = match download {
                Ok(download) => {
                    match self.receive(download, &mut partial, order, observer).await? {
                        Received::Whole => break,
                        Received::Part(go_on) => {
                            resume = go_on;
                            let detail = "the download kept breaking off; it starts over later";
                            Failure::new(ReasonCode::Transient, detail, Remedy::BackOff)
                        }
                    }
                }
                Err(error) => {
                    let failure = failure_of(&error, self.clock.now(), &self.policy);
                    if failure.reason.code != ReasonCode::Transient {
                        return Err(Trouble::Failed(failure));
                    }
                    if error.class() == ErrorClass::StartOver {
                        resume = None;
                    }
                    failure
                }
            };
            if breaks > self.policy.resumes {
                return Err(Trouble::Failed(broken));
            }
            self.clock.sleep(self.policy.wait(&order.no, breaks) / 8).await;
        }
        let kept = partial.keep().await?;
        let order = order.clone().fetched(kept);
        self.label(&order).await?;
        tracing::info!(order = %order.no, size = kept.size, "archive kept");
        observer.event(&Event::Fetched { order_no: order.no.clone(), size: kept.size });
        Ok(order)
    }

    /// Takes one answer's body, as far as it comes.
    async fn receive(
        &self,
        mut download: Download,
        partial: &mut A::Partial,
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
                    observer.event(&Event::Downloading {
                        order_no: order.no.clone(),
                        received: partial.len(),
                        total,
                    });
                }
                Ok(None) if total.is_none_or(|total| total == partial.len()) => {
                    return Ok(Received::Whole);
                }
                Ok(None) => return Ok(Received::Part(download.resume_at(partial.len()))),
                Err(error) => {
                    tracing::info!(order = %order.no, at = partial.len(), %error, "download broke off");
                    return Ok(Received::Part(download.resume_at(partial.len())));
                }
            }
        }
    }
}

/// How much of an archive came, and where to go on if not all.
enum Received {
    Whole,
    Part(Option<Resume>),
}

/// A page where an archive should be is not worth a place on disk.
fn refuse_pages(start: &[u8]) -> Result<(), Trouble> {
    match sniff(start) {
        looks @ (Looks::Html | Looks::Xml { .. }) => {
            let page = match looks {
                Looks::Xml { code: Some(code) } => format!("the file host's error {code}"),
                Looks::Xml { code: None } => "an XML page".into(),
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
