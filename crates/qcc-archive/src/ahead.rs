//! Content that is unpacked on a thread of its own, ahead of whoever reads it.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use crate::{Content, Error, ReadAt};

/// How many pieces lie ready at most: enough that neither side waits for the
/// other's breath, little enough to stay in a CPU's cache.
const READY: usize = 4;

/// Reads the content of an entry whose MAC was right, while another thread
/// unpacks what comes next.
///
/// Made by [`Content::ahead`], and as strict: its end is reached only if
/// everything was right, and an error comes after the content before it and
/// is given again by every further read. Pieces change hands without being
/// copied; at most six of them, 1.5 MiB, are alive beside the held-back
/// beginning. Dropping it ends the thread and waits for that, which takes no
/// longer than unpacking one piece.
pub struct Ahead {
    /// None once the last message has come.
    pieces: Option<Receiver<Message>>,
    /// Used pieces go back, so that no memory is asked for again.
    used: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
    consumed: usize,
    /// How it ended: with so many bytes in all, or not well.
    end: Option<Result<u64, Error>>,
    thread: Option<JoinHandle<()>>,
}

/// Nothing else may stand for the end: a thread that is simply gone is a fault.
enum Message {
    Piece(Vec<u8>),
    End(Result<u64, Error>),
}

impl<S: ReadAt + Send + 'static> Content<S> {
    /// Goes on unpacking on a thread of its own.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) where the system gives no thread.
    pub fn ahead(mut self) -> Result<Ahead, Error> {
        let (send, pieces) = sync_channel(READY);
        let (used, spare) = sync_channel::<Vec<u8>>(READY + 2);
        let unpack = move || {
            loop {
                let message = match self.take_chunk(spare.try_recv().unwrap_or_default()) {
                    Ok(piece) if piece.is_empty() => Message::End(Ok(self.unpacked())),
                    Ok(piece) => Message::Piece(piece),
                    Err(error) => Message::End(Err(error)),
                };
                let is_last = matches!(message, Message::End(_));
                if send.send(message).is_err() || is_last {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("unpack".into()).spawn(unpack);
        Ok(Ahead {
            pieces: Some(pieces),
            used,
            piece: Vec::new(),
            consumed: 0,
            end: None,
            thread: Some(thread.map_err(Error::io)?),
        })
    }
}

impl Ahead {
    /// Reads what is left, and returns the size of the whole content.
    ///
    /// # Errors
    /// As [`Content::finish`].
    pub fn finish(mut self) -> Result<u64, Error> {
        loop {
            self.consumed = self.piece.len();
            if self.piece()?.is_empty() {
                return self.end.take().unwrap_or_else(|| Err(gone()));
            }
        }
    }

    /// Writes what is left, piece by piece, and returns how much that was.
    ///
    /// # Errors
    /// As [`Content::write_to`].
    pub fn write_to(&mut self, writer: &mut (impl Write + ?Sized)) -> io::Result<u64> {
        let mut written = 0;
        loop {
            let piece = self.piece()?;
            if piece.is_empty() {
                return Ok(written);
            }
            writer.write_all(piece)?;
            written += piece.len() as u64;
            self.consumed = self.piece.len();
        }
    }

    /// What has come and is not yet consumed; empty only at the end.
    #[expect(
        clippy::indexing_slicing,
        reason = "consumed never exceeds the piece; an empty default would pass for the end"
    )]
    fn piece(&mut self) -> Result<&[u8], Error> {
        if self.consumed == self.piece.len() {
            self.next()?;
        }
        Ok(&self.piece[self.consumed..])
    }

    fn next(&mut self) -> Result<(), Error> {
        self.consumed = 0;
        let old = std::mem::take(&mut self.piece);
        if let Some(pieces) = &self.pieces {
            // Before waiting for the next one. Where nobody wants it, it is freed.
            let _ = self.used.try_send(old);
            match pieces.recv().unwrap_or_else(|_| Message::End(Err(gone()))) {
                Message::Piece(piece) => self.piece = piece,
                Message::End(end) => {
                    self.pieces = None;
                    self.end = Some(end);
                }
            }
        }
        match &self.end {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

fn gone() -> Error {
    Error::io(io::Error::other("the unpacking thread ended early"))
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next piece.
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.piece()?)
    }

    fn consume(&mut self, amount: usize) {
        self.consumed = self.piece.len().min(self.consumed.saturating_add(amount));
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.piece()?;
        let read = piece.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("ended", &self.end.is_some()).finish_non_exhaustive()
    }
}
