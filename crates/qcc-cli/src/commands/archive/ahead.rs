//! Reads ahead on a thread of its own, so that unpacking and parsing share the
//! work of two cores.

use std::{
    io::{self, BufRead, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

/// What is unpacked at a time.
const PIECE: usize = 256 * 1024;

/// How many pieces lie ready at most.
const AHEAD: usize = 4;

/// A reader whose source is read on another thread.
pub(super) struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Used pieces go back, so that no memory is asked for again.
    used: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    consumed: usize,
    ended: bool,
}

impl Ahead {
    /// Starts to read `source`; the thread ends with it, or with the reader.
    pub(super) fn of(mut source: impl Read + Send + 'static) -> Self {
        let (send, pieces) = sync_channel(AHEAD);
        let (used, spare) = sync_channel::<Vec<u8>>(AHEAD + 2);
        thread::spawn(move || {
            loop {
                let mut piece = spare.try_recv().unwrap_or_default();
                let read = fill(&mut source, &mut piece).map(|()| piece);
                let last = !matches!(&read, Ok(piece) if !piece.is_empty());
                if send.send(read).is_err() || last {
                    return;
                }
            }
        });
        Self { pieces, used, piece: Vec::new(), consumed: 0, ended: false }
    }

    /// The next piece; an empty one at the end.
    fn next(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let Ok(piece) = self.pieces.recv() else {
            return Err(io::Error::other("the reading thread ended early"));
        };
        let old = std::mem::replace(&mut self.piece, piece?);
        self.ended = self.piece.is_empty();
        // Where the other side is gone or has enough, the memory is simply freed.
        let _ = self.used.try_send(old);
        self.consumed = 0;
        Ok(())
    }
}

fn fill(source: &mut impl Read, piece: &mut Vec<u8>) -> io::Result<()> {
    piece.clear();
    source.take(PIECE as u64).read_to_end(piece).map(|_| ())
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.consumed == self.piece.len() {
            self.next()?;
        }
        Ok(self.piece.get(self.consumed..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.consumed = self.piece.len().min(self.consumed.saturating_add(amount));
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order() {
        let source: Vec<u8> = (0..3 * PIECE + 17).map(|at| (at % 251) as u8).collect();
        let mut read = Vec::new();
        Ahead::of(io::Cursor::new(source.clone())).read_to_end(&mut read).unwrap();
        assert!(read == source);
    }

    #[test]
    fn an_error_arrives_after_what_came_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::InvalidData, "broken"))
            }
        }
        let mut read = Vec::new();
        let source = io::Cursor::new(vec![7; PIECE]).chain(Broken);
        let error = Ahead::of(source).read_to_end(&mut read).unwrap_err();
        assert_eq!((read.len(), error.kind()), (PIECE, io::ErrorKind::InvalidData));
    }
}
