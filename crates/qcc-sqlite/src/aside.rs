//! Records that were set aside, put away until the commit where they are many.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek as _, Write as _},
    path::Path,
};

use qcc_sync::SetAside;

/// So many bytes stay in memory.
const FULL: usize = 8 * 1024 * 1024;

/// Records set aside, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Asides {
    held: Vec<SetAside>,
    bytes: usize,
    /// A file that has no name: it is gone with the process, however that ends.
    file: Option<File>,
}

impl Asides {
    pub(crate) fn push(&mut self, batch: Vec<SetAside>) {
        let size = |aside: &SetAside| {
            size_of::<SetAside>() + aside.code.len() + aside.detail.len() + aside.raw.len()
        };
        self.bytes += batch.iter().map(size).sum::<usize>();
        self.held.extend(batch);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= FULL
    }

    /// Puts what is held in memory into a file in the store's folder.
    pub(crate) fn spill(&mut self, folder: &Path) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(folder)?),
        };
        let mut out = BufWriter::with_capacity(256 * 1024, file);
        for SetAside { position, code, detail, raw } in self.held.drain(..) {
            out.write_all(&position.to_le_bytes())?;
            for part in [code.as_bytes(), detail.as_bytes(), &raw] {
                out.write_all(&(part.len() as u64).to_le_bytes())?;
                out.write_all(part)?;
            }
        }
        self.bytes = 0;
        out.flush()
    }

    /// Shows all of them, one after the other.
    pub(crate) fn each<E>(
        self,
        mut visit: impl FnMut(&SetAside) -> Result<(), E>,
        unread: impl Fn(io::Error) -> E,
    ) -> Result<(), E> {
        if let Some(mut file) = self.file {
            file.rewind().map_err(&unread)?;
            let mut file = BufReader::with_capacity(256 * 1024, file);
            while let Some(aside) = read(&mut file).map_err(&unread)? {
                visit(&aside)?;
            }
        }
        self.held.iter().try_for_each(visit)
    }
}

/// The next record; `None` at the end.
fn read(file: &mut impl Read) -> io::Result<Option<SetAside>> {
    let mut position = [0; 8];
    match file.read_exact(&mut position) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    }
    let mut part = || -> io::Result<Vec<u8>> {
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut bytes = Vec::new();
        let found = file.take(length).read_to_end(&mut bytes)? as u64;
        if found < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    };
    let (code, detail, raw) = (part()?, part()?, part()?);
    let text = |bytes| String::from_utf8(bytes).map_err(io::Error::other);
    let position = u64::from_le_bytes(position);
    Ok(Some(SetAside { position, code: text(code)?, detail: text(detail)?, raw }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_away_comes_back_in_its_order() {
        let aside = |position: u64, length: usize| SetAside {
            position,
            code: "missing_field".into(),
            detail: "id 缺失".into(),
            raw: vec![0xff; length],
        };
        let all = [aside(7, 0), aside(3, 70_000), aside(u64::MAX, 5), aside(4, 1)];
        for spilled in 0..=all.len() {
            let mut asides = Asides::default();
            for (n, aside) in all.iter().enumerate() {
                if n < spilled {
                    asides.push(vec![aside.clone()]);
                    asides.spill(&std::env::temp_dir()).unwrap();
                } else {
                    asides.push(vec![aside.clone()]);
                }
            }
            let mut found = Vec::new();
            let visit = |aside: &SetAside| {
                found.push(aside.clone());
                Ok::<_, io::Error>(())
            };
            asides.each(visit, std::convert::identity).unwrap();
            assert!(found == all, "{spilled} were put away");
        }
    }
}
