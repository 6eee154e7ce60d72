//! Content that a second thread decompresses ahead of its reader.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use crate::{Content, Error, ReadAt};

/// The most chunks that wait for the reader: enough that neither side waits often,
/// few enough to stay in a CPU cache.
const READY: usize = 4;

/// Reads the content of an authenticated entry while another thread
/// decompresses what comes next.
///
/// [`Content::ahead`] creates it. It is as strict as [`Content`]: the end is
/// reached only if every check passed, an error comes after the content before
/// it, and every later read gives the same error. Chunks pass between the threads
/// without being copied; at most six of them, 1.5 MiB, exist beside the
/// held-back beginning. Dropping it ends the thread and waits for that, which takes
/// no longer than decompressing one chunk.
pub struct Ahead {
    /// None once the last message has come.
    chunks: Option<Receiver<Message>>,
    /// Used chunks go back to the thread, which fills them again.
    used: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    consumed: usize,
    /// The end: the size of the content, or an error.
    end: Option<Result<u64, Error>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread sends. A closed channel without an `End` is a fault, not an end.
enum Message {
    Chunk(Vec<u8>),
    End(Result<u64, Error>),
}

impl<S: ReadAt + Send + 'static> Content<S> {
    /// Continues decompressing on a thread of its own, named `unpack`.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the system cannot start a thread.
    pub fn ahead(mut self) -> Result<Ahead, Error> {
        let (send, chunks) = sync_channel(READY);
        let (used, spare) = sync_channel::<Vec<u8>>(READY + 2);
        let unpack = move || {
            loop {
                // Without a used chunk to fill, a new one is allocated.
                let empty = spare.try_recv().unwrap_or_else(|_| Vec::new());
                let message = match self.take_chunk(empty) {
                    Ok(chunk) if chunk.is_empty() => Message::End(Ok(self.unpacked())),
                    Ok(chunk) => Message::Chunk(chunk),
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
            chunks: Some(chunks),
            used,
            chunk: Vec::new(),
            consumed: 0,
            end: None,
            thread: Some(thread.map_err(Error::io)?),
        })
    }
}

impl Ahead {
    /// Reads and checks the rest, and returns the size of the whole content in bytes.
    ///
    /// # Errors
    /// Those of [`Content::finish`].
    pub fn finish(mut self) -> Result<u64, Error> {
        loop {
            self.consumed = self.chunk.len();
            if self.chunk()?.is_empty() {
                return self.end.take().unwrap_or_else(|| Err(gone()));
            }
        }
    }

    /// Writes the rest, chunk by chunk, and returns its size in bytes.
    ///
    /// # Errors
    /// Those of [`Content::write_to`].
    pub fn write_to(&mut self, writer: &mut (impl Write + ?Sized)) -> io::Result<u64> {
        let mut written = 0;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(written);
            }
            writer.write_all(chunk)?;
            written += chunk.len() as u64;
            self.consumed = self.chunk.len();
        }
    }

    /// The bytes not yet consumed; empty only at the end.
    #[expect(
        clippy::indexing_slicing,
        reason = "`consumed` never exceeds the chunk; an empty default would look like the end"
    )]
    fn chunk(&mut self) -> Result<&[u8], Error> {
        if self.consumed == self.chunk.len() {
            self.next()?;
        }
        Ok(&self.chunk[self.consumed..])
    }

    fn next(&mut self) -> Result<(), Error> {
        self.consumed = 0;
        let old = std::mem::take(&mut self.chunk);
        if let Some(chunks) = &self.chunks {
            // Return the used chunk before waiting; if the channel is full it is freed.
            let _ = self.used.try_send(old);
            match chunks.recv().unwrap_or_else(|_| Message::End(Err(gone()))) {
                Message::Chunk(chunk) => self.chunk = chunk,
                Message::End(end) => {
                    self.chunks = None;
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
    Error::io(io::Error::other("the decompression thread ended early"))
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // Without a receiver the thread ends at its next chunk.
        self.chunks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.chunk()?)
    }

    fn consume(&mut self, amount: usize) {
        self.consumed = self.chunk.len().min(self.consumed.saturating_add(amount));
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.chunk()?;
        let read = chunk.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ahead").field("ended", &self.end.is_some()).finish_non_exhaustive()
    }
}
