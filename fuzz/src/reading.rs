//! One reading of a document, and a source that gives its bytes in pieces.

use std::io::{self, BufRead, Read};

use qcc_proto::{DocumentError, DocumentSummary, Item, ReaderLimits, RecordReader};

/// All that a reader had to say.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) items: Vec<Item>,
    pub(crate) end: Result<DocumentSummary, DocumentError>,
}

pub(crate) fn read(source: impl BufRead, limits: ReaderLimits) -> Reading {
    let mut reader = RecordReader::new(source, limits);
    let mut items = Vec::new();
    let end = loop {
        match reader.next_item() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let end = match end {
        Ok(()) => {
            assert!(reader.summary().is_some());
            assert!(matches!(reader.next_item(), Ok(None)), "the end is the end");
            reader.finish()
        }
        Err(error) => {
            assert!(matches!(reader.next_item(), Err(DocumentError::AlreadyFailed)));
            assert_eq!(reader.summary(), None);
            assert!(matches!(reader.finish(), Err(DocumentError::AlreadyFailed)));
            Err(error)
        }
    };
    Reading { items, end }
}

/// A source that gives its bytes in pieces of the given lengths, over and over.
pub(crate) struct Pieces<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) lengths: std::iter::Cycle<std::vec::IntoIter<usize>>,
    left: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(bytes: &'a [u8], lengths: Vec<usize>) -> Self {
        Self { bytes, lengths: lengths.into_iter().cycle(), left: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?.read(into)?;
        self.consume(got);
        Ok(got)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.left = self.lengths.next().unwrap();
        }
        Ok(&self.bytes[..self.left.min(self.bytes.len())])
    }

    fn consume(&mut self, used: usize) {
        self.bytes = &self.bytes[used..];
        self.left -= used;
    }
}
