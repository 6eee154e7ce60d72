//! What the tests of the record reader share.

use std::io::{self, BufRead, Read};

use qcc_proto::{DocumentError, DocumentSummary, Item, ReaderLimits, RecordReader};

/// A record with nothing unusual about it.
pub(crate) const GOOD: &str = r#"{"id":"ffedc4cf","corpKeyNo":"00a0e21a","corpName":"四川中津建设集团有限公司","monitorContent":"该企业由原“较高风险”上升至“高风险”","monitorLevel":"高风险信息","monitorType":"高风险","score":82,"changeDate":"2022-06-01"}"#;

/// The usual record with another JSON value in one field.
pub(crate) fn good_but(field: &str, value: &str) -> String {
    let key = format!("\"{field}\":");
    let from = GOOD.find(&key).unwrap() + key.len();
    let rest = GOOD[from..].find(",\"").unwrap_or(GOOD[from..].len() - 1);
    format!("{}{value}{}", &GOOD[..from], &GOOD[from + rest..])
}

/// The usual record with one more field, as its first.
pub(crate) fn good_and(field: &str) -> String {
    GOOD.replacen('{', &format!("{{{field},"), 1)
}

/// A document of these records, with the count it should have.
pub(crate) fn document(records: &[&str]) -> String {
    let (count, records) = (records.len(), records.join(","));
    format!(r#"{{"pushDate":"2022-06-07 10:13:42","totalSize":{count},"result":[{records}]}}"#)
}

/// The same JSON with `space` around every token that is no plain value.
pub(crate) fn spaced(json: &str, space: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        let structural = !in_string && "{}[]:,".contains(c);
        if structural {
            out.extend([space, c.encode_utf8(&mut [0; 4]), space]);
        } else {
            out.push(c);
        }
        in_string ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    out
}

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

pub(crate) fn read_all(bytes: &[u8]) -> Reading {
    read(bytes, ReaderLimits::default())
}

impl Reading {
    /// The whole in a few words: `2 good, 1 aside`, or why it was refused.
    pub(crate) fn verdict(&self) -> String {
        match &self.end {
            Ok(sum) => format!("{} good, {} aside", sum.records, sum.set_aside),
            Err(DocumentError::Syntax { offset, .. }) => format!("syntax at {offset}"),
            Err(DocumentError::Truncated { offset }) => format!("truncated at {offset}"),
            Err(DocumentError::TooDeep { offset }) => format!("too deep at {offset}"),
            Err(other) => other.to_string(),
        }
    }

    pub(crate) fn is_truncated(&self) -> bool {
        matches!(self.end, Err(DocumentError::Truncated { .. }))
    }
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
